"""How fast bodies leave for the service, learnt from those that were sent."""

from __future__ import annotations

import threading

_FEWEST_BYTES = 256 * 1024  # less fits into the kernel's buffers, and its "speed" says nothing about the line
_SHORTEST_S = 0.001
_WEIGHT_OF_NEWEST = 0.3


class Uplink:
    """A smoothed speed of one connection in bits per second, safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bps: float | None = None

    @property
    def bps(self) -> float | None:
        """Bits per second, or None before the first observation."""
        with self._lock:
            return self._bps

    def observe(self, *, sent_bytes: int, seconds: float) -> None:
        """Learn from one body; small ones teach nothing."""
        if sent_bytes < _FEWEST_BYTES:
            return
        newest = 8 * sent_bytes / max(seconds, _SHORTEST_S)
        with self._lock:
            self._bps = newest if self._bps is None else smooth(self._bps, newest)


def smooth(known: float, newest: float) -> float:
    """Move what is known towards the newest observation."""
    return known + _WEIGHT_OF_NEWEST * (newest - known)
