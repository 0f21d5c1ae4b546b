"""The recording itself: is the file in the inbox still the one that was claimed, and its last move."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from voxtrald.errors import RecordingChanged
from voxtrald.steps import Step, announce
from voxtrald.storage import storage_errors, storage_trouble
from voxtrald.store.durable import move_whole, open_source, sync_folder
from voxtrald.store.jobs import Job

# FAT counts in steps of two seconds, so a copy that lies there may show another time than its original.
_COARSEST_NS = 2_000_000_000


def require_claimed(path: Path, job: Job) -> None:
    """Check that the file is still the one that was claimed.

    Raises:
        RecordingChanged: it is gone, was replaced, or was written to.
        StorageUnavailable: it cannot be looked at.
    """
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise RecordingChanged(f"{path.name} is gone") from error
    except OSError as error:
        raise storage_trouble(error, path=path) from error
    claimed = (job.size_bytes, job.mtime_ns, job.inode)
    if not stat.S_ISREG(found.st_mode) or (found.st_size, found.st_mtime_ns, found.st_ino) != claimed:
        raise RecordingChanged(f"{path.name} changed while it was being worked on")


def move_claimed(source: Path, target: Path, *, job: Job) -> None:
    """Move the recording to a free name; a name that already holds this very content will do as well.

    Raises:
        FileExistsError: the name holds something else.
        RecordingChanged: the file is not the one that was claimed any more.
        StorageUnavailable: the move could not be made; the file is where it was.
    """
    require_claimed(source, job)
    try:
        move_whole(source, target, marker=job.id)
    except FileExistsError:
        # A run that was killed between the two halves of a move left the file under both names.
        if not has_content_of(target, source):
            raise
        remove_source(source)
    announce(Step.SOURCE_MOVED)


def remove_claimed(source: Path, *, job: Job) -> None:
    """Delete the recording.

    Raises:
        RecordingChanged: the file is not the one that was claimed any more.
        StorageUnavailable: it could not be removed.
    """
    require_claimed(source, job)
    remove_source(source)
    announce(Step.SOURCE_MOVED)


def remove_source(source: Path) -> None:
    """Remove a file that is safe elsewhere."""
    with storage_errors(source):
        source.unlink(missing_ok=True)
        sync_folder(source.parent)


def has_arrived(target: Path, job: Job) -> bool:
    """Say whether the job's recording, which is not in the inbox any more, lies at `target`."""
    try:
        found = target.lstat()
    except OSError:
        return False
    is_near = abs(found.st_mtime_ns - job.mtime_ns) <= _COARSEST_NS
    return stat.S_ISREG(found.st_mode) and found.st_size == job.size_bytes and is_near


def has_content_of(target: Path, source: Path) -> bool:
    """Say whether two regular files hold the same bytes; sizes are compared before contents."""
    try:
        facts = (target.lstat(), source.lstat())
    except OSError:
        return False
    if not all(stat.S_ISREG(found.st_mode) for found in facts) or facts[0].st_size != facts[1].st_size:
        return False
    return os.path.samestat(*facts) or file_sha256(target) == file_sha256(source)


def file_sha256(path: Path) -> str | None:
    """Hash a regular file, or give None where there is none.

    Raises:
        StorageUnavailable: it cannot be read.
    """
    try:
        with open_source(path) as file, storage_errors(path):
            return hashlib.file_digest(file, "sha256").hexdigest()
    except RecordingChanged:
        return None
