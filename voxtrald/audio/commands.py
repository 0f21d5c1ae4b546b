"""Builds ffmpeg's command lines. Pure.

A name from the inbox never becomes an option, a protocol or a pattern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

HEARD_RATE_HZ: Final = 8_000
"""What is listened to for speech and for nothing finer: speech has its syllables and its vowels below 4 kHz."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What ffmpeg is asked for, and the only files that this takes.

    Attributes:
        arguments: everything after the program's name.
        reads: the recording.
        writes: the file it makes, or the folder it makes files in; None where it only talks.
    """

    arguments: tuple[str, ...]
    reads: Path
    writes: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where to begin reading a container that has no index: ffmpeg would read all of it up to there.

    Attributes:
        skip_bytes: from the file's beginning to that of a frame.
        at_ms: recording time of that frame's sound.
    """

    skip_bytes: int
    at_ms: float


def source_input(path: Path, *, container: str = "", span: Span | None = None, entry: Entry | None = None) -> list[str]:
    """Open a recording, or only a span of it, from the first packet needed to the last.

    Args:
        path: the recording; `file:` and an absolute path leave no name that means something else to ffmpeg.
        container: as named by `probe`; empty before it is known.
        span: what to read, in recording time.
        entry: a place at or before the span to begin at, rather than to search for the span.
    """
    only = ["-ss", seconds(span.start_ms), "-t", seconds(span.length_ms)] if span else []
    if span and entry:
        reach = ["-t", _exactly(span.end_ms - entry.at_ms)]
        only = ["-skip_initial_bytes", str(entry.skip_bytes), *reach]
    # QuickTime files may name other files as the place of their samples.
    references = ["-enable_drefs", "0"] if container == "mov" else []
    guard = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, *references]
    return [*guard, *only, "-i", f"file:{path.absolute()}"]


def describe(path: Path) -> Command:
    """Have ffmpeg print what is in a file; it ends with an error for want of an output."""
    return Command(arguments=tuple(source_input(path)), reads=path)


def measure(path: Path, *, container: str, stream_index: int, from_ms: int = 0) -> Command:
    """Read every packet of a stream from a position on, decode none, and report how far they reach from there."""
    jump = ["-ss", seconds(from_ms)] if from_ms else []
    source = (*jump, *source_input(path, container=container))
    arguments = ("-v", "error", *source, *_only(stream_index), "-c", "copy", *_REPORT, "-f", "null", "-")
    return Command(arguments=arguments, reads=path)


def decode(path: Path, *, container: str, stream_index: int, span: Span, entry: Entry | None = None) -> Command:
    """Decode a span to mono int16 samples at `DECODED_RATE_HZ` on stdout."""
    source = source_input(path, container=container, span=span, entry=entry)
    skip = _skip(span.start_ms - entry.at_ms) if entry else []
    form = ("-ac", "1", "-ar", str(DECODED_RATE_HZ), "-f", "s16le", "pipe:1")
    arguments = ("-v", "error", "-threads", "1", *source, *_only(stream_index), *_KEEP_TIME, *skip, *form)
    return Command(arguments=arguments, reads=path)


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
    entry: Entry | None = None,
) -> Command:
    """Decode a span and encode it as speech: mono, at the given rate, without tags, pictures and video."""
    reach, skip = _lead(span, container=container, entry=entry)
    rate = ["-ac", "1", "-ar", str(encoder_rate_hz(target_format, sample_rate_hz))]
    bits = [] if target_format in _LOSSLESS else ["-b:a", f"{bitrate_kbps}k"]
    arguments = (
        *("-v", "error", "-y", "-threads", "1", *source_input(path, container=container, span=reach, entry=entry)),
        *(*_only(stream_index), *_KEEP_TIME, *skip, *rate, *_ENCODERS[target_format], *bits, *_REPORT),
        f"file:{target.absolute()}",
    )
    return Command(arguments=arguments, reads=path, writes=target)


def hear(
    path: Path, *, container: str, stream_index: int, span: Span | None = None, entry: Entry | None = None
) -> Command:
    """Decode a recording, or a span of it, to mono int16 samples at `HEARD_RATE_HZ` on stdout."""
    reach, skip = _lead(span, container=container, entry=entry) if span else (None, [])
    source = source_input(path, container=container, span=reach, entry=entry)
    # A short filter: what of the sound above 4 kHz comes through changes no level that matters, and it saves a tenth.
    sound = ("-af", f"{_KEEP_TIME[1]}:osr={HEARD_RATE_HZ}:ochl=mono:filter_size=8:phase_shift=5,{_IN_LARGE_PIECES}")
    arguments = ("-v", "error", "-threads", "1", *source, *_only(stream_index), *sound, *skip, *_SAMPLES)
    return Command(arguments=arguments, reads=path)


def encode_aloud(
    path: Path,
    *,
    container: str,
    stream_index: int,
    span: Span,
    target: Path,
    target_format: str,
    bitrate_kbps: int,
    sample_rate_hz: int,
    entry: Entry | None = None,
) -> Command:
    """Do as `encode` does, and write on stdout what `hear` would of the same span; nothing is reported there.

    The recording is decoded once. How much came out is told by the number of samples.
    """
    reach, skip = _lead(span, container=container, entry=entry)
    rate_hz = encoder_rate_hz(target_format, sample_rate_hz)
    bits = [] if target_format in _LOSSLESS else ["-b:a", f"{bitrate_kbps}k"]
    graph = (
        f"[0:{stream_index}]{_KEEP_TIME[1]},aformat=sample_rates={rate_hz}:channel_layouts=mono,asplit[sent][other];"
        f"[other]aresample={HEARD_RATE_HZ},{_IN_LARGE_PIECES}[heard]"
    )
    plain = ("-map_metadata", "-1", "-map_chapters", "-1", *skip)
    arguments = (
        *("-v", "error", "-y", "-threads", "1", *source_input(path, container=container, span=reach, entry=entry)),
        *("-filter_complex", graph),
        *("-map", "[sent]", *plain, *_ENCODERS[target_format], *bits, f"file:{target.absolute()}"),
        *("-map", "[heard]", *plain, *_SAMPLES),
    )
    return Command(arguments=arguments, reads=path, writes=target)


def lead_in_ms(container: str) -> int:
    """Say how long before a span a decoder has to begin, to hear right when the span does."""
    return _LEAD_MS.get(container, 0)


def recast(
    path: Path,
    *,
    container: str,
    stream_indices: Sequence[int],
    target: Path,
    sample_rate_hz: int,
    reach_ms: int,
) -> Command:
    """Decode a recording from its start, all the streams named as one, to a mono FLAC file in recording time."""
    form = f"aformat=sample_rates={sample_rate_hz}:channel_layouts=mono"
    streams = [f"[0:{index}]{_KEEP_TIME[1]},{form}[t{index}];" for index in stream_indices]
    labels = "".join(f"[t{index}]" for index in stream_indices)
    # amix makes each of n streams as quiet as an nth, so that they cannot clip together.
    graph = "".join(streams) + f"{labels}amix=inputs={len(stream_indices)}:duration=longest[all]"
    arguments = (
        *("-v", "error", "-y", "-threads", "1", *source_input(path, container=container)),
        *("-filter_complex", graph, "-map", "[all]", "-map_metadata", "-1", "-map_chapters", "-1"),
        *("-t", seconds(reach_ms), "-c:a", "flac", "-compression_level", "2", "-sample_fmt", "s16", *_REPORT),
        *("-f", "flac", f"file:{target.absolute()}"),
    )
    return Command(arguments=arguments, reads=path, writes=target)


def encoder_rate_hz(target_format: str, wished_hz: int) -> int:
    """Give the lowest rate the format can have that loses nothing of the wished one."""
    rates = _RATES_HZ.get(target_format, (wished_hz,))
    return next((rate for rate in rates if rate >= wished_hz), rates[-1])


def seconds(milliseconds: int) -> str:
    """Write a position as ffmpeg reads it."""
    return f"{milliseconds / 1000:.3f}"


def _exactly(milliseconds: float) -> str:
    """Write a length to the microsecond: a frame rarely begins at a whole millisecond."""
    return f"{milliseconds / 1000:.6f}"


def _skip(lead_ms: float) -> list[str]:
    """Throw away the beginning of what is decoded."""
    return ["-ss", _exactly(lead_ms)] if lead_ms else []


def _lead(span: Span, *, container: str, entry: Entry | None) -> tuple[Span, list[str]]:
    """Say what to read so that a span is heard right from its start, and how to throw away what comes before it."""
    if entry:
        return span, _skip(span.start_ms - entry.at_ms)
    lead_ms = min(span.start_ms, lead_in_ms(container))
    return Span(start_ms=span.start_ms - lead_ms, end_ms=span.end_ms), _skip(lead_ms)


def _only(stream_index: int) -> list[str]:
    """Take one stream: no cover, video or subtitles, and no tags, which may name the place of a recording."""
    return ["-map", f"0:{stream_index}", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]


_KEEP_TIME: Final = ("-af", "aresample=async=500:min_comp=0.002:first_pts=0")
"""Keep to the timestamps. A recorder that was paused leaves a hole, and a video's sound may begin late: silence is put
there, or everything behind it would come too early. Where the sound's clock and that of the timestamps drift apart, as
in what browsers record, the sound is stretched by so little that nobody hears it, once it is off by 2 ms."""

_REPORT: Final = ("-progress", "pipe:1")

# A frame of a codec is a fiftieth of a second. Handing each of them from thread to thread and through the pipe costs as
# much as decoding it; two seconds at once cost next to nothing.
_IN_LARGE_PIECES: Final = f"asetnsamples=n={2 * HEARD_RATE_HZ}:p=0"
_SAMPLES: Final = ("-flush_packets", "0", "-f", "s16le", "pipe:1")
