"""Reads what ffmpeg prints about a file. Pure.

The layout is that of libavformat's `av_dump_format` since ffmpeg 5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Tags stand deeper than two spaces, so a title that looks like a stream is not read as one.
_INPUT = re.compile(r"^Input #0, (\w[\w,]*), from ", re.MULTILINE)
_DURATION = re.compile(
    r"^  Duration: (?:N/A|(\d+):(\d\d):(\d\d\.\d+))(?:, start: (-?[\d.]+))?"
    r"(?:, bitrate: (?:(\d+) kb/s|N/A))?",
    re.MULTILINE,
)
_STREAM = re.compile(r"^  Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\([^)]*\))?: (\w+): (.*)$", re.MULTILINE)
_CODEC = re.compile(r"^\w+")
_RATE = re.compile(r", (\d+) Hz")
_BITS = re.compile(r", (\d+) kb/s")
_LAYOUT = re.compile(r" Hz, (?:(mono)|(stereo)|(\d+) channels|(\d+)\.(\d)(?:\.(\d))?)")
_GUESS: Final = "Estimating duration from bitrate"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """One audio stream; `channels` is None where the layout has a name of its own, such as `quad`."""

    index: int
    codec: str
    sample_rate_hz: int
    channels: int | None
    bit_rate_bps: int | None
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A file as ffmpeg sees it.

    Attributes:
        container: the first of the demuxer's names, such as `mov` for `mov,mp4,m4a,3gp,3g2,mj2`.
        is_estimate: the duration was reckoned from a bit rate, which goes wrong by a fifth for VBR.
        audio: the track that is taken where nobody asks for another one, see `default_track`.
        other_streams: how many streams are not the chosen audio: covers, video, subtitles, more audio.
        tracks: all audio streams, in the file's order.
    """

    container: str
    duration_ms: int | None
    is_estimate: bool
    start_ms: int
    bit_rate_bps: int | None
    audio: AudioStream | None
    other_streams: int
    tracks: tuple[AudioStream, ...] = ()


def read_description(text: str) -> Description | None:
    """Read the description in ffmpeg's stderr, or None where it could not open the file."""
    opened = _INPUT.search(text)
    if opened is None:
        return None
    body = text[opened.end() :]
    duration = _DURATION.search(body)
    streams = _STREAM.findall(body)
    tracks = tuple(_audio(int(index), words) for index, kind, words in streams if kind == "Audio")
    return Description(
        container=opened[1].split(",")[0],
        duration_ms=_duration_ms(duration) if duration else None,
        is_estimate=_GUESS in text,
        start_ms=round(float(duration[4]) * 1000) if duration and duration[4] else 0,
        bit_rate_bps=int(duration[5]) * 1000 if duration and duration[5] else None,
        audio=default_track(tracks),
        other_streams=max(0, len(streams) - 1),
        tracks=tracks,
    )


def last_out_time_ms(progress: str) -> int | None:
    """Read from `-progress` output how far it came, or None where nothing came out."""
    times = re.findall(r"^out_time_us=(\d+)$", progress, re.MULTILINE)
    return round(int(times[-1]) / 1000) if times else None


def _duration_ms(match: re.Match[str]) -> int | None:
    if match[1] is None:
        return None
    return round((int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])) * 1000)


def _audio(index: int, words: str) -> AudioStream:
    codec, rate, bits = _CODEC.search(words), _RATE.search(words), _BITS.search(words)
    return AudioStream(
        index=index,
        codec=codec[0] if codec else "none",
        sample_rate_hz=int(rate[1]) if rate else 0,
        channels=_channels(words),
        bit_rate_bps=int(bits[1]) * 1000 if bits else None,
        is_default="(default)" in words,
    )


def _channels(words: str) -> int | None:
    layout = _LAYOUT.search(words)
    if layout is None:
        return None
    if layout[1]:
        return 1
    if layout[2]:
        return 2
    return sum(int(count) for count in layout.groups()[2:] if count)


def default_track(tracks: Sequence[AudioStream]) -> AudioStream | None:
    """Choose the track a player would: the first that is marked as default, else the first with sound in it.

    A track has sound where its header names a codec, a rate and channels; nobody listens to it for that.
    """
    order = (lambda track: track.is_default, has_sound, lambda _: True)
    return next((track for fits in order for track in tracks if fits(track)), None)


def has_sound(track: AudioStream) -> bool:
    """Whether a track's header tells what it takes to decode it."""
    return track.codec != "none" and track.sample_rate_hz > 0 and track.channels != 0
