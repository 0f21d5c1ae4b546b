"""Whole, copied or encoded: decisions about a source, as values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.copying import cuts_from_first_packet, read_piece, split_runs
from voxtrald.audio.description import Description
from voxtrald.audio.prepare import PreparedChunk, can_copy, choose_way, fits_whole
from voxtrald.audio.probe import AudioSource, is_credible
from voxtrald.audio.xing import frames_ms, read_xing
from voxtrald.transcript.model import Span

MP3 = AudioSource(
    path=Path("/in/a.mp3"),
    container="mp3",
    codec="mp3",
    stream_index=0,
    sample_rate_hz=44_100,
    channels=2,
    bit_rate_bps=128_000,
    duration_ms=600_000,
    duration_exact=False,
    start_ms=25,
    size_bytes=9_600_000,
    has_other_streams=False,
)
ACCEPTED = ("mp3", "wav", "flac", "ogg")
WHOLE = Span(start_ms=0, end_ms=600_000)


def way(source: AudioSource, **changes) -> str:
    """Choose with ordinary wishes."""
    wishes = {"accepted": ACCEPTED, "copy": "auto", "bitrate_kbps": 48, "uplink_bps": None, "cores": 2}
    return choose_way(source, **(wishes | changes))


@pytest.mark.parametrize(
    ("bit_rate_bps", "uplink_bps", "chosen"),
    [
        (64_000, None, "copy"),
        (64_000, 1e6, "copy"),
        (128_000, None, "encode"),
        (128_000, 20e6, "encode"),
        (128_000, 100e6, "copy"),
        (320_000, 100e6, "encode"),
        (None, 1e9, "encode"),
    ],
)
def test_bytes_are_weighed_against_the_uplink(bit_rate_bps, uplink_bps, chosen):
    """Lean sources are copied always, fat ones where the uplink carries them sooner than a core encodes."""
    assert way(replace(MP3, bit_rate_bps=bit_rate_bps), uplink_bps=uplink_bps) == chosen


@given(st.integers(8_000, 2_000_000), st.floats(1e5, 1e10), st.integers(1, 64))
def test_a_faster_uplink_never_turns_copying_into_encoding(bit_rate_bps, uplink_bps, cores):
    """Once copying is worth it, more bandwidth keeps it so."""
    source = replace(MP3, bit_rate_bps=bit_rate_bps)
    if way(source, uplink_bps=uplink_bps, cores=cores) == "copy":
        assert way(source, uplink_bps=uplink_bps * 2, cores=cores) == "copy"


def test_the_setting_wins_over_the_weighing():
    """`always` and `never` mean what they say."""
    assert way(MP3, copy="always") == "copy"
    assert way(replace(MP3, bit_rate_bps=32_000), copy="never") == "encode"


def test_always_does_not_copy_what_cannot_be_copied():
    """FLAC is encoded even then: its copied chunks would claim the whole recording's length."""
    flac = replace(MP3, container="flac", codec="flac", bit_rate_bps=32_000)

    assert way(flac, copy="always") == "encode"
    assert not can_copy(flac, [WHOLE], accepted=ACCEPTED, max_bytes=10**9)


def test_chunks_that_would_be_too_big_are_not_copied():
    """A chunk that the far side would refuse for its size is encoded instead."""
    assert can_copy(MP3, [WHOLE], accepted=ACCEPTED, max_bytes=10_000_000)
    assert not can_copy(MP3, [WHOLE], accepted=ACCEPTED, max_bytes=9_000_000)
    assert not can_copy(MP3, [WHOLE], accepted=("wav",), max_bytes=10_000_000)


def test_what_fits_goes_out_whole():
    """A short recording in an accepted container needs no work."""
    assert fits_whole(MP3, accepted=ACCEPTED, max_ms=600_000, max_bytes=9_600_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_ms": 600_001},
        {"duration_ms": None},
        {"size_bytes": 9_600_001},
        {"has_other_streams": True},
        {"container": "mov"},
    ],
)
def test_what_does_not_fit_is_not_sent_whole(changes):
    """Too long, of unknown length, too big, with a cover or in a foreign container: each alone forbids it."""
    assert not fits_whole(replace(MP3, **changes), accepted=ACCEPTED, max_ms=600_000, max_bytes=9_600_000)


def test_containers_answer_to_their_usual_names():
    """Who accepts m4a accepts what ffmpeg calls mov."""
    m4a = replace(MP3, container="mov", codec="aac")

    assert fits_whole(m4a, accepted=("m4a",), max_ms=600_000, max_bytes=9_600_000)


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 5)), min_size=1, max_size=20))
def test_runs_hold_every_span_once_and_join(pieces):
    """Runs cover all indices in order, and inside a run every span begins where the one before it ends."""
    spans, end_ms = [], 0
    for length_ms, overlap_ms in pieces:
        start_ms = max(0, end_ms - overlap_ms)
        spans.append(Span(start_ms=start_ms, end_ms=start_ms + length_ms))
        end_ms = start_ms + length_ms

    runs = split_runs(spans)

    assert [index for run in runs for index in run] == list(range(len(spans)))
    assert all(spans[index].start_ms == spans[index - 1].end_ms for run in runs for index in run[1:])
    assert all(spans[run[0]].start_ms != spans[run[0] - 1].end_ms for run in runs[1:])


def test_cuts_count_from_the_first_packet():
    """The first packet is the one the start lies in, on a grid that begins an encoder's delay before zero."""
    spans = [Span(start_ms=0, end_ms=10_000), Span(start_ms=10_000, end_ms=30_000)]
    later = [Span(start_ms=10_000, end_ms=30_000), Span(start_ms=30_000, end_ms=40_000)]

    assert cuts_from_first_packet(MP3, spans) == [10_000 + 25 - 13]
    assert cuts_from_first_packet(MP3, later) == [20_000 + 10_025 % (1152 / 44.1) // 1 - 13]
    assert cuts_from_first_packet(replace(MP3, container="wav"), later) == [20_000 - 10]


def test_a_listed_piece_is_placed_in_the_recording():
    """The muxer's seconds count from the start of its pass."""
    piece = read_piece("3.mp3,10.500000,20.250000", start_ms=60_000)

    assert (piece.name, piece.start_ms, piece.end_ms) == ("3.mp3", 70_500.0, 80_250.0)


@pytest.mark.parametrize(("tag", "sample_rate_hz"), [(b"Xing", 44_100), (b"Info", 16_000)])
def test_the_xing_header_is_found(tag, sample_rate_hz):
    """Frames and the place of LAME's part are read behind either name of the tag."""
    head = bytes(36) + tag + (15).to_bytes(4, "big") + (1000).to_bytes(4, "big") + bytes(4 + 100 + 4) + b"Lavf"

    xing = read_xing(head)

    assert xing is not None
    assert (xing.frames, head[xing.lame_at :]) == (1000, b"Lavf")
    assert frames_ms(1000, sample_rate_hz=sample_rate_hz) == pytest.approx(
        26_122.4 if sample_rate_hz == 44_100 else 36_000.0, abs=0.1
    )


def test_sound_that_looks_like_a_header_is_none():
    """The tag is looked for where it can stand, not in the sound behind."""
    assert read_xing(bytes(500) + b"Xing" + bytes(200)) is None
    assert read_xing(b"") is None


@pytest.mark.parametrize(
    ("container", "size_bytes", "is_estimate", "credible"),
    [
        ("wav", 1_920_044, False, True),
        ("wav", 960_044, False, False),
        ("ogg", 100, False, True),
        ("mov", 100, False, True),
        ("mp3", 100, False, False),
        ("mov", 100, True, False),
    ],
)
def test_durations_are_believed_where_they_are_known(container, size_bytes, is_estimate, credible):
    """A truncated WAV keeps its old promise, and an mp3's header may be anything."""
    description = Description(
        container=container,
        duration_ms=60_000,
        is_estimate=is_estimate,
        start_ms=0,
        bit_rate_bps=256_000,
        audio=None,
        other_streams=0,
    )

    assert is_credible(description, size_bytes=size_bytes) == credible


@pytest.mark.parametrize(("duration_ms", "shortfall_ms"), [(60_000, 0), (59_000, 0), (40_000, 20_000)])
def test_a_shortfall_is_told_from_rounding(duration_ms, shortfall_ms):
    """Up to two percent may be missing; more is told."""
    chunk = PreparedChunk(
        span=Span(start_ms=10_000, end_ms=70_000),
        path=Path("/w/0.mp3"),
        extension="mp3",
        how="encoded",
        offset_ms=10_000,
        duration_ms=duration_ms,
        size_bytes=1,
    )

    assert chunk.shortfall_ms == shortfall_ms
