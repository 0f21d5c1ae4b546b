"""Cuts a recording into chunks by copying bytes of it: nothing is decoded, and nothing is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, Final

from voxtrald.audio.layout import Layout
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk, appearing
from voxtrald.audio.probe import AudioSource
from voxtrald.errors import RecordingChanged, StopRequested
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Span

_AT_ONCE_BYTES: Final = 1 << 23
_NOT_HERE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def copy_chunk(source: AudioSource, span: Span, *, target: Path, stop: Stop, is_followed: bool = True) -> PreparedChunk:
    """Copy a span into a file of its own, with a header that tells its own length.

    Cuts fall between frames, the nearest to where they are asked for: copied chunks join sample by sample. Frames are
    at most 72 ms long.

    Args:
        source: what `is_copyable`, with a layout that reaches at least as far as the span.
        span: what to take, in recording time.
        target: the file to make; it appears when it is whole.
        stop: heard while copying.
        is_followed: whether what comes after is copied, too. Otherwise the chunk reaches past its span, so that
            nothing is lost before a chunk which begins exactly where it was asked to.

    Raises:
        EmptySpanError: the span lies behind the recording's end.
        RecordingChanged: the file vanished or became shorter.
        StorageUnavailable: the recording cannot be read, or the work folder is full.
        StopRequested: stop was asked for.
    """
    layout = _layout_of(source)
    start = layout.nearest(span.start_ms)
    end = layout.nearest(span.end_ms) if is_followed else layout.behind(span.end_ms)
    if end <= start:
        raise EmptySpanError(span)
    with appearing(target, source=source.path) as part, source.path.open("rb") as file, part.open("wb") as copied:
        copied.write(layout.head(start, end))
        copied.flush()
        _copy_bytes(file, copied, start=layout.byte_of(start), end=layout.byte_of(end), stop=stop)
        size_bytes = copied.seek(0, os.SEEK_END)
    return PreparedChunk(
        span=span,
        path=target,
        extension=source.container,
        how="copied",
        offset_ms=round(layout.time_ms(start)),
        duration_ms=round(layout.unit_ms * (end - start)),
        size_bytes=size_bytes,
    )


def _layout_of(source: AudioSource) -> Layout:
    if source.layout is None:
        raise ValueError(f"{source.container} has no layout to copy by")
    return source.layout


def _copy_bytes(file: BinaryIO, copied: BinaryIO, *, start: int, end: int, stop: Stop) -> None:
    while start < end:
        if stop.is_set():
            raise StopRequested("stopped while copying from the recording")
        count = _send(file, copied, at=start, count=min(end - start, _AT_ONCE_BYTES))
        if count == 0:
            raise RecordingChanged("the recording became shorter while it was copied")
        start += count


def _send(file: BinaryIO, copied: BinaryIO, *, at: int, count: int) -> int:
    """Let the kernel copy, which costs a fourth of reading and writing; some file systems know no such thing."""
    try:
        return os.sendfile(copied.fileno(), file.fileno(), at, count)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    return os.write(copied.fileno(), os.pread(file.fileno(), min(count, 1 << 20), at))
