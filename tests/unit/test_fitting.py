"""What the settings ask for, within what an engine takes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config.sections import AudioSettings, ChunkSettings
from voxtrald.engines.base import Capabilities
from voxtrald.pipeline.fitting import accepted_formats, chunk_limits, conversion_format, encoded_bytes_per_s

MINUTE_MS = 60_000
ANY = Capabilities(
    formats=("mp3", "wav", "flac", "ogg"),
    max_chunk_ms=45 * MINUTE_MS,
    max_bytes=500_000_000,
    timestamps=frozenset({"segment"}),
    diarize=False,
    vocabulary=False,
)


def limits(*, audio=None, chunks=None, asks_for_speakers=False, **capabilities):
    """Fit settings to an engine that takes nearly everything."""
    audio, chunks = AudioSettings(**(audio or {})), ChunkSettings(**(chunks or {}))
    return chunk_limits(chunks, audio, replace(ANY, **capabilities), diarize=asks_for_speakers)


def test_the_settings_hold_where_the_engine_takes_more():
    """Fourteen minutes stay fourteen, and the rest is as it was written."""
    found = limits()

    assert (found.max_ms, found.first_ms, found.search_ms, found.overlap_ms) == (840_000, 120_000, 20_000, 3_000)


def test_an_engine_that_takes_less_shortens_chunks():
    """No chunk is longer than the engine's longest, the first one neither."""
    found = limits(max_chunk_ms=MINUTE_MS)

    assert (found.max_ms, found.first_ms) == (MINUTE_MS, MINUTE_MS)


def test_an_engines_custom_counts_until_somebody_writes_a_length():
    """What the configuration leaves open follows the engine; what it says, it says."""
    written = {"max_minutes": 14.0}

    assert limits(usual_chunk_ms=45_000).max_ms == 45_000
    assert limits(usual_chunk_ms=45_000, chunks=written).max_ms == 14 * MINUTE_MS


def test_chunks_share_more_where_speakers_are_found_by_it():
    """Only where speakers are wanted, the engine tells them apart, and knows no voices by clips."""
    told = {"asks_for_speakers": True, "diarize": True}

    assert limits(**told).shared_ms == 30_000
    assert [limits(**(told | other)).voices_ms for other in ({"voice_clips": 8}, {"diarize": False})] == [0, 0]
    assert limits(diarize=True).voices_ms == 0


@given(
    max_bytes=st.integers(200_000, 500_000_000),
    convert_to=st.sampled_from(["mp3", "flac", "ogg", "wav"]),
    bitrate_kbps=st.integers(8, 160),
)
def test_a_converted_chunk_fits_into_a_request(max_bytes, convert_to, bitrate_kbps):
    """Whatever the format and the cap, the longest chunk takes no more bytes than the engine does."""
    audio = {"convert_to": convert_to, "bitrate_kbps": bitrate_kbps}
    found = limits(audio=audio, max_bytes=max_bytes)
    per_s = encoded_bytes_per_s(AudioSettings(**audio), convert_to)

    assert found.max_ms / 1000 * per_s <= max_bytes
    assert 0 < found.first_ms <= found.max_ms


def test_only_formats_the_engine_decodes_are_sent_as_they_are():
    """An accepted format that the engine does not know is converted."""
    assert accepted_formats(AudioSettings(), replace(ANY, formats=("wav", "flac"))) == ("wav", "flac")


def test_the_written_format_is_converted_to_if_the_engine_takes_it():
    """A format somebody wrote wins over the engine's taste, but not over what it can decode."""
    wav_first = replace(ANY, formats=("wav", "mp3"))
    wav_only = replace(ANY, formats=("wav",))

    assert conversion_format(AudioSettings(), wav_first) == "wav"
    assert conversion_format(AudioSettings(convert_to="mp3"), wav_first) == "mp3"
    assert conversion_format(AudioSettings(convert_to="mp3"), wav_only) == "wav"
