"""What is said of sound that is damaged or missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxtrald.audio.damage import END_LOST, LESS_FOUND, NOTHING_HERE, PART_LOST, chunk_damage, lost_end, source_damage
from voxtrald.audio.ending import WHOLE, Ending
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.audio.probe import AudioSource
from voxtrald.transcript.document import SourceFacts
from voxtrald.transcript.model import Damage, Span

LONGEST_MS = 1_000_000
CUT = Ending(is_cut_off=True, declared_bytes=2_000)


def chunk(*, complaint, heard_ms=10_000):
    """A chunk that was to cover the ten seconds from the twentieth on."""
    return PreparedChunk(
        span=Span(start_ms=20_000, end_ms=30_000),
        path=Path("chunk"),
        extension="mp3",
        how="encoded",
        offset_ms=20_000,
        duration_ms=heard_ms,
        size_bytes=1,
        complaint=complaint,
    )


def source(container, *, told_ms, ending=WHOLE, is_estimate=False):
    """A recording of 1,000 bytes whose header tells a length."""
    return AudioSource(
        path=Path("a"),
        container=container,
        codec="x",
        stream_index=0,
        sample_rate_hz=16_000,
        channels=1,
        bit_rate_bps=None,
        duration_ms=told_ms,
        duration_exact=False,
        start_ms=0,
        size_bytes=1_000,
        has_other_streams=False,
        ending=ending,
        is_estimate=is_estimate,
    )


@pytest.mark.parametrize(
    ("complaint", "heard_ms", "expected"),
    [
        ("", 10_000, []),
        ("", 4_000, []),
        ("Application provided invalid, non monotonically increasing dts to muxer", 10_000, []),
        ("invalid new backstep -1", 10_000, [(20_000, 30_000, PART_LOST)]),
        ("invalid new backstep -1", 4_000, [(20_000, 24_000, PART_LOST), (24_000, 30_000, NOTHING_HERE)]),
        ("stream 0, offset 0x7: partial file", 4_000, [(24_000, 30_000, END_LOST)]),
    ],
)
def test_a_chunk_tells_what_its_decoder_found(complaint, heard_ms, expected):
    """A complaint about the sound damages its stretch; a mere lack of sound, or of order in the times, does not."""
    found = chunk_damage(chunk(complaint=complaint, heard_ms=heard_ms))

    assert [(one.span.start_ms, one.span.end_ms, one.what) for one in found] == expected


@pytest.mark.parametrize(
    ("recording", "missing"),
    [
        (source("mov", told_ms=20_000), None),  # its picture is longer
        (source("mov", told_ms=20_000, ending=CUT), (10_000, 20_000)),
        (source("mov", told_ms=10_100, ending=CUT), (10_000, 10_000)),
        (source("mov", told_ms=2_000_000, ending=CUT), None),
        (source("wav", told_ms=10_000, ending=CUT), (10_000, 20_000)),
        (source("wav", told_ms=10_000, ending=CUT, is_estimate=True), (10_000, 20_000)),
        (source("flac", told_ms=20_000), (10_000, 20_000)),
        (source("flac", told_ms=20_000, is_estimate=True), None),
        (source("flac", told_ms=9_000), None),
        (source("ogg", told_ms=10_000, ending=Ending(is_cut_off=True, declared_bytes=None)), (10_000, 10_000)),
        (source("mp3", told_ms=20_000), None),
        (source("mp3", told_ms=20_000, ending=CUT), (10_000, 20_000)),
    ],
)
def test_the_missing_end_is_what_a_believable_header_promises(recording, missing):
    """Only a file that ends too early by its own account, or counts its samples, has lost its end."""
    lost = lost_end(recording, heard_ms=10_000, longest_ms=LONGEST_MS)

    assert (lost and (lost.start_ms, lost.end_ms)) == missing


def test_an_mp3_with_fewer_frames_than_it_counts_lost_some_inside():
    """Where all bytes are there and not all of the sound, something in the middle cannot be read."""
    whole = Ending(is_cut_off=False, declared_bytes=1_000)
    found = source_damage(source("mp3", told_ms=20_000, ending=whole), heard_ms=10_000, longest_ms=LONGEST_MS)

    assert found == (Damage(span=Span(start_ms=0, end_ms=10_000), what=LESS_FOUND),)
    for harmless in (
        source("mp3", told_ms=10_100, ending=whole),
        source("mp3", told_ms=20_000),
        source("mp3", told_ms=2_000_000, ending=whole),
        source("mov", told_ms=20_000, ending=whole),
    ):
        assert source_damage(harmless, heard_ms=10_000, longest_ms=LONGEST_MS) == ()


@pytest.mark.parametrize(
    ("lost", "is_truncated"),
    [(None, False), ((10_000, 12_000), False), ((10_000, 12_001), True), ((990_000, 1_000_000), False)],
)
def test_a_little_less_is_still_the_recording(lost, is_truncated):
    """Up to two seconds, or two percent, are a note; more than both is another recording."""
    end = Span(start_ms=lost[0], end_ms=lost[1]) if lost else None
    facts = SourceFacts(name="a", sha256="0" * 64, size_bytes=1, duration_ms=1, container="x", codec="x", lost_end=end)

    assert facts.is_truncated == is_truncated
