"""Chunks copied byte by byte, by what is heard in them."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import (
    TALK_MS,
    WORDS,
    StopAfter,
    decode,
    hear_file,
    run_ffmpeg,
    spans_at_pauses,
    texts,
    words_within,
    worst_shift_ms,
    write_talk,
)
from tests.sound.speech import RATE, PlacedWord
from voxtrald.audio import copying
from voxtrald.audio.copying import copy_chunk
from voxtrald.audio.measuring import find_layout
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk
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
    "mono": ("a.mp3", ("-ac", "1", "-b:a", "64k"), 48_000),
    "with a cover": ("a.mp3", ("-i", "COVER", "-map", "0", "-map", "1", "-b:a", "64k"), 44_100),
    "wav": ("a.wav", (), 44_100),
    "16 kHz stereo wav": ("a.wav", ("-ac", "2", "-ar", "16000"), 44_100),
    "wav of over four gigabytes by its header": ("a.wav", ("-rf64", "always"), 44_100),
    "wav with six channels": ("a.wav", ("-ac", "6"), 44_100),
}


NEVER = threading.Event()
DELAY_SAMPLES = 576 + 529
"""What LAME says it puts before the sound, and what every decoder does."""
DAMAGED_SAMPLES = 4 * 1152
"""What a jump into an mp3 of these bit rates may cost, and more than its delay."""


@pytest.fixture(params=SOURCES, scope="module")
def source(request, tmp_path_factory) -> AudioSource:
    """Give a recording that can be copied, and that nobody changes."""
    name, options, rate = SOURCES[request.param]
    return laid_out(tmp_path_factory.mktemp("in") / name, *options, rate=rate)


@pytest.fixture(scope="module")
def whole(source) -> list[PlacedWord]:
    """Give what is heard in the whole recording."""
    return hear_file(source.path)


@pytest.fixture
def mp3(tmp_path) -> AudioSource:
    """Give an ordinary mp3."""
    (tmp_path / "in").mkdir()
    return laid_out(tmp_path / "in" / "a.mp3", "-b:a", "64k")


@pytest.fixture
def work(tmp_path) -> Path:
    """Give a work folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def laid_out(path: Path, *options: str, rate: int = 44_100) -> AudioSource:
    """Write the talk, and find out how its sound lies in the file."""
    cover = path.with_name("cover.png")
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", cover)
    found = probe(
        write_talk(path, *(str(cover) if each == "COVER" else each for each in options), rate=rate),
        ffmpeg=new_ffmpeg(),
    )
    return replace(found, layout=find_layout(found, stop=NEVER))


def copy_all(source: AudioSource, spans: list[Span], work: Path) -> list[PreparedChunk]:
    """Copy all spans, one after another."""
    return [copy_chunk(source, span, target=work / str(index), stop=NEVER) for index, span in enumerate(spans)]


def test_chunks_hold_all_words_at_their_times(source, whole, work):
    """Cut in pauses, no word is lost, doubled or damaged, and all come when they come in the whole recording."""
    spans = spans_at_pauses()

    chunks = copy_all(source, spans, work)

    assert [chunk.span for chunk in chunks] == spans
    heard = [word for chunk in chunks for word in hear_file(chunk.path, offset_ms=chunk.offset_ms)]
    assert texts(heard) == texts(WORDS)
    assert worst_shift_ms(heard, whole) <= 5


def test_joints_are_exact(source, work):
    """Every chunk begins where the one before it ends, near its cut, and the last one ends with the recording."""
    duration_ms = measure_ms(source, ffmpeg=new_ffmpeg())
    *spans, last = spans_at_pauses()
    spans.append(Span(start_ms=last.start_ms, end_ms=duration_ms))

    chunks = copy_all(source, spans, work)

    assert source.layout is not None
    for one, two in itertools.pairwise(chunks):
        assert two.offset_ms == pytest.approx(one.offset_ms + one.duration_ms, abs=1)
        assert two.offset_ms == pytest.approx(two.span.start_ms, abs=source.layout.unit_ms / 2 + 1)
    assert chunks[-1].offset_ms + chunks[-1].duration_ms == pytest.approx(duration_ms, abs=1)


def test_joints_are_exact_to_the_sample(source, work):
    """What is decoded from the chunks, behind what a jump may damage, is sample by sample what the whole gives."""
    all_samples = decode_raw(source.path)
    at = -DELAY_SAMPLES if source.start_ms else 0

    for chunk in copy_all(source, spans_at_pauses(), work):
        part = decode_raw(chunk.path)
        sound = at + DAMAGED_SAMPLES
        expected = all_samples[sound : at + len(part)].astype(int)

        assert len(expected) > RATE
        assert np.abs(expected - part[DAMAGED_SAMPLES:][: len(expected)]).max() <= 1
        at += len(part)


def test_a_chunks_header_tells_its_own_length(source, work):
    """What a chunk says of its length, what is decoded from it and what we say of it are the same."""
    for chunk in copy_all(source, [spans_at_pauses()[0], spans_at_pauses()[-1]], work):
        said_ms = probe(chunk.path, ffmpeg=new_ffmpeg()).duration_ms
        decoded_ms = len(decode(chunk.path)) * 1000 / RATE

        assert said_ms == pytest.approx(chunk.duration_ms, abs=11)
        assert decoded_ms == pytest.approx(chunk.duration_ms, abs=2)
        assert chunk.size_bytes == chunk.path.stat().st_size


def test_overlapping_spans_are_copied_too(source, whole, work):
    """A span that begins before its predecessor's end holds the words of both sides."""
    pauses = [span.end_ms for span in spans_at_pauses()]
    first = Span(start_ms=0, end_ms=pauses[1])
    second = Span(start_ms=pauses[0], end_ms=pauses[2])

    chunks = copy_all(source, [first, second], work)

    for chunk in chunks:
        heard = hear_file(chunk.path, offset_ms=chunk.offset_ms)
        assert texts(heard) == words_within(chunk.span)
        assert worst_shift_ms(heard, whole) <= 5


def test_nothing_is_lost_before_a_chunk_that_is_not_copied(source, work):
    """A chunk whose follower begins exactly at its cut reaches past it by less than a frame."""
    span = spans_at_pauses()[0]

    chunk = copy_chunk(source, span, target=work / "first", stop=NEVER, is_followed=False)

    assert source.layout is not None
    assert texts(hear_file(chunk.path, offset_ms=chunk.offset_ms)) == words_within(span)
    assert -1 <= chunk.offset_ms + chunk.duration_ms - span.end_ms <= source.layout.unit_ms


def test_a_look_at_the_beginning_is_enough_for_the_first_chunk(source, work):
    """Copied by a layout of no more than its own stretch, the first chunk is the same file."""
    span = spans_at_pauses()[0]
    beginning = replace(source, layout=find_layout(source, stop=NEVER, until_ms=span.end_ms))

    one = copy_chunk(beginning, span, target=work / "one", stop=NEVER, is_followed=False)
    other = copy_chunk(source, span, target=work / "other", stop=NEVER, is_followed=False)

    assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize("beyond_ms", [100, 5_000])
def test_a_span_behind_the_end_is_empty(source, work, beyond_ms):
    """Asking for sound where there is none is told apart from a bad recording, and leaves no file."""
    with pytest.raises(EmptySpanError):
        copy_all(source, [Span(start_ms=TALK_MS + beyond_ms, end_ms=TALK_MS + 9_000)], work)

    assert list(work.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_that_does_not_copy_is_done_without(mp3, work, monkeypatch, code):
    """Where the file system has no such call, the bytes are read and written."""
    expected = copy_all(mp3, spans_at_pauses()[1:2], work)[0].path.read_bytes()
    monkeypatch.setattr(copying.os, "sendfile", refusing(code))

    copied = copy_chunk(mp3, spans_at_pauses()[1], target=work / "read", stop=NEVER)

    assert copied.path.read_bytes() == expected


def test_a_full_disk_is_the_storages_fault(mp3, work, monkeypatch):
    """A disk that takes no more holds work; it does not put the recording into quarantine."""
    monkeypatch.setattr(copying.os, "sendfile", refusing(errno.ENOSPC))

    with pytest.raises(StorageUnavailable):
        copy_all(mp3, spans_at_pauses(), work)

    assert list(work.iterdir()) == []


def test_a_recording_that_vanished_is_not_at_fault(mp3, work):
    """A file moved away is looked for again, not quarantined."""
    mp3.path.unlink()

    with pytest.raises(RecordingChanged):
        copy_all(mp3, spans_at_pauses(), work)


def test_a_recording_that_became_shorter_is_not_at_fault(mp3, work):
    """A file that is written anew while it is copied is looked at again."""
    mp3.path.write_bytes(mp3.path.read_bytes()[:10_000])

    with pytest.raises(RecordingChanged):
        copy_all(mp3, spans_at_pauses(), work)

    assert list(work.iterdir()) == []


def test_a_missing_work_folder_is_the_storages_fault(mp3, work):
    """A work folder that went away holds work; it does not put the recording into quarantine."""
    with pytest.raises(StorageUnavailable):
        copy_all(mp3, spans_at_pauses(), work / "gone")


def test_stop_leaves_no_file(mp3, work):
    """A copy that is stopped is as if it never was."""
    with pytest.raises(StopRequested):
        copy_chunk(mp3, spans_at_pauses()[0], target=work / "first", stop=StopAfter(0))

    assert list(work.iterdir()) == []


def refusing(code: int):
    """Make a function of the kernel that always fails."""

    def refuse(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


def decode_raw(path: Path) -> np.ndarray:
    """Decode the first channel as it is stored, at its own rate."""
    pcm = run_ffmpeg("-i", path, "-map", "0:a:0", "-af", "pan=mono|c0=c0", "-f", "s16le", "-")
    return np.frombuffer(pcm, "<i2")
