"""Builds ffmpeg's command lines. Pure.

A name from the inbox never becomes an option, a protocol or a pattern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from voxtrald.transcript.model import Span

FORMATS: Final = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,gsm,matroska,mov,mp3,mpeg,mpegts,ogg,tta,voc,"
    "w64,wav,wv"
)
"""The demuxers a recording may reach. None of them reads other files or opens connections: playlists (hls,
concat, dash, sdp) are left out, because with them a file in the inbox could make us read another one and have
it transcribed."""

DECODED_RATE_HZ: Final = 16_000

_ENCODERS: Final[Mapping[str, tuple[str, ...]]] = {
    # Level 7 spends a third less time than LAME's default of 5, which nobody hears in speech at 48 kbit/s.
    "mp3": ("-c:a", "libmp3lame", "-compression_level", "7", "-f", "mp3"),
    "flac": ("-c:a", "flac", "-f", "flac"),
    "ogg": ("-c:a", "libopus", "-application", "voip", "-f", "ogg"),
    "wav": ("-c:a", "pcm_s16le", "-f", "wav"),
}
_RATES_HZ: Final[Mapping[str, Sequence[int]]] = {
    "mp3": (
        8000,
        11025,
        12000,
        16000,
        22050,
        24000,
        32000,
        44100,
        48000,
    ),  # ISO/IEC 11172-3, 13818-3, MPEG-2.5
    "ogg": (8000, 12000, 16000, 24000, 48000),  # RFC 6716, section 2
}
_LEAD_MS: Final[Mapping[str, int]] = {"mp3": 300}
"""What to decode before a span and throw away. The first frames after a jump into an mp3 miss the bits that lie up to
511 bytes before them (the bit reservoir, ISO/IEC 11172-3, 2.4.3.4), which at 32 kbit/s are eight frames, 200 ms."""

_LOSSLESS: Final = frozenset({"flac", "wav"})


def source_input(path: Path, *, container: str = "", span: Span | None = None) -> list[str]:
    """Open a recording, or only a span of it, from the first packet needed to the last.

    Args:
        path: the recording; `file:` and an absolute path leave no name that means something else to ffmpeg.
        container: as named by `probe`; empty before it is known.
        span: what to read, in recording time.
    """
    only = ["-ss", seconds(span.start_ms), "-t", seconds(span.length_ms)] if span else []
    # QuickTime files may name other files as the place of their samples.
    references = ["-enable_drefs", "0"] if container == "mov" else []
    guard = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, *references]
    return [*guard, *only, "-i", f"file:{path.absolute()}"]


def describe(path: Path) -> list[str]:
    """Have ffmpeg print what is in a file; it ends with an error for want of an output."""
    return source_input(path)


def measure(path: Path, *, container: str, stream_index: int) -> list[str]:
    """Read every packet of a stream, decode none, and report how far they reach."""
    source = source_input(path, container=container)
    return ["-v", "error", *source, *_only(stream_index), "-c", "copy", *_REPORT, "-f", "null", "-"]


def decode(path: Path, *, container: str, stream_index: int, span: Span) -> list[str]:
    """Decode a span to mono int16 samples at `DECODED_RATE_HZ` on stdout."""
    return [
        *("-v", "error", "-threads", "1", *source_input(path, container=container, span=span)),
        *(
            *_only(stream_index),
            *_KEEP_TIME,
            "-ac",
            "1",
            "-ar",
            str(DECODED_RATE_HZ),
            "-f",
            "s16le",
            "pipe:1",
        ),
    ]


def encode(
    path: Path,
    *,
    container: str,
    stream_index: int,
    span: Span,
    target: Path,
    target_format: str,
    bitrate_kbps: int,
    sample_rate_hz: int,
) -> list[str]:
    """Decode a span and encode it as speech: mono, at the given rate, without tags, pictures and video."""
    lead_ms = min(span.start_ms, _LEAD_MS.get(container, 0))
    reach = Span(start_ms=span.start_ms - lead_ms, end_ms=span.end_ms)
    skip = ["-ss", seconds(lead_ms)] if lead_ms else []
    rate = ["-ac", "1", "-ar", str(encoder_rate_hz(target_format, sample_rate_hz))]
    bits = [] if target_format in _LOSSLESS else ["-b:a", f"{bitrate_kbps}k"]
    return [
        *("-v", "error", "-y", "-threads", "1", *source_input(path, container=container, span=reach)),
        *(*_only(stream_index), *_KEEP_TIME, *skip, *rate, *_ENCODERS[target_format], *bits, *_REPORT),
        f"file:{target.absolute()}",
    ]


def copy(
    path: Path,
    *,
    container: str,
    stream_index: int,
    span: Span,
    cuts_ms: Sequence[int],
    folder: Path,
    demuxing: Sequence[str],
) -> list[str]:
    """Copy the packets of a span into files of their own, cut at `cuts_ms` after its first packet.

    The files are called `0.EXT`, `1.EXT` and so on; each is named on stdout as `name,start,end` once it is
    whole, in seconds from the span's start. Timestamps stay as they are, so that these times are true.
    """
    times = ",".join(seconds(cut_ms) for cut_ms in cuts_ms) or seconds(10 * span.length_ms)
    # ID3 tags are of no use to a recogniser; the Xing header is what tells a decoder the length.
    muxing = ["-segment_format_options", "write_xing=1:id3v2_version=0"] if container == "mp3" else []
    pattern = str(folder.absolute()).replace("%", "%%") + f"/%d.{container}"
    return [
        *("-v", "error", *demuxing, *source_input(path, container=container, span=span)),
        *(*_only(stream_index), "-c", "copy", "-avoid_negative_ts", "disabled"),
        *("-f", "segment", "-segment_times", times, "-segment_format", container, *muxing),
        *("-segment_list", "pipe:1", "-segment_list_type", "csv", f"file:{pattern}"),
    ]


def encoder_rate_hz(target_format: str, wished_hz: int) -> int:
    """Give the lowest rate the format can have that loses nothing of the wished one."""
    rates = _RATES_HZ.get(target_format, (wished_hz,))
    return next((rate for rate in rates if rate >= wished_hz), rates[-1])


def seconds(milliseconds: int) -> str:
    """Write a position as ffmpeg reads it."""
    return f"{milliseconds / 1000:.3f}"


def _only(stream_index: int) -> list[str]:
    """Take one stream: no cover, video or subtitles, and no tags, which may name the place of a recording."""
    return ["-map", f"0:{stream_index}", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]


_KEEP_TIME: Final = ("-af", "aresample=async=1:first_pts=0")
"""Fill holes in the timestamps with silence. A recorder that was paused leaves a hole, and a video's sound
may begin late; without this everything behind them comes too early."""

_REPORT: Final = ("-progress", "pipe:1")
