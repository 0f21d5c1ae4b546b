"""Whole, copied or encoded: decisions about a source, as values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.description import Description
from voxtrald.audio.frames import Frames
from voxtrald.audio.prepare import PreparedChunk, can_copy, choose_way, fits_whole
from voxtrald.audio.probe import AudioSource, is_credible
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
    layout=Frames(header=bytes.fromhex("fffb9064"), kinds=b"\x90" * 22_970, marks=((0, 0),)),
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
    flac = replace(MP3, container="flac", codec="flac", bit_rate_bps=32_000, layout=None)

    assert way(flac, copy="always") == "encode"
    assert not can_copy(flac, [WHOLE], accepted=ACCEPTED, max_bytes=10**9)


def test_frames_that_are_too_small_are_not_copied():
    """A lean frame anywhere, not only at the beginning, would damage the first word behind a cut."""
    varying = Frames(header=bytes.fromhex("fffb9064"), kinds=b"\x90" * 22_970 + b"\x10", marks=((0, 0),))

    assert can_copy(MP3, [WHOLE], accepted=ACCEPTED, max_bytes=10**9)
    assert not can_copy(replace(MP3, layout=varying), [WHOLE], accepted=ACCEPTED, max_bytes=10**9)


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
        {"codec": "speex"},
        {"container": "mov"},
    ],
)
def test_what_does_not_fit_is_not_sent_whole(changes):
    """Too long, of unknown length, too big, with a cover, in a rare codec or container: each alone forbids it."""
    assert not fits_whole(replace(MP3, **changes), accepted=ACCEPTED, max_ms=600_000, max_bytes=9_600_000)


def test_containers_answer_to_their_usual_names():
    """Who accepts m4a accepts what ffmpeg calls mov."""
    m4a = replace(MP3, container="mov", codec="aac")

    assert fits_whole(m4a, accepted=("m4a",), max_ms=600_000, max_bytes=9_600_000)


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
