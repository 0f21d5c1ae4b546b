"""Chunks copied packet by packet, by what is heard in them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.integration.audio_files import (
    TALK_MS,
    WORDS,
    StopAfter,
    children,
    decode,
    hear_file,
    new_ffmpeg,
    spans_at_pauses,
    texts,
    words_within,
    worst_shift_ms,
    write_talk,
)
from tests.sound.speech import RATE
from voxtrald.audio.copying import copy_chunks, copy_first, packet_ms
from voxtrald.audio.prepare import EmptySpanError
from voxtrald.audio.probe import AudioSource, measure_ms, probe
from voxtrald.errors import RecordingChanged, StopRequested, StorageUnavailable
from voxtrald.transcript.model import Span

SOURCES = {
    "cbr": ("a.mp3", ("-b:a", "128k"), 44_100),
    "vbr": ("a.mp3", ("-q:a", "4"), 44_100),
    "cbr without a header": ("a.mp3", ("-b:a", "64k", "-write_xing", "0"), 44_100),
    "vbr without a header": ("a.mp3", ("-q:a", "4", "-write_xing", "0"), 44_100),
    "with tags": ("a.mp3", ("-b:a", "64k", "-metadata", "title=x"), 48_000),
    "16 kHz": ("a.mp3", ("-b:a", "32k"), 16_000),
    "8 kHz": ("a.mp3", ("-b:a", "24k"), 8_000),
    "wav": ("a.wav", (), 44_100),
    "16 kHz stereo wav": ("a.wav", ("-ac", "2", "-ar", "16000"), 44_100),
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path) -> AudioSource:
    """Give a recording that can be copied."""
    name, options, rate = SOURCES[request.param]
    path = tmp_path / "in" / name
    path.parent.mkdir()
    return probe(write_talk(path, *options, rate=rate), ffmpeg=new_ffmpeg())


@pytest.fixture
def mp3(tmp_path) -> AudioSource:
    """Give an ordinary mp3."""
    path = tmp_path / "in" / "a.mp3"
    path.parent.mkdir()
    return probe(write_talk(path, "-b:a", "64k"), ffmpeg=new_ffmpeg())


@pytest.fixture
def work(tmp_path) -> Path:
    """Give a work folder with a name that ffmpeg could take for a pattern."""
    folder = tmp_path / "50%d off"
    folder.mkdir()
    return folder


def name(index: int) -> str:
    """Name chunks as the caller likes."""
    return f"chunk-{index:04d}"


def test_chunks_hold_all_words_at_their_times(source, work):
    """Cut in pauses, no word is lost, doubled or damaged, and all come when they come in the whole recording."""
    spans = spans_at_pauses()

    chunks = list(copy_chunks(source, spans, work=work, name=name, ffmpeg=new_ffmpeg()))

    assert [chunk.span for chunk in chunks] == spans
    heard = [word for chunk in chunks for word in hear_file(chunk.path, offset_ms=chunk.offset_ms)]
    assert texts(heard) == texts(WORDS)
    assert worst_shift_ms(heard, hear_file(source.path)) <= 5


def test_joints_are_exact(source, work):
    """Every chunk begins where the one before it ends, and the last one ends with the recording."""
    ffmpeg = new_ffmpeg()
    duration_ms = measure_ms(source, ffmpeg=ffmpeg)
    *spans, last = spans_at_pauses()
    spans.append(Span(start_ms=last.start_ms, end_ms=duration_ms))

    chunks = list(copy_chunks(source, spans, work=work, name=name, ffmpeg=ffmpeg))

    for one, two in itertools.pairwise(chunks):
        assert two.offset_ms == pytest.approx(one.offset_ms + one.duration_ms, abs=1)
        assert two.offset_ms == pytest.approx(two.span.start_ms, abs=packet_ms(source))
    assert chunks[-1].offset_ms + chunks[-1].duration_ms == pytest.approx(duration_ms, abs=1)


def test_a_chunks_header_tells_its_own_length(source, work):
    """What a chunk says of its length, what is decoded from it and what we say of it are the same."""
    ffmpeg = new_ffmpeg()

    for chunk in copy_chunks(source, spans_at_pauses(), work=work, name=name, ffmpeg=ffmpeg):
        said_ms = probe(chunk.path, ffmpeg=ffmpeg).duration_ms
        decoded_ms = len(decode(chunk.path)) * 1000 / RATE

        assert said_ms == pytest.approx(chunk.duration_ms, abs=11)
        assert decoded_ms == pytest.approx(chunk.duration_ms, abs=2)
        assert chunk.size_bytes == chunk.path.stat().st_size


def test_overlapping_spans_are_copied_too(source, work):
    """A span that begins before its predecessor's end holds the words of both sides."""
    pauses = [span.end_ms for span in spans_at_pauses()]
    first = Span(start_ms=0, end_ms=pauses[1])
    second = Span(start_ms=pauses[0], end_ms=pauses[2])
    third = Span(start_ms=pauses[2], end_ms=TALK_MS)
    spans = [first, second, third]

    chunks = list(copy_chunks(source, spans, work=work, name=name, ffmpeg=new_ffmpeg()))

    for span, chunk in zip(spans, chunks, strict=True):
        heard = hear_file(chunk.path, offset_ms=chunk.offset_ms)
        assert texts(heard) == words_within(span)
        assert worst_shift_ms(heard, hear_file(source.path)) <= 5


def test_the_first_chunk_and_the_rest_share_at_most_a_packet(source, work):
    """Copied in two passes, nothing is lost between them and hardly anything comes twice."""
    ffmpeg = new_ffmpeg()
    spans = spans_at_pauses()

    first = copy_first(source, spans[0], target=work / "first", ffmpeg=ffmpeg)
    second = next(copy_chunks(source, spans[1:], work=work, name=name, ffmpeg=ffmpeg))

    assert texts(hear_file(first.path, offset_ms=first.offset_ms)) == words_within(spans[0])
    shared_ms = first.offset_ms + first.duration_ms - second.offset_ms
    assert -1 <= shared_ms <= packet_ms(source) + 1


def test_chunks_get_their_names_and_nothing_else_stays(mp3, work):
    """Files are called as the caller says; intermediate ones are gone."""
    spans = spans_at_pauses()

    chunks = list(copy_chunks(mp3, spans, work=work, name=name, ffmpeg=new_ffmpeg()))

    assert [chunk.path for chunk in chunks] == [work / name(index) for index in range(len(spans))]
    assert sorted(work.iterdir()) == [chunk.path for chunk in chunks]


def test_a_reader_that_goes_away_leaves_nothing(mp3, work):
    """Who wants no more chunks ends the child and its files."""
    chunks = copy_chunks(mp3, spans_at_pauses(), work=work, name=name, ffmpeg=new_ffmpeg())

    first = next(chunks)
    chunks.close()

    assert children() == []
    assert first.path in work.iterdir()
    assert [path for path in work.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("beyond_ms", [100, 5_000])
def test_a_span_behind_the_end_is_told_after_the_others(source, work, beyond_ms):
    """Chunks that exist are given before the one that does not is complained about."""
    spans = [*spans_at_pauses(), Span(start_ms=TALK_MS + beyond_ms, end_ms=TALK_MS + 9_000)]
    chunks = copy_chunks(source, spans, work=work, name=name, ffmpeg=new_ffmpeg())

    given = list(itertools.islice(chunks, len(spans) - 1))

    assert [chunk.span for chunk in given] == spans[:-1]
    with pytest.raises(EmptySpanError):
        next(chunks)


def test_a_recording_that_vanished_is_not_at_fault(mp3, work):
    """A file moved away is looked for again, not quarantined."""
    mp3.path.unlink()

    with pytest.raises(RecordingChanged):
        copy_first(mp3, spans_at_pauses()[0], target=work / "first", ffmpeg=new_ffmpeg())


def test_a_missing_work_folder_is_the_storages_fault(mp3, work):
    """A work folder that went away holds work; it does not put the recording into quarantine."""
    with pytest.raises(StorageUnavailable):
        copy_first(mp3, spans_at_pauses()[0], target=work / "gone" / "first", ffmpeg=new_ffmpeg())


def test_stop_leaves_neither_a_child_nor_a_file(mp3, work):
    """A copy that is stopped is as if it never was."""
    with pytest.raises(StopRequested):
        copy_first(mp3, spans_at_pauses()[0], target=work / "first", ffmpeg=new_ffmpeg(stop=StopAfter(1)))

    assert children() == []
    assert list(work.iterdir()) == []
