"""Where a folder lies: on which mount, and what may be expected of its file system.

The kernel tells inotify what is done on this machine. What another machine does on a network share, or a host in a
folder it lends to a virtual machine, is not told (inotify(7), "Limitations and caveats"). So the type of a file
system decides whether events can be relied on. The mounts are read from /proc/self/mountinfo, and on which of them a
folder lies from /proc/self/fdinfo (proc_pid_mountinfo(5), proc_pid_fdinfo(5)): comparing paths alone would take a
mount that is hidden under a later one for the one in use.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from voxtrald.storage import storage_errors

_REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2"),
        *("gfs2", "davfs", "coda", "fuse"),
        # what a host lends to a guest: VirtualBox, Parallels, VMware, QEMU, Windows' subsystem, Docker Desktop
        *("vboxsf", "prl_fs", "vmhgfs", "9p", "virtiofs", "drvfs", "fakeowner"),
    )
)
_TRUE_FOLDER_TIMES = frozenset({"fuse.sshfs", "fuse.glusterfs", "fuse.mergerfs"})
_ESCAPED = re.compile(r"\\([0-7]{3})")  # a blank in a path is \040


def is_remote(fs_type: str) -> bool:
    """Whether others can change files on such a file system without our kernel knowing."""
    return fs_type in _REMOTE or fs_type.startswith("fuse.")


def has_true_folder_times(fs_type: str) -> bool:
    """Whether a folder's modification time tells that a name in it came or went.

    Many file systems in user space make this time up.
    """
    return not fs_type.startswith("fuse") or fs_type in _TRUE_FOLDER_TIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of the mount table: `root` of a file system is shown at `point`."""

    mount_id: int
    root: PurePosixPath
    point: PurePosixPath
    fs_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """A mount inside the folder; `relative` is its path from there."""

    mount_id: int
    relative: PurePosixPath
    fs_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a folder lies at this moment. Two that are equal are the same folder, seen through the same mounts.

    Attributes:
        device, inode: the folder itself.
        mount_id: the mount it is on; another one after a remount.
        point: where that mount begins.
        fs_type: its type, or empty where the mount table cannot be read.
        within: the folder's path in its file system, wherever that is mounted.
        below: the mounts inside the folder.
    """

    device: int
    inode: int
    mount_id: int
    point: PurePosixPath
    fs_type: str
    within: PurePosixPath
    below: tuple[Below, ...] = ()

    def type_at(self, relative: PurePosixPath) -> str:
        """Give the type of the file system that a path from the folder is on."""
        covering = [inner for inner in self.below if relative.is_relative_to(inner.relative)]
        return covering[-1].fs_type if covering else self.fs_type

    def types_below(self, relative: PurePosixPath) -> frozenset[str]:
        """Give the types of all file systems that a tree in the folder is on."""
        inner = {inner.fs_type for inner in self.below if inner.relative.is_relative_to(relative)}
        return frozenset({self.type_at(relative)} | inner)


def find_place(folder: Path) -> Place:
    """Look where a folder lies. It is really opened, so that an automounter mounts it.

    Raises:
        StorageUnavailable: the folder is not there or cannot be read.
    """
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            status = os.fstat(descriptor)
            mount_id, real = _mount_id(descriptor), folder.resolve()
        finally:
            os.close(descriptor)
    mounts = _read_mounts()
    mount = next((mount for mount in mounts if mount.mount_id == mount_id), None)
    if mount is None or not real.is_relative_to(mount.point):
        mount = Mount(mount_id=mount_id, root=PurePosixPath("/"), point=PurePosixPath("/"), fs_type="")
    return Place(
        device=status.st_dev,
        inode=status.st_ino,
        mount_id=mount_id,
        point=mount.point,
        fs_type=mount.fs_type,
        within=mount.root / real.relative_to(mount.point),
        below=mounts_below(PurePosixPath(real), mounts),
    )


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read the mount table; lines that are not understood are passed over."""
    return tuple(mount for line in text.split("\n") if (mount := _parse_line(line)))


def mounts_below(folder: PurePosixPath, mounts: Iterable[Mount]) -> tuple[Below, ...]:
    """List the mounts inside a folder; of several at one point, the last one is on top."""
    inside = {mount.point: mount for mount in mounts if mount.point != folder and mount.point.is_relative_to(folder)}
    return tuple(
        Below(mount_id=mount.mount_id, relative=point.relative_to(folder), fs_type=mount.fs_type)
        for point, mount in sorted(inside.items())
    )


def _parse_line(line: str) -> Mount | None:
    # 36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw
    before, dash, after = line.partition(" - ")
    fields = before.split(" ")
    if not dash or len(fields) < len(("id", "parent", "device", "root", "point")) or not fields[0].isdecimal():
        return None
    return Mount(
        mount_id=int(fields[0]),
        root=PurePosixPath(_unescaped(fields[3])),
        point=PurePosixPath(_unescaped(fields[4])),
        fs_type=after.split(" ")[0],
    )


def _unescaped(path: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), path)


def _read_mounts() -> tuple[Mount, ...]:
    try:
        return parse_mounts(Path("/proc/self/mountinfo").read_bytes().decode("utf-8", "surrogateescape"))
    except OSError:
        return ()


def _mount_id(descriptor: int) -> int:
    try:
        text = Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"^mnt_id:\s*(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0
