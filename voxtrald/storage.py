"""What a refusal of the file system means, in plain words.

It is never the recording's fault and usually ends by itself. So every room that touches files makes
`StorageUnavailable` of it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxtrald.errors import StorageUnavailable

_FREE_SPACE = "free some space; work goes on by itself"
_GIVE_RIGHTS = "give it to the user that runs voxtrald; work goes on by itself"
_MOUNT_AGAIN = "mount the share again; work goes on by itself"
_TROUBLES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("no space is left", _FREE_SPACE),
    errno.EDQUOT: ("the quota is used up", _FREE_SPACE),
    errno.EROFS: ("the file system is read-only", "remount it for writing; work goes on by itself"),
    errno.EACCES: ("the right is missing", _GIVE_RIGHTS),
    errno.EPERM: ("the right is missing", _GIVE_RIGHTS),
    errno.EEXIST: ("a file has the name of the folder", "move the file away"),
    errno.ENOTDIR: ("a file has the name of the folder", "move the file away"),
    errno.EIO: ("the disk or share answers with an input/output error", "look at the disk or the share"),
    errno.ENOENT: ("it is not there", "create its folder or mount the share"),
    errno.ESTALE: ("the share is gone", _MOUNT_AGAIN),
    errno.ENOTCONN: ("the share is gone", _MOUNT_AGAIN),
    errno.ENODEV: ("the share is gone", _MOUNT_AGAIN),
    errno.ENXIO: ("the share is gone", _MOUNT_AGAIN),
    errno.EHOSTDOWN: ("the share is gone", _MOUNT_AGAIN),
    errno.EHOSTUNREACH: ("the share is gone", _MOUNT_AGAIN),
    errno.ETIMEDOUT: ("the share does not answer", _MOUNT_AGAIN),
}


def storage_trouble(error: OSError, *, path: Path) -> StorageUnavailable:
    """Say in plain words what the file system refused."""
    what, hint = _TROUBLES.get(error.errno or 0, (error.strerror or "it is refused", ""))
    return StorageUnavailable(f"cannot use {path}: {what}", path=path, hint=hint)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the file system refuses inside the block into `StorageUnavailable`.

    A taken name is a decision for the caller, so `FileExistsError` passes.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise storage_trouble(error, path=path) from error
