"""The shared pool that limits parallel requests over all recordings.

Its threads are daemon threads on purpose: a request can block for many minutes in a read that nothing can
interrupt, and `concurrent.futures` would make the interpreter wait for it at exit, past the stop grace.
"""

from __future__ import annotations

import contextvars
import itertools
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from voxtrald.dispatch.threads import Broken, guarded

T = TypeVar("T")


class Senders:
    """Run work on at most `size` threads, first come, first served."""

    def __init__(self, *, size: int) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._serving: dict[str, threading.Thread] = {}
        self._size = 0
        self.resize(size)

    @property
    def size(self) -> int:
        """How many threads there are."""
        return self._size

    def resize(self, size: int) -> None:
        """Use `size` threads from now on; a thread that is busy leaves after its work."""
        for _ in range(size - self._size):
            name = f"sender-{next(self._numbers)}"
            self._serving[name] = threading.Thread(target=self._serve, args=(name,), name=name, daemon=True)
            self._serving[name].start()
        for _ in range(self._size - size):
            self._waiting.put(None)
        self._size = size

    def dead(self) -> tuple[str, ...]:
        """Name the threads that ended although nobody sent them away."""
        return tuple(name for name, thread in tuple(self._serving.items()) if not thread.is_alive())

    def submit(self, work: Callable[[], T], *, done: Callable[[T | Broken], None]) -> None:
        """Do `work` when a thread is free, with the caller's logging context, then call `done` there."""
        context = contextvars.copy_context()
        self._waiting.put(lambda: done(context.run(guarded, work)))

    def _serve(self, name: str) -> None:
        while (work := self._waiting.get()) is not None:
            work()
        self._serving.pop(name, None)
