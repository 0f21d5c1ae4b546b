"""What tells the inbox from the folder that shows when its share is gone."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from voxtrald.watch.anchor import Known, estrangement
from voxtrald.watch.mounts import Place

MARK = "0123456789abcdef"


def known(point="/mnt/nas", fs_type="nfs4", within="/inbox", *, is_marked=False):
    """Make what is remembered of an inbox."""
    return Known(
        path="/mnt/nas/inbox",
        point=point,
        fs_type=fs_type,
        within=within,
        token=MARK,
        is_marked=is_marked,
    )


def place(point="/mnt/nas", fs_type="nfs4", within="/inbox"):
    """Make what is found."""
    return Place(
        device=1, inode=2, mount_id=3, point=PurePosixPath(point), fs_type=fs_type, within=PurePosixPath(within)
    )


UNDERNEATH = place("/", "ext4", "/mnt/nas/inbox")
"""The mount point, when nothing is mounted at it."""


def judge(remembered, found, *, marker=None, is_empty=False):
    """Say whether what was found is the inbox."""
    return estrangement(remembered, found, marker=marker, is_empty=is_empty) is None


@pytest.mark.parametrize("is_empty", [True, False])
@pytest.mark.parametrize("is_marked", [True, False])
def test_an_uncovered_mount_point_is_not_the_inbox(is_marked, is_empty):
    """Without its mount, the folder at the inbox's path is another one, whatever lies in it."""
    assert not judge(known(is_marked=is_marked), UNDERNEATH, is_empty=is_empty)


def test_a_share_that_is_mounted_again_is_the_inbox():
    """Place and type say so; no number that changes with every mount is asked."""
    assert judge(known(), place())


def test_the_marker_outweighs_the_place():
    """A share that is mounted in another way, or a disk that was copied, is known by its marker."""
    assert judge(known(is_marked=True), UNDERNEATH, marker=MARK)


def test_a_server_that_lost_its_disk_is_noticed():
    """The same mount without the marker and without anything else is not the inbox."""
    assert not judge(known(is_marked=True), place(), is_empty=True)


def test_a_marker_that_somebody_deleted_does_no_harm():
    """While other files are there, the inbox is known without its marker."""
    assert judge(known(is_marked=True), place(), is_empty=False)


def test_a_share_that_cannot_be_marked_may_be_empty():
    """On a read-only share an empty inbox is an empty inbox, as long as it is mounted."""
    assert judge(known(is_marked=False), place(), is_empty=True)


@pytest.mark.parametrize(
    ("remembered", "found"),
    [
        (known("/", "ext4", "/srv/vox/inbox"), place("/srv/vox", "ext4", "/srv/vox/inbox")),
        (known("/srv/vox", "ext4", "/srv/vox/inbox"), place("/", "ext4", "/srv/vox/inbox")),
    ],
)
def test_a_sandbox_does_not_move_the_inbox(remembered, found):
    """A service sees its folder through a bind mount of its own, its administrator does not; it is the same one."""
    assert judge(remembered, found)


def test_a_share_may_be_mounted_over_a_local_folder():
    """Whoever began with a local folder and mounts a share there goes on with the share."""
    assert judge(known("/", "ext4", "/mnt/nas/inbox"), place())


def test_another_share_may_be_mounted_in_its_place():
    """What is mounted at the same point was mounted there by somebody who meant it."""
    assert judge(known(), place("/mnt/nas", "cifs", "/"))


def test_without_a_mount_table_nothing_is_suspected():
    """Where the kernel tells nothing, a folder that can be read is the inbox."""
    assert judge(known("/", "", "/mnt/nas/inbox"), UNDERNEATH)
