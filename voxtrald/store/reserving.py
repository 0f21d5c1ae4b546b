"""Names that are spoken for: chosen by one thread, not yet on the disk, and free to nobody else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from voxtrald.errors import StorageUnavailable
from voxtrald.naming import free_stem
from voxtrald.storage import storage_errors

Placed = TypeVar("Placed")

_TRIES = 20


def while_taken(place: Callable[[], Placed], *, folder: Path) -> Placed:
    """Repeat `place`, which chooses names in `folder`, as long as others take them before it can.

    Raises:
        StorageUnavailable: they do so again and again.
    """
    for _ in range(_TRIES):
        with suppress(FileExistsError):
            return place()
    raise StorageUnavailable(f"others keep taking the names in {folder}", path=folder)


class Reservations:
    """The names that the threads of this process are about to use. Case is ignored, as many shares do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[tuple[Path, str]] = set()

    @contextmanager
    def stem(
        self, folder: Path, wanted: str, *, suffixes: Sequence[str], is_mine: Callable[[str], bool]
    ) -> Iterator[str]:
        """Choose a stem under which every name of the set is free or mine; it is kept for the block.

        Args:
            folder: where the names will be.
            wanted: the stem to begin with.
            suffixes: how the names of the set go on.
            is_mine: whether a name that exists is there from an earlier run over the same recording.
        """
        with self._lock, storage_errors(folder):
            chosen = free_stem(wanted, suffixes, lambda name: self._is_taken(folder, name, is_mine=is_mine))
            mine = {(folder, (chosen + suffix).casefold()) for suffix in suffixes}
            self._names |= mine
        try:
            yield chosen
        finally:
            with self._lock:
                self._names -= mine

    def _is_taken(self, folder: Path, name: str, *, is_mine: Callable[[str], bool]) -> bool:
        if (folder, name.casefold()) in self._names:
            return True
        return os.path.lexists(folder / name) and not is_mine(name)
