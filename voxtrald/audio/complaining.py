"""What ffmpeg has to complain about, kept short: a damaged file makes it print thousands of lines."""

from __future__ import annotations

import re
from itertools import groupby

_VARYING = re.compile(r"0x[0-9a-f]+|-?\d+(?:\.\d+)?")
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
    """Give the first thing complained about, without the part of ffmpeg that said it."""
    first, _, _ = complaint.partition("\n")
    return _ORIGIN.sub("", first)


def _shape(line: str) -> str:
    return _VARYING.sub("#", line)
