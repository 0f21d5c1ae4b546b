"""Chunks sent whole or encoded, by what is heard in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import (
    TALK_MS,
    WORDS,
    StopAfter,
    children,
    hear_file,
    run_ffmpeg,
    spans_at_pauses,
    texts,
    words_within,
    worst_shift_ms,
    write_talk,
)
from tests.sound.speech import RATE, place, speak, write_wav
from tests.sound.vocabulary import word_of
from voxtrald.audio import commands
from voxtrald.audio.faults import find_fault
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk, encode_chunk, is_copyable, send_whole
from voxtrald.audio.probe import AudioSource, measure_ms, probe
from voxtrald.errors import RecordingChanged, RecordingError, StopRequested, StorageUnavailable
from voxtrald.transcript.model import Span

WHOLE = Span(start_ms=0, end_ms=TALK_MS)
FORMATS = [
    ("a.mp3", (), 30),
    ("a.m4a", ("-c:a", "aac"), 5),
    ("a.flac", (), 5),
    ("a.wav", (), 5),
    ("a.ogg", ("-c:a", "libvorbis"), 10),
    ("a.opus", ("-c:a", "libopus"), 10),
    ("a.webm", ("-c:a", "libopus"), 10),
    ("a.wma", (), 60),
    ("a.amr", ("-ac", "1", "-ar", "8000", "-c:a", "libopencore_amrnb", "-b:a", "12.2k"), 30),
    ("a.aiff", (), 5),
    ("a.aac", (), 60),
    ("a.ts", ("-c:a", "aac"), 60),
]


def encode(source: AudioSource, span: Span, target: Path, *, ffmpeg: Ffmpeg | None = None, **changes) -> PreparedChunk:
    """Encode with ordinary wishes."""
    wishes = {"is_last": False, "bitrate_kbps": 48, "sample_rate_hz": 16_000}
    return encode_chunk(source, span, target=target, ffmpeg=ffmpeg or new_ffmpeg(), **(wishes | changes))


@pytest.mark.parametrize(("name", "options", "tolerance_ms"), FORMATS)
def test_every_word_of_every_format_comes_at_its_time(tmp_path, name, options, tolerance_ms):
    """Chunks cut anywhere in any common format hold their words, whole and in time."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)
    span = spans_at_pauses()[1]

    for part in (span, Span(start_ms=span.end_ms, end_ms=TALK_MS)):
        chunk = encode(source, part, tmp_path / "0.mp3", is_last=part.end_ms == TALK_MS, ffmpeg=ffmpeg)
        heard = hear_file(chunk.path, offset_ms=chunk.offset_ms)

        assert texts(heard) == words_within(part)
        assert worst_shift_ms(heard) <= tolerance_ms
        assert (chunk.shortfall_ms, chunk.complaint) == (0, "")


def test_a_word_right_behind_a_cut_survives_the_bit_reservoir(tmp_path):
    """In a lean mp3 of varying bit rate a chunk that begins just before a word has that word whole."""
    ffmpeg = new_ffmpeg()
    lean = ("-ar", "44100", "-ac", "2", "-c:a", "libmp3lame", "-q:a", "5")
    source = probe(write_talk(tmp_path / "a.mp3", *lean), ffmpeg=ffmpeg)
    for number, word in enumerate(WORDS[4:24:4]):
        span = Span(start_ms=word.start_ms - 20, end_ms=word.end_ms + 20)
        chunk = encode(source, span, tmp_path / f"{number}.mp3", ffmpeg=ffmpeg)

        assert texts(hear_file(chunk.path, offset_ms=chunk.offset_ms)) == [word.text]
    assert not is_copyable(source)


@pytest.mark.parametrize("target_format", ["mp3", "flac", "ogg", "wav"])
@pytest.mark.parametrize("sample_rate_hz", [16_000, 22_050])
def test_every_target_format_holds_the_span(tmp_path, target_format, sample_rate_hz):
    """Whatever is encoded to, the chunk is as long as its span and says so in its own header."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)
    span = Span(start_ms=2_000, end_ms=12_345)
    target = tmp_path / f"0.{target_format}"

    chunk = encode(source, span, target, format=target_format, sample_rate_hz=sample_rate_hz, ffmpeg=ffmpeg)

    assert (chunk.extension, chunk.how, chunk.offset_ms) == (target_format, "encoded", 2_000)
    assert chunk.duration_ms == pytest.approx(span.length_ms, abs=1)
    assert probe(target, ffmpeg=ffmpeg).duration_ms == pytest.approx(span.length_ms, abs=120)
    assert chunk.size_bytes == target.stat().st_size


def test_the_last_chunk_loses_nothing_at_its_end(tmp_path):
    """A word at the recording's end is whole, although the end was taken for a little earlier."""
    word = place(word_of(7), 680)
    path = write_wav(tmp_path / "a.wav", speak([word], 1_000), RATE)
    ffmpeg = new_ffmpeg()
    source = probe(path, ffmpeg=ffmpeg)

    chunk = encode(source, Span(start_ms=0, end_ms=930), tmp_path / "0.mp3", is_last=True, ffmpeg=ffmpeg)

    assert texts(hear_file(chunk.path)) == [word.text]


def test_a_hole_does_not_shift_what_follows(tmp_path):
    """A recorder that was paused leaves a hole in the timestamps; words behind it keep their times."""
    span, hole = Span(start_ms=0, end_ms=TALK_MS), spans_at_pauses()[1]
    between = f"between(t,{hole.start_ms / 1000},{hole.end_ms / 1000})"
    path = write_talk(tmp_path / "a.webm", "-af", f"aselect='not({between})'", "-c:a", "libopus")
    ffmpeg = new_ffmpeg()
    source = probe(path, ffmpeg=ffmpeg)

    chunk = encode(source, span, tmp_path / "0.mp3", is_last=True, ffmpeg=ffmpeg)
    late = encode(
        source, Span(start_ms=hole.end_ms - 500, end_ms=TALK_MS), tmp_path / "1.mp3", is_last=True, ffmpeg=ffmpeg
    )

    heard = hear_file(chunk.path)
    assert texts(heard) == [word.text for word in WORDS if word.text not in words_within(hole)]
    assert worst_shift_ms(heard) <= 15
    assert worst_shift_ms(hear_file(late.path, offset_ms=late.offset_ms)) <= 15


def test_sound_that_begins_late_keeps_its_times(tmp_path):
    """In a video whose sound starts after the picture, times count from the picture's start; the picture is ignored."""
    talk = write_talk(tmp_path / "talk.wav")
    path = tmp_path / "film.mp4"
    picture = ("-f", "lavfi", "-i", "color=s=64x64:d=33:r=5")
    run_ffmpeg(*picture, "-itsoffset", "2.5", "-i", talk, "-c:v", "mpeg4", "-c:a", "aac", path)
    ffmpeg = new_ffmpeg()
    source = probe(path, ffmpeg=ffmpeg)

    chunk = encode(source, Span(start_ms=0, end_ms=TALK_MS + 2_500), tmp_path / "0.mp3", is_last=True, ffmpeg=ffmpeg)

    assert measure_ms(source, ffmpeg=ffmpeg) == pytest.approx(TALK_MS + 2_500, abs=50)
    heard = hear_file(chunk.path, offset_ms=-2_500)
    assert texts(heard) == texts(WORDS)
    assert worst_shift_ms(heard) <= 15


def test_the_default_track_is_heard(tmp_path):
    """Of two tracks the one marked as default is sent, though the other comes first."""
    talk = write_talk(tmp_path / "talk.wav")
    path = tmp_path / "a.mp4"
    silence = ("-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono")
    mapping = ("-map", "0", "-map", "1", "-disposition:a:0", "0", "-disposition:a:1", "default")
    run_ffmpeg(*silence, "-i", talk, *mapping, "-c:a", "aac", "-t", "10", path)
    ffmpeg = new_ffmpeg()

    chunk = encode(probe(path, ffmpeg=ffmpeg), Span(start_ms=0, end_ms=10_000), tmp_path / "0.mp3", ffmpeg=ffmpeg)

    heard = texts(hear_file(chunk.path))
    assert heard[: len(heard) - 1] == texts(WORDS)[: len(heard) - 1]
    assert len(heard) > 10


def test_a_truncated_recording_gives_what_it_has(tmp_path):
    """The words before the break are there, and the chunk tells how much is missing."""
    path = write_talk(tmp_path / "a.m4a", "-movflags", "+faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    ffmpeg = new_ffmpeg()

    chunk = encode(probe(path, ffmpeg=ffmpeg), WHOLE, tmp_path / "0.mp3", is_last=True, ffmpeg=ffmpeg)

    assert chunk.shortfall_ms > TALK_MS / 4
    heard = texts(hear_file(chunk.path))
    assert len(heard) > 10
    assert heard[:-1] == texts(WORDS)[: len(heard) - 1]


def test_damage_inside_is_told_and_survived(tmp_path):
    """Flipped bytes cost the words they hit, shift the rest by less than two frames, and are mentioned."""
    path = write_talk(tmp_path / "a.m4a", "-movflags", "+faststart")
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content) // 2 + 3_000, 50):
        content[at] ^= 0xFF
    path.write_bytes(content)
    ffmpeg = new_ffmpeg()

    chunk = encode(probe(path, ffmpeg=ffmpeg), WHOLE, tmp_path / "0.mp3", is_last=True, ffmpeg=ffmpeg)

    heard = [word for word in hear_file(chunk.path) if word.text in texts(WORDS)]
    assert chunk.complaint
    assert len(heard) > len(WORDS) * 0.8
    assert worst_shift_ms(heard) <= 45


def test_a_span_behind_the_end_is_empty(tmp_path):
    """Asking for sound where there is none is told apart from a bad recording, and leaves no file."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)

    with pytest.raises(EmptySpanError):
        encode(source, Span(start_ms=TALK_MS + 5_000, end_ms=TALK_MS + 9_000), tmp_path / "0.mp3", ffmpeg=ffmpeg)

    assert [path.name for path in tmp_path.iterdir()] == ["a.m4a"]


def test_a_recording_without_samples_is_at_fault(tmp_path):
    """A file whose very start gives no sound is a bad recording."""
    ffmpeg = new_ffmpeg()
    source = probe(write_wav(tmp_path / "a.wav", speak([], 0), RATE), ffmpeg=ffmpeg)

    with pytest.raises(RecordingError):
        encode(source, WHOLE, tmp_path / "0.mp3", ffmpeg=ffmpeg)


def test_a_recording_that_vanished_is_not_at_fault(tmp_path):
    """A file moved away between probing and encoding is looked for again, not quarantined."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)
    source.path.unlink()

    with pytest.raises(RecordingChanged):
        encode(source, WHOLE, tmp_path / "0.mp3", ffmpeg=ffmpeg)


def test_stop_leaves_neither_a_child_nor_a_file(tmp_path):
    """An encoding that is stopped midway is as if it never was."""
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=new_ffmpeg())

    with pytest.raises(StopRequested):
        encode(source, WHOLE, tmp_path / "0.mp3", ffmpeg=new_ffmpeg(stop=StopAfter(1)))

    assert children() == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.m4a"]


def test_a_full_disk_is_recognised_by_what_ffmpeg_says(tmp_path):
    """The words for a full disk are the ones this ffmpeg uses."""
    path = write_talk(tmp_path / "a.m4a")
    command = commands.encode(
        path,
        container="mov",
        stream_index=0,
        span=WHOLE,
        target=Path("/dev/full"),
        target_format="mp3",
        bitrate_kbps=48,
        sample_rate_hz=16_000,
    )

    finished = new_ffmpeg().run(command, source=path, bounds=Bounds(timeout_s=60.0))

    assert isinstance(find_fault(finished.complaint, source=path, work=tmp_path), StorageUnavailable)


def test_a_missing_work_folder_is_the_storages_fault(tmp_path):
    """A work folder that went away holds work; it does not put the recording into quarantine."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)

    with pytest.raises(StorageUnavailable):
        encode(source, WHOLE, tmp_path / "gone" / "0.mp3", ffmpeg=ffmpeg)
    with pytest.raises(StorageUnavailable):
        send_whole(source, work=tmp_path / "gone")


def test_what_goes_out_whole_is_byte_for_byte(tmp_path):
    """A later write to the file in the inbox does not change what is sent."""
    path = write_talk(tmp_path / "a.mp3")
    content = path.read_bytes()
    (tmp_path / "work").mkdir()

    chunk = send_whole(probe(path, ffmpeg=new_ffmpeg()), work=tmp_path / "work")
    with path.open("r+b") as file:
        file.write(b"overwritten")

    assert chunk.path.read_bytes() == content
    assert (chunk.extension, chunk.how, chunk.offset_ms) == ("mp3", "whole", 0)


def test_a_file_that_grew_is_not_sent_whole(tmp_path):
    """A recording still being written when it is copied is left for later."""
    path = write_talk(tmp_path / "a.mp3")
    source = replace(probe(path, ffmpeg=new_ffmpeg()), size_bytes=path.stat().st_size - 1)
    (tmp_path / "work").mkdir()

    with pytest.raises(RecordingChanged):
        send_whole(source, work=tmp_path / "work")

    assert list((tmp_path / "work").iterdir()) == []
