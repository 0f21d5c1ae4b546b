"""The identity of a recording: the SHA-256 of its bytes, whatever it is called."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from voxtrald.errors import RecordingChanged, StopRequested, StorageUnavailable
from voxtrald.stopping import Stop
from voxtrald.store.durable import open_source, storage_errors

_BLOCK_BYTES = 1 << 20


class FileFacts(Protocol):
    """What was known of the file when it was claimed."""

    @property
    def size_bytes(self) -> int:
        """Its size."""

    @property
    def mtime_ns(self) -> int:
        """Its modification time."""


def require_unchanged(path: Path, facts: FileFacts) -> None:
    """Check that the file is still the one that was claimed.

    Raises:
        RecordingChanged: it is gone, or its size or modification time is another.
        StorageUnavailable: it cannot be looked at.
    """
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise RecordingChanged(f"{path.name} is gone") from error
    except OSError as error:
        raise StorageUnavailable(f"cannot look at {path}: {error.strerror}", path=path) from error
    if (found.st_size, found.st_mtime_ns) != (facts.size_bytes, facts.mtime_ns):
        raise RecordingChanged(f"{path.name} changed while it was being worked on")


def fingerprint(path: Path, *, facts: FileFacts, stop: Stop) -> str:
    """Hash the content of the file that was claimed; flat memory whatever its size.

    Raises:
        RecordingChanged: the file is not, or no longer, the one that was claimed.
        StorageUnavailable: it cannot be read.
        StopRequested: stop was asked for meanwhile.
    """
    digest = hashlib.sha256()
    block = bytearray(_BLOCK_BYTES)
    with open_source(path) as file, storage_errors(path):
        while count := file.readinto(block):
            digest.update(memoryview(block)[:count])
            if stop.is_set():
                raise StopRequested("stopped while reading the recording")
    require_unchanged(path, facts)
    return digest.hexdigest()
