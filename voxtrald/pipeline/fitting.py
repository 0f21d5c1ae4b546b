"""What the settings ask for, within what the engine takes: lengths of chunks, and the formats that are sent. Pure."""

from __future__ import annotations

from typing import get_args

from voxtrald.config.sections import AudioSettings, ChunkSettings, Conversion
from voxtrald.engines.base import Capabilities
from voxtrald.transcript.planning import ChunkLimits

_HEADER_BYTES = 64 * 1024
_SAMPLE_BYTES = 2
_SHORTEST_MS = 1000  # a limit of a few bytes must not end in chunks without end
_VOICES_MS = 30_000  # docs/engines.md tells how surely speakers are found again in more and in less
_COMPRESSED = frozenset({"mp3", "ogg"})


def accepted_formats(audio: AudioSettings, capabilities: Capabilities) -> tuple[str, ...]:
    """Name the formats that are sent as they are: what the settings allow and the engine decodes."""
    return tuple(name for name in audio.accepted if name in capabilities.formats)


def conversion_format(audio: AudioSettings, capabilities: Capabilities) -> str:
    """Name the format to convert to: the written one if the engine decodes it, else what the engine likes best."""
    if audio.convert_to in capabilities.formats and audio.wrote("convert_to"):
        return audio.convert_to
    return next((name for name in capabilities.formats if name in get_args(Conversion)), audio.convert_to)


def encoded_bytes_per_s(audio: AudioSettings, format_name: str) -> int:
    """Estimate from above what a second of converted audio takes: mono, 16 bits where it is not compressed."""
    if format_name in _COMPRESSED:
        return audio.bitrate_kbps * 1000 // 8 * 5 // 4  # encoders overshoot on short stretches
    return audio.sample_rate_hz * _SAMPLE_BYTES


def longest_recording_ms(audio: AudioSettings) -> int:
    """Say how long a recording may be."""
    return round(audio.max_hours * 3_600_000)


def chunk_limits(
    chunks: ChunkSettings, audio: AudioSettings, capabilities: Capabilities, *, diarize: bool = False
) -> ChunkLimits:
    """Say how long chunks may be: what the settings say, within what the engine takes.

    Where the settings leave it open, an engine's own custom counts, as it may give one time per chunk only. Where
    speakers are told apart and the engine knows no voices by clips, chunks share enough to find them again.
    """
    fitting_s = (capabilities.max_bytes - _HEADER_BYTES) / encoded_bytes_per_s(
        audio, conversion_format(audio, capabilities)
    )
    lengths_ms = [round(chunks.max_minutes * 60_000), capabilities.max_chunk_ms, int(fitting_s * 1000)]
    if capabilities.usual_chunk_ms is not None and not chunks.wrote("max_minutes"):
        lengths_ms.append(capabilities.usual_chunk_ms)
    max_ms = max(_SHORTEST_MS, min(lengths_ms))
    return ChunkLimits(
        max_ms=max_ms,
        first_ms=min(round(chunks.first_minutes * 60_000), max_ms),
        search_ms=round(chunks.search_s * 1000),
        overlap_ms=round(chunks.overlap_s * 1000),
        voices_ms=_VOICES_MS if diarize and capabilities.diarize and not capabilities.voice_clips else 0,
    )
