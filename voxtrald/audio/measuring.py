"""Finds where a recording ends, and how its sound lies in the file, without decoding any of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from voxtrald.audio import commands, frames, probe, riff
from voxtrald.audio.description import last_out_time_ms
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.frames import Frames
from voxtrald.audio.layout import Layout
from voxtrald.audio.probe import AudioSource
from voxtrald.errors import RecordingChanged, StopRequested
from voxtrald.stopping import Stop
from voxtrald.storage import storage_trouble

BLOCK_BYTES: Final = 1 << 20

_INDEXED: Final = frozenset({"aiff", "asf", "au", "caf", "flac", "matroska", "mov", "ogg", "tta", "w64", "wav", "wv"})
"""Where a jump to a position is exact. Not in a stream of bare frames, nor where timestamps may start over."""

_LOOK_BACK_MS: Final = 10_000
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How long a recording really is, and how its sound lies in the file where pieces of it can be copied."""

    duration_ms: int
    layout: Layout | None = None


def measure(source: AudioSource, *, ffmpeg: Ffmpeg, stop: Stop) -> Extent:
    """Find the exact end, and the layout where there is one.

    Headers cannot be trusted for this: a truncated file keeps its old promise, and an mp3 without a Xing header is off
    by up to a fifth. Neither need all packets be read where a jump to the promised end shows the last ones.

    Raises:
        RecordingError: nothing can be read from it.
        RecordingChanged: the file vanished.
        StorageUnavailable: it cannot be read now.
        StopRequested: stop was asked for.
    """
    layout = find_layout(source, stop=stop)
    if layout is not None:
        return Extent(duration_ms=layout.duration_ms, layout=layout)
    return Extent(duration_ms=_last_end_ms(source, ffmpeg=ffmpeg) or probe.measure_ms(source, ffmpeg=ffmpeg))


def can_jump(source: AudioSource) -> bool:
    """Whether ffmpeg gets to a position without reading all before it. Pure."""
    return source.layout is not None or source.container in _INDEXED


def find_layout(source: AudioSource, *, stop: Stop, until_ms: int | None = None) -> Layout | None:
    """Find how the sound lies in the file; None where nothing could be copied by it.

    Args:
        source: the recording.
        stop: heard while reading.
        until_ms: look at the beginning only, up to this position; what follows may be something else.

    Raises as `measure` does.
    """
    try:
        if (source.container, source.codec) == ("mp3", "mp3"):
            with source.path.open("rb") as file:
                return _walk(source, file, stop=stop, until_ms=until_ms)
        if (source.container, source.codec) == ("wav", "pcm_s16le"):
            with source.path.open("rb") as file:
                return _samples(file, size_bytes=source.size_bytes)
    except FileNotFoundError as error:
        raise RecordingChanged(f"{source.path.name} is no longer there") from error
    except OSError as error:
        raise storage_trouble(error, path=source.path) from error
    return None


def _walk(source: AudioSource, file: BinaryIO, *, stop: Stop, until_ms: int | None) -> Frames | None:
    at_most = None if until_ms is None else 1 + until_ms * source.sample_rate_hz // (frames.LEAST_SAMPLES * 1000)
    return frames.walk(_blocks(file, stop=stop), start_ms=source.start_ms, at_most=at_most)


def _blocks(file: BinaryIO, *, stop: Stop) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        if stop.is_set():
            raise StopRequested("stopped while reading the recording")
        yield block


def _samples(file: BinaryIO, *, size_bytes: int) -> riff.Samples | None:
    samples = riff.find_samples(file.read(riff.HEAD_BYTES), size_bytes=size_bytes)
    if samples is None or samples.count == 0:
        return None
    file.seek(samples.byte_of(samples.count))
    return samples if riff.is_all(file.read(riff.TAIL_BYTES)) else None


def _last_end_ms(source: AudioSource, *, ffmpeg: Ffmpeg) -> int | None:
    """Find the end of the last packet by a jump to where the header says that it is; None where there is none."""
    if source.container not in _INDEXED or source.duration_ms is None:
        return None
    from_ms = max(0, source.duration_ms - _LOOK_BACK_MS)
    command = commands.measure(
        source.path, container=source.container, stream_index=source.stream_index, from_ms=from_ms
    )
    finished = ffmpeg.run(command, source=source.path, bounds=Bounds(timeout_s=_TIMEOUT_S))
    reached_ms = last_out_time_ms(finished.stdout.decode("ascii", errors="replace"))
    return from_ms + reached_ms if reached_ms else None
