"""Where recordings really end."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import TALK_MS, StopAfter, write_talk
from voxtrald.audio import measuring
from voxtrald.audio.measuring import find_layout, measure
from voxtrald.audio.probe import measure_ms, probe
from voxtrald.errors import RecordingChanged, RecordingError, StopRequested

NEVER = threading.Event()
FORMATS = [
    ("a.m4a", ("-c:a", "aac")),
    ("a.mp4", ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")),
    ("a.flac", ()),
    ("a.ogg", ("-c:a", "libvorbis")),
    ("a.opus", ("-c:a", "libopus")),
    ("a.webm", ("-c:a", "libopus")),
    ("a.wma", ()),
    ("a.caf", ("-c:a", "pcm_s16le")),
    ("a.w64", ()),
    ("a.wav", ("-c:a", "pcm_f32le")),
    ("a.wv", ()),
]


@pytest.fixture
def reading(monkeypatch) -> list[str]:
    """Note whenever all packets of a recording are read."""
    noted: list[str] = []

    def measure_all(source, *, ffmpeg):
        noted.append(source.path.name)
        return measure_ms(source, ffmpeg=ffmpeg)

    monkeypatch.setattr(measuring.probe, "measure_ms", measure_all)
    return noted


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_a_jump_to_the_end_shows_it_exactly(tmp_path, reading, name, options):
    """Where a container can be searched, its last packets tell what reading all of them would."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)

    extent = measure(source, ffmpeg=ffmpeg, stop=NEVER)

    assert extent.duration_ms == measure_ms(source, ffmpeg=ffmpeg)
    assert extent.duration_ms == pytest.approx(TALK_MS, abs=60)
    assert (extent.layout, reading) == (None, [])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ("-c:a", "aac", "-movflags", "+faststart")),
        ("a.flac", ()),
        ("a.webm", ("-c:a", "libopus")),
        ("a.wma", ()),
        ("a.wav", ()),
        ("a.mp3", ("-b:a", "64k")),
    ],
)
def test_what_was_cut_off_ends_where_it_does(tmp_path, name, options):
    """A header that promises more than there is is not believed."""
    ffmpeg = new_ffmpeg()
    path = write_talk(tmp_path / name, *options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    source = probe(path, ffmpeg=ffmpeg)

    extent = measure(source, ffmpeg=ffmpeg, stop=NEVER)

    assert extent.duration_ms == pytest.approx(measure_ms(source, ffmpeg=ffmpeg), abs=27)
    assert extent.duration_ms < TALK_MS * 0.9


@pytest.mark.parametrize("promised_ms", [None, 5_000, 3_600_000])
def test_a_header_is_a_hint_only(tmp_path, promised_ms):
    """Whether it promises nothing, too little or far too much, the end is found."""
    ffmpeg = new_ffmpeg()
    source = replace(probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg), duration_ms=promised_ms)

    assert measure(source, ffmpeg=ffmpeg, stop=NEVER).duration_ms == measure_ms(source, ffmpeg=ffmpeg)


@pytest.mark.parametrize(("name", "options"), [("a.aac", ()), ("a.ts", ("-c:a", "aac")), ("a.ac3", ())])
def test_where_a_jump_is_a_guess_all_is_read(tmp_path, reading, name, options):
    """A stream without an index is measured packet by packet."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)

    extent = measure(source, ffmpeg=ffmpeg, stop=NEVER)

    assert extent.duration_ms == pytest.approx(TALK_MS, abs=60)
    assert reading == [name]


@pytest.mark.parametrize(
    "options", [("-b:a", "64k"), ("-q:a", "4"), ("-q:a", "4", "-write_xing", "0"), ("-ar", "16000", "-b:a", "32k")]
)
def test_an_mp3s_frames_tell_its_length(tmp_path, reading, options):
    """An mp3 is measured without ffmpeg, to the same millisecond."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.mp3", *options), ffmpeg=ffmpeg)

    extent = measure(source, ffmpeg=ffmpeg, stop=NEVER)

    assert extent.layout is not None
    assert extent.duration_ms == pytest.approx(measure_ms(source, ffmpeg=ffmpeg), abs=1)
    assert reading == []


def test_an_irregular_mp3_is_measured_as_a_whole(tmp_path, reading):
    """Rubbish between frames leaves the recording without a layout, and its length is what ffmpeg makes of it."""
    ffmpeg = new_ffmpeg()
    path = write_talk(tmp_path / "a.mp3", "-b:a", "64k")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"rubbish" * 20 + content[len(content) // 2 :])

    extent = measure(probe(path, ffmpeg=ffmpeg), ffmpeg=ffmpeg, stop=NEVER)

    assert extent.layout is None
    assert extent.duration_ms == pytest.approx(TALK_MS, abs=200)
    assert reading == ["a.mp3"]


def test_sound_that_goes_on_behind_its_chunk_is_no_layout(tmp_path):
    """A WAV file with samples in two places is not sliced."""
    path = write_talk(tmp_path / "a.wav")
    whole = find_layout(probe(path, ffmpeg=new_ffmpeg()), stop=NEVER)
    with path.open("ab") as file:
        file.write(b"data\x08\0\0\0samples!")

    assert whole is not None
    assert find_layout(probe(path, ffmpeg=new_ffmpeg()), stop=NEVER) is None


def test_a_recording_without_sound_is_at_fault(tmp_path):
    """Nothing to measure is the recording's fault."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)
    source.path.write_bytes(b"no recording any more")

    with pytest.raises(RecordingError):
        measure(source, ffmpeg=ffmpeg, stop=NEVER)


def test_a_recording_that_vanished_is_not_at_fault(tmp_path):
    """A file moved away is looked for again."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.mp3"), ffmpeg=ffmpeg)
    source.path.unlink()

    with pytest.raises(RecordingChanged):
        measure(source, ffmpeg=ffmpeg, stop=NEVER)


def test_stop_is_heard_while_the_frames_are_walked(tmp_path):
    """A long recording on a slow share does not hold up a stop."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.mp3"), ffmpeg=ffmpeg)

    with pytest.raises(StopRequested):
        measure(source, ffmpeg=ffmpeg, stop=StopAfter(0))
