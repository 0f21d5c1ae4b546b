"""What ffmpeg has to complain about, kept short: a damaged file makes it print thousands of lines."""

from __future__ import annotations

import re
from itertools import groupby

_VARYING = re.compile(r"0x[0-9a-f]+|-?\d+(?:\.\d+)?")
_PICTURE = re.compile(r"^\[(?:mjpeg|png|gif|bmp|webp|tiff|h264|hevc|mpeg4|vp8|vp9|av1) @ ")
_SAYS_NOTHING = (
    "misdetection possible",
    "Estimating duration from bitrate",
    "Consider increasing the value for the 'analyzeduration'",
)
_ORIGIN = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\] ")


class Complaints:
    """Collects stderr in constant memory: its beginning, where the cause is named, and its end.

    Args:
        limit: bytes to keep, half from either end.
    """

    def __init__(self, *, limit: int) -> None:
        self._half = limit // 2
        self._head = b""
        self._tail = b""

    def add(self, piece: bytes) -> None:
        """Take the next bytes of stderr."""
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-self._half :]

    def __str__(self) -> str:
        """Show what was kept."""
        return (self._head + self._tail).decode("utf-8", errors="replace")


def fold(text: str) -> str:
    """Fold neighbouring lines that differ in numbers only into one, with how often it came."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    groups = ((next(group := iter(same)), 1 + sum(1 for _ in group)) for _, same in groupby(lines, key=_shape))
    return "\n".join(first if times == 1 else f"{first} (x{times})" for first, times in groups)


def headline(complaint: str) -> str:
    """Give the first thing complained about that tells of the sound, without the part of ffmpeg that said it.

    A cover or a film that cannot be shown is nobody's trouble here.
    """
    lines = (line for line in complaint.splitlines() if not _PICTURE.match(line))
    telling = (line for line in lines if not any(phrase in line for phrase in _SAYS_NOTHING))
    return _ORIGIN.sub("", next(telling, ""))


def _shape(line: str) -> str:
    return _VARYING.sub("#", line)
