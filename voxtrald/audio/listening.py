"""Decodes a whole recording once, for whoever listens to it piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from voxtrald.audio import commands
from voxtrald.audio.complaining import headline
from voxtrald.audio.entering import find_entry
from voxtrald.audio.faults import find_fault
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.slots import MayWait, in_a_hurry
from voxtrald.errors import RecordingError
from voxtrald.transcript.model import Span

_TIMEOUT_S: Final = 60.0
_SLOWEST: Final = 100.0  # seconds of sound a second that even a busy machine decodes
_ENDLESS_BYTES: Final = 1 << 50


def listen(
    source: AudioSource,
    *,
    ffmpeg: Ffmpeg,
    feed: Callable[[bytes], None],
    span: Span | None = None,
    may_wait: MayWait = in_a_hurry,
) -> str:
    """Decode a recording, or a span of it, from start to end, and hand over its samples as they come.

    They are mono int16, little-endian, at `commands.HEARD_RATE_HZ`, whole ones in every piece, and begin at the span's
    start; holes in the timestamps are silence. Damage gives silence or less sound and is no error: the first thing that
    the decoder found wrong is given. Runs at most as often at once as ffmpeg has slots; see `Slots` for `may_wait`.

    Raises:
        RecordingError: ffmpeg got stuck in it.
        RecordingChanged: the file vanished.
        StorageUnavailable: it cannot be read now.
        StopRequested: stop was asked for.
    """
    entry = find_entry(source, at_ms=span.start_ms) if span else None
    command = commands.hear(
        source.path, container=source.container, stream_index=source.stream_index, span=span, entry=entry
    )
    length_ms = span.length_ms if span else source.duration_ms or 0
    bounds = Bounds(timeout_s=_TIMEOUT_S + length_ms / 1000 / _SLOWEST, stdout_bytes=_ENDLESS_BYTES, one_processor=True)
    finished = ffmpeg.feed(command, source=source.path, bounds=bounds, feed=whole_samples(feed), may_wait=may_wait)
    if finished.complaint:
        fault = find_fault(finished.complaint, source=source.path)
        if not isinstance(fault, RecordingError):
            raise fault
    return headline(finished.complaint)


def whole_samples(feed: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Give a function that takes pieces of any length and passes on whole 16-bit samples: a pipe knows no samples."""
    rest = b""

    def take(piece: bytes) -> None:
        nonlocal rest
        joined = rest + piece
        usable = len(joined) // 2 * 2
        rest = joined[usable:]
        if usable:
            feed(joined[:usable])

    return take
