"""Which answers are being asked for just now, so that equal recordings at the same time are paid once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Asking:
    """A thread-safe register of keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    @contextmanager
    def turn(self, key: str) -> Iterator[bool]:
        """Ask for the answer inside, if it says so: not when another is asking for the same one."""
        with self._lock:
            is_mine = key not in self._keys
            self._keys.add(key)
        try:
            yield is_mine
        finally:
            if is_mine:
                with self._lock:
                    self._keys.discard(key)
