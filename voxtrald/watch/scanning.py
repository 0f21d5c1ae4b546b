"""What is in the inbox: the truth that events only hint at.

Links are never followed and nothing is opened, so no file in a share can make the daemon read another file,
hang in a named pipe or wake a device.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from voxtrald.naming import IgnoreRules
from voxtrald.storage import storage_errors, storage_trouble
from voxtrald.watch.settling import Sighting

TOP = PurePosixPath()


class OddKind(StrEnum):
    """Why something in the inbox is left alone."""

    LINK = "symbolic_link"
    PIPE = "named_pipe"
    SOCKET = "socket"
    DEVICE = "device"
    UNREADABLE = "unreadable"
    NO_RECORDING = "no_recording_by_its_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Something in the inbox that is left alone, and worth a warning; `relative` is its path from there."""

    relative: PurePosixPath
    what: OddKind


def scan(
    root: Path,
    *,
    recursive: bool,
    ignore: IgnoreRules,
    below: PurePosixPath = TOP,
) -> Iterator[Sighting | Oddity]:
    """Look at every file under `root`, or only under its folder `below`; by name within each folder.

    Works while it is iterated, so that the caller may attend to other things in between. What vanishes
    meanwhile is left out; names that are no UTF-8 come as Python carries them, with surrogate escapes.

    Raises:
        StorageUnavailable: the root is missing or cannot be read. A folder below it is an `Oddity` then.
    """
    with storage_errors(root):
        os.scandir(root).close()
    folders = deque([below])
    while folders:
        for found in look_into(root, folders.popleft(), ignore=ignore):
            if not isinstance(found, PurePosixPath):
                yield found
            elif recursive:
                folders.append(found)


def sight(root: Path, relative: PurePosixPath) -> Sighting | None:
    """Look at one file; None where there is no regular file.

    Raises:
        StorageUnavailable: the file system does not answer.
    """
    try:
        status = (root / relative).lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise storage_trouble(error, path=root) from error
    return _sighting(relative, status) if stat.S_ISREG(status.st_mode) else None


def look_into(
    root: Path,
    folder: PurePosixPath,
    *,
    ignore: IgnoreRules,
) -> Iterator[Sighting | Oddity | PurePosixPath]:
    """Look at the entries of one folder, by name; give the folders in it as paths.

    Where it vanished meanwhile, there are none; where it cannot be read, it is itself an `Oddity`.
    """
    try:
        with os.scandir(root / folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield Oddity(relative=folder, what=OddKind.UNREADABLE)
        return
    above = "" if folder == TOP else f"{folder}/"
    for entry in ordered:
        if not ignore.ignores_entry(entry.name, above + entry.name):
            yield from _look_at(entry, folder / entry.name, ignore=ignore)


def _look_at(
    entry: os.DirEntry[str], relative: PurePosixPath, *, ignore: IgnoreRules
) -> Iterator[Sighting | Oddity | PurePosixPath]:
    try:
        if entry.is_dir(follow_symlinks=False):
            yield relative
        elif ignore.leaves(entry.name):
            yield Oddity(relative=relative, what=OddKind.NO_RECORDING)
        else:
            status = entry.stat(follow_symlinks=False)
            kind = _odd_kind(status.st_mode)
            yield _sighting(relative, status) if kind is None else Oddity(relative=relative, what=kind)
    except FileNotFoundError:
        return
    except OSError:
        yield Oddity(relative=relative, what=OddKind.UNREADABLE)


def _odd_kind(mode: int) -> OddKind | None:
    """Name what is no regular file; None where it is one."""
    if stat.S_ISREG(mode):
        return None
    kinds = {stat.S_IFLNK: OddKind.LINK, stat.S_IFIFO: OddKind.PIPE, stat.S_IFSOCK: OddKind.SOCKET}
    return kinds.get(stat.S_IFMT(mode), OddKind.DEVICE)


def _sighting(relative: PurePosixPath, status: os.stat_result) -> Sighting:
    return Sighting(
        relative=relative,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        inode=status.st_ino,
        device=status.st_dev,
    )
