"""Which remote copies are in use by which running deliveries.

The service may give one id to two uploads of the same bytes (ayunis-core/ayunis-core, pull request 1159), so
that a delivery which deletes "its" copy would take it from under another. Here nobody deletes a copy that
another delivery uses, or might be about to get while it uploads the same bytes.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from voxtrald.errors import StopRequested
from voxtrald.stopping import Stop
from voxtrald.storage import storage_errors

_SAMPLE_BYTES = 64 * 1024
_LISTEN_FOR_STOP_S = 0.2


def fingerprint(path: Path, *, size_bytes: int) -> str:
    """Compute a cheap name for a file's bytes: equal bytes have equal names, and others nearly never.

    Only both ends are read: a recording of hours must not wait, and a chance match merely delays a deletion.

    Raises:
        StorageUnavailable: where the file cannot be read.
    """
    digest = hashlib.blake2b(str(size_bytes).encode(), digest_size=16)
    with storage_errors(path), path.open("rb") as file:
        digest.update(file.read(_SAMPLE_BYTES))
        file.seek(max(0, size_bytes - _SAMPLE_BYTES))
        digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


class CopiesInUse:
    """A thread-safe register; uploads and deletions of the same bytes exclude each other."""

    def __init__(self, *, stop: Stop) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._users: Counter[str] = Counter()
        self._contents: dict[str, str] = {}
        self._unwanted: set[str] = set()
        self._uploading: Counter[str] = Counter()
        self._deleting: Counter[str] = Counter()
        self._naming: Counter[str] = Counter()
        self._clearing: Counter[str] = Counter()

    @contextmanager
    def uploading(self, content: str, *, name: str = "") -> Iterator[None]:
        """Upload inside: meanwhile no copy of these bytes is deleted, nor a leftover under this name.

        Raises:
            StopRequested: while waiting for such a deletion.
        """
        with self._changed:
            while self._deleting[content] or self._clearing[name]:
                if self._stop.is_set():
                    raise StopRequested("stopped before an upload")
                self._changed.wait(_LISTEN_FOR_STOP_S)
            self._uploading[content] += 1
            self._naming[name] += 1
        try:
            yield
        finally:
            with self._changed:
                _decrement(self._uploading, content)
                _decrement(self._naming, name)
                self._changed.notify_all()

    @contextmanager
    def clearing(self, remote_id: str, *, name: str) -> Iterator[bool]:
        """Delete a leftover inside, if it says that this is one; meanwhile nothing is uploaded under its name.

        A copy is at the service, and on its list, before the upload's answer tells us its id. So an upload under
        the same name, which may have made this very copy, is waited for.
        """
        with self._changed:
            while self._naming[name] and not self._stop.is_set():
                self._changed.wait(_LISTEN_FOR_STOP_S)
            is_leftover = not self._stop.is_set() and remote_id not in self._contents
            if is_leftover:
                self._clearing[name] += 1
        try:
            yield is_leftover
        finally:
            if is_leftover:
                with self._changed:
                    _decrement(self._clearing, name)
                    self._changed.notify_all()

    def use(self, remote_id: str, *, content: str) -> None:
        """Note one more user; to be called while uploading."""
        with self._changed:
            self._users[remote_id] += 1
            self._contents[remote_id] = content
            self._unwanted.discard(remote_id)

    def give_back(self, remote_ids: Iterable[str]) -> tuple[str, ...]:
        """Note one user less of each, and take on the deletion of what nobody wants any more.

        Copies whose bytes are just being uploaded again stay until the next delivery gives back its own.
        Each id in the result must be passed to `deleted`, however its deletion ended.
        """
        with self._changed:
            for remote_id in remote_ids:
                _decrement(self._users, remote_id)
                if not self._users[remote_id]:
                    self._unwanted.add(remote_id)
            free = tuple(each for each in self._unwanted if not self._uploading[self._contents[each]])
            self._unwanted.difference_update(free)
            self._deleting.update(self._contents[each] for each in free)
        return free

    def deleted(self, remote_id: str) -> None:
        """End a deletion that `give_back` gave out; uploads of the same bytes may go on."""
        with self._changed:
            _decrement(self._deleting, self._contents.pop(remote_id))
            self._changed.notify_all()


def _decrement(counts: Counter[str], key: str) -> None:
    """Count down and forget what has come to nothing, so that a daemon's memory does not grow."""
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
