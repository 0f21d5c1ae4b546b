"""The identity of a recording: the SHA-256 of its bytes, whatever it is called."""

from __future__ import annotations

import hashlib
from pathlib import Path

from voxtrald.errors import StopRequested
from voxtrald.stopping import Stop
from voxtrald.storage import storage_errors
from voxtrald.store.durable import open_source
from voxtrald.store.jobs import Job
from voxtrald.store.sources import require_claimed

_BLOCK_BYTES = 1 << 20


def fingerprint(path: Path, *, job: Job, stop: Stop) -> str:
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
    require_claimed(path, job)
    return digest.hexdigest()
