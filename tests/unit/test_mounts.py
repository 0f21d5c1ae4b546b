"""What the mount table says, and what may be expected of a file system."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.watch.mounts import Below, Place, has_true_folder_times, is_remote, mounts_below, parse_mounts

TABLE = r"""
22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:44 / /srv/inbox rw,relatime shared:9 master:1 - nfs4 nas:/export rw,vers=4.2
41 40 0:45 /talks /srv/inbox/old\040talks rw - cifs //nas/share rw
42 40 0:46 / /srv/inbox/old\040talks rw - fuse.sshfs me@host: rw
"""

names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1).filter(
    lambda n: n not in {".", ".."}
)


def place(**fields):
    """Make the place of a folder on a disk."""
    usual = {
        "device": 1,
        "inode": 2,
        "mount_id": 27,
        "point": PurePosixPath("/"),
        "fs_type": "ext4",
        "within": PurePosixPath("/srv/inbox"),
    }
    return Place(**{**usual, **fields})


def test_each_line_is_read():
    """Type, root and mount point are found, however many optional fields stand before the dash."""
    mounts = {mount.mount_id: mount for mount in parse_mounts(TABLE)}

    assert {key: mount.fs_type for key, mount in mounts.items()} == {
        22: "proc",
        27: "ext4",
        40: "nfs4",
        41: "cifs",
        42: "fuse.sshfs",
    }
    assert (str(mounts[41].root), str(mounts[41].point)) == ("/talks", "/srv/inbox/old talks")


@pytest.mark.parametrize("line", ["", "27 1 254:0 / / rw", "x 1 0:1 / / rw - ext4 a rw", "1 2 - ext4 a rw"])
def test_a_line_that_is_not_understood_is_passed_over(line):
    """A kernel that writes something else costs that line, not the program."""
    assert parse_mounts(line) == ()


@given(names)
def test_every_name_of_a_mount_point_is_read(name):
    """Blanks, tabs, line ends and backslashes, which the kernel writes as octal numbers, come back."""
    escaped = "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in name)
    mounts = parse_mounts(f"1 2 0:1 / /mnt/{escaped} rw - tmpfs none rw")

    assert [mount.point.name for mount in mounts] == [name]


def test_mounts_inside_a_folder_are_found():
    """They are told with their path from the folder; where two lie at one point, the later one hides the other."""
    found = mounts_below(PurePosixPath("/srv/inbox"), parse_mounts(TABLE))

    assert found == (Below(mount_id=42, relative=PurePosixPath("old talks"), fs_type="fuse.sshfs"),)
    assert mounts_below(PurePosixPath("/srv/in"), parse_mounts(TABLE)) == ()


@pytest.mark.parametrize(
    ("fs_type", "is_shared"),
    [
        *((shared, True) for shared in ("nfs", "nfs4", "cifs", "smb3", "9p", "vboxsf", "prl_fs", "davfs", "virtiofs")),
        *((shared, True) for shared in ("fuse", "fuse.sshfs", "fuse.rclone", "fuse.grpcfuse")),
        *((local, False) for local in ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "vfat", "fuseblk", "")),
    ],
)
def test_shares_are_told_by_their_type(fs_type, is_shared):
    """On a network, from a host or in user space, others change files without our kernel knowing."""
    assert is_remote(fs_type) is is_shared


@pytest.mark.parametrize(
    ("fs_type", "is_true"), [("nfs4", True), ("ext4", True), ("fuse.sshfs", True), ("fuse", False)]
)
def test_folder_times_of_user_space_are_not_trusted(fs_type, is_true):
    """A file system in user space may make up a folder's time, unless it is known not to."""
    assert has_true_folder_times(fs_type) is is_true


def test_a_path_is_on_the_innermost_mount():
    """The type of a path is that of the mount which covers it most closely; of a tree, all types in it count."""
    inner = [("nas", "nfs4"), ("nas/deep", "cifs")]
    found = place(
        below=tuple(Below(mount_id=n, relative=PurePosixPath(p), fs_type=t) for n, (p, t) in enumerate(inner))
    )

    paths = ("talk.mp3", "nas/talk.mp3", "nas/deep/talk.mp3", "nasty/talk.mp3")
    assert [found.type_at(PurePosixPath(path)) for path in paths] == ["ext4", "nfs4", "cifs", "ext4"]
    assert found.types_below(PurePosixPath("nas")) == {"nfs4", "cifs"}
    assert found.types_below(PurePosixPath()) == {"ext4", "nfs4", "cifs"}
