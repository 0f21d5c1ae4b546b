"""Files that appear whole or not at all, and stay after the power goes.

Content is written under a temporary name beside its target, synced, renamed, and the folder synced; a name
that is taken is never taken over unless the caller says so. Every refusal of the file system becomes
`StorageUnavailable`, because it is never the recording's fault and usually ends by itself.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from voxtrald.errors import RecordingChanged
from voxtrald.steps import Step, announce
from voxtrald.storage import storage_errors, storage_trouble

PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
_USUAL_MODE = 0o666  # before the umask

_COPY_BYTES = 1 << 20

# What a file system answers that has no hard links (FAT, exFAT, many SMB servers), or does not allow this
# one: `fs.protected_hardlinks` refuses links to other users' files, and those are what a shared inbox holds.
_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EINVAL,
}


# --- whole files --------------------------------------------------------------------------------------------


def write_whole(
    path: Path, data: bytes, *, mode: int = _USUAL_MODE, marker: str = "", written: Step | None = None
) -> None:
    """Make `path` hold `data`, replacing what was there; the folder must exist.

    Args:
        path: the target.
        data: its whole content.
        mode: permissions before the umask.
        marker: goes into the temporary name, so that its leftovers can be told from those of others.
        written: the step to announce between the synced temporary file and the rename.

    Raises:
        StorageUnavailable: the file could not be written; nothing is left behind.
    """
    with storage_errors(path), _temporary_beside(path, marker=marker) as temporary:
        _write_synced(temporary, data, mode=mode)
        if written:
            announce(written)
        temporary.replace(path)
        sync_folder(path.parent)


def put_whole(path: Path, data: bytes, *, mode: int = _USUAL_MODE) -> None:
    """Do what `write_whole` does without waiting for the disk, for what can be made anew after a power cut.

    What is found there after one may be empty.

    Raises:
        StorageUnavailable: the file could not be written; nothing is left behind.
    """
    with storage_errors(path), _temporary_beside(path, marker="") as temporary:
        with _create(temporary, mode=mode) as file:
            file.write(data)
        temporary.replace(path)


def add_whole(
    path: Path, data: bytes, *, marker: str = "", written: Step | None = None, sync_name: bool = True
) -> None:
    """Do what `write_whole` does, but only where the name is free.

    Without `sync_name` the content is durable, and the name is so after `sync_folder`: once for several files.

    Raises:
        FileExistsError: the name is taken.
        StorageUnavailable: the file could not be written; nothing is left behind.
    """
    with storage_errors(path), _temporary_beside(path, marker=marker) as temporary:
        _write_synced(temporary, data)
        if written:
            announce(written)
        _rename_to_free_name(temporary, path)
        if sync_name:
            sync_folder(path.parent)


def move_whole(source: Path, target: Path, *, marker: str = "") -> None:
    """Move a file to a free name, also to another file system; its modification time goes with it.

    Raises:
        FileExistsError: the name is taken.
        RecordingChanged: the source is gone, is not a regular file, or changed while it was being copied.
        StorageUnavailable: the move could not be made; the source is where it was.
    """
    try:
        _rename_to_free_name(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.ENOENT and not os.path.lexists(source):
            raise RecordingChanged(f"{source.name} is gone") from error
        if error.errno != errno.EXDEV:
            raise storage_trouble(error, path=target) from error
        _copy_over(source, target, marker=marker)
    with storage_errors(target):
        sync_folder(target.parent)
        sync_folder(source.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where its file system knows how."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # SMB and some FUSE file systems cannot sync a folder; their servers decide when names are durable.
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Create `folder` and its missing parents durably, each with `mode` before the umask.

    Raises:
        StorageUnavailable: it cannot be created, or something else has its name.
    """
    try:
        missing = list(takewhile(lambda place: not place.is_dir(), (folder, *folder.parents)))
        for place in reversed(missing):
            place.mkdir(mode=mode, exist_ok=True)
            sync_folder(place.parent)
    except OSError as error:
        raise storage_trouble(error, path=folder) from error


def room_for(path: Path, size_bytes: int) -> None:
    """Check that `size_bytes` more fit where `path` is or will be.

    Raises:
        StorageUnavailable: they do not, or the place cannot be reached.
    """
    with storage_errors(path):
        space = os.statvfs(path if path.is_dir() else path.parent)
    if space.f_bavail * space.f_frsize < size_bytes:
        raise storage_trouble(OSError(errno.ENOSPC, "no space"), path=path)


def remove_leftovers(folder: Path, *, marker: str) -> None:
    """Remove the temporary files that a killed run left in `folder` under `marker`.

    Raises:
        StorageUnavailable: the folder cannot be read or a file in it not be removed.
    """
    with storage_errors(folder):
        for leftover in list(folder.glob(f".voxtrald-{marker}-*.tmp")):
            leftover.unlink(missing_ok=True)


# --- how ----------------------------------------------------------------------------------------------------


@contextmanager
def _temporary_beside(target: Path, *, marker: str) -> Iterator[Path]:
    # The leading dot keeps it out of listings and of every program that watches the folder.
    temporary = target.parent / f".voxtrald-{marker}-{secrets.token_hex(8)}.tmp"
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _create(path: Path, *, mode: int = _USUAL_MODE) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    return os.fdopen(descriptor, "wb")


def _write_synced(path: Path, data: bytes, *, mode: int = _USUAL_MODE) -> None:
    with _create(path, mode=mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename_to_free_name(source: Path, target: Path) -> None:
    """Rename; a hard link refuses a taken name in one step, where a check before a rename leaves a gap."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "the name is taken", str(target)) from error
        source.rename(target)
    else:
        with storage_errors(source):
            source.unlink()


def _copy_over(source: Path, target: Path, *, marker: str) -> None:
    with storage_errors(target), _temporary_beside(target, marker=marker) as temporary:
        room_for(target, source.lstat().st_size)
        _copy_synced(source, temporary)
        _rename_to_free_name(temporary, target)
        # Only a copy that is there after a power cut may cost us the original.
        sync_folder(target.parent)
    with storage_errors(source):
        source.unlink(missing_ok=True)


def _copy_synced(source: Path, copy: Path) -> None:
    with open_source(source) as reader, _create(copy) as writer:
        before = os.fstat(reader.fileno())
        shutil.copyfileobj(reader, writer, _COPY_BYTES)
        writer.flush()
        with suppress(PermissionError):  # some SMB servers keep the times to themselves
            os.utime(writer.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
        os.fsync(writer.fileno())
        copied = os.fstat(writer.fileno()).st_size
    _require_same(source, before, copied_bytes=copied)


def _require_same(source: Path, before: os.stat_result, *, copied_bytes: int) -> None:
    try:
        after = source.lstat()
    except FileNotFoundError as error:
        raise RecordingChanged(f"{source.name} is gone") from error
    was = (before.st_ino, before.st_size, before.st_mtime_ns)
    if was != (after.st_ino, after.st_size, after.st_mtime_ns) or copied_bytes != before.st_size:
        raise RecordingChanged(f"{source.name} changed while it was being copied")


def open_source(path: Path) -> BufferedReader:
    """Open a file of the inbox for reading, never through a link and never a pipe or device.

    Raises:
        RecordingChanged: it is gone, or something else stands in its place.
        StorageUnavailable: it cannot be opened.
    """
    try:
        # O_NONBLOCK: opening a pipe that was put in the file's place must not block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO}:
            raise RecordingChanged(f"{path.name} is gone or is not a file any more") from error
        raise storage_trouble(error, path=path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordingChanged(f"{path.name} is not a file any more")
    return os.fdopen(descriptor, "rb")
