"""How many requests may be open at once, over all recordings and engines of the process.

A slot is held for one request, not for a whole chunk: what a sender does between two requests (keeping an answer,
writing the ledger) leaves its slot to another, so that the far side is as busy as the limit allows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from voxtrald.errors import StopRequested
from voxtrald.stopping import Stop

_LISTEN_FOR_STOP_S = 0.2


class RequestSlots:
    """A counting lock whose size can change while it is in use."""

    def __init__(self, size: int, *, stop: Stop) -> None:
        self._size = size
        self._open = 0
        self._stop = stop
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot inside.

        Raises:
            StopRequested: stop was asked for, and no slot was free.
        """
        with self._changed:
            while self._open >= self._size:
                if self._stop.is_set():
                    raise StopRequested("stopped while waiting to send a request")
                self._changed.wait(_LISTEN_FOR_STOP_S)
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify()

    def resize(self, size: int) -> None:
        """Allow `size` open requests from now on; those that are open stay."""
        with self._changed:
            self._size = size
            self._changed.notify_all()
