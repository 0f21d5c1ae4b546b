"""Places for requests: a few at once, or one with all to itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from voxtrald.errors import StopRequested
from voxtrald.stopping import Stop

_LISTEN_FOR_STOP_S = 0.2


class Places:
    """First come, first served, so that somebody who wants all places gets them, too."""

    def __init__(self, count: int, *, stop: Stop) -> None:
        self.count = count
        self._free = count
        self._stop = stop
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Hold `wanted` places inside.

        Raises:
            StopRequested: while waiting for them.
        """
        self._take(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()

    def _take(self, wanted: int) -> None:
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or self._free < wanted:
                    if self._stop.is_set():
                        raise StopRequested("stopped before the recogniser was free")
                    self._changed.wait(_LISTEN_FOR_STOP_S)
                self._free -= wanted
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
