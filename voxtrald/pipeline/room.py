"""How many prepared chunks of a recording may wait to be sent, and whether any more are wanted."""

from __future__ import annotations

import threading

from voxtrald.errors import StopRequested

TURN_S = 0.2
"""How long whoever prepares waits before it looks again whether chunks are still wanted."""


class Cancelled(StopRequested):
    """The recording's worker has no more use for chunks."""


class Room:
    """How many chunks may lie prepared on disk and unsent, so that a long recording cannot fill it."""

    def __init__(self, places: int) -> None:
        self._places = threading.Semaphore(places)
        self._cancelled = threading.Event()

    def take(self) -> None:
        """Wait for a place.

        Raises:
            Cancelled: nobody wants chunks any more.
        """
        while not self._places.acquire(timeout=TURN_S):
            self.require_wanted()
        self.require_wanted()

    def take_now(self) -> bool:
        """Take a place if there is one; say whether."""
        self.require_wanted()
        return self._places.acquire(blocking=False)

    def give(self) -> None:
        """Free a place: a chunk was answered or given up."""
        self._places.release()

    def cancel(self) -> None:
        """Want no more chunks."""
        self._cancelled.set()

    def require_wanted(self) -> None:
        """Raise Cancelled when chunks are no longer wanted."""
        if self._cancelled.is_set():
            raise Cancelled("no more chunks are wanted")
