"""Stop as an argument: something every wait can hear, also waits on a queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """An event that also calls back, so that a thread blocked on its mailbox hears it.

    Set by normal code only: setting an event inside a signal handler can block for ever on the lock that the
    interrupted frame holds.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Whether stop was asked for."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for stop, at most `timeout` seconds; say whether it came."""
        return self._event.wait(timeout)

    def set(self) -> None:
        """Ask everything to stop."""
        with self._lock:
            self._event.set()
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when stop is asked for inside the block, or at once if it already was."""
        with self._lock:
            self._callbacks.append(callback)
            already = self._event.is_set()
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)
