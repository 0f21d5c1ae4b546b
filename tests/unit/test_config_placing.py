"""How the folders may lie to one another, and on which disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxtrald.config import Settings, load_settings
from voxtrald.config.placing import Mount, folder_problems, folder_warnings, kind_of_disk, parse_mounts
from voxtrald.config.reading import Written
from voxtrald.config.sections import FolderSettings, WatchSettings
from voxtrald.errors import ConfigError

NFS = (Mount(path=Path("/"), kind="ext4"), Mount(path=Path("/share"), kind="nfs4"))


def place(tmp_path, **folders):
    """Make settings with these folders below `tmp_path`."""
    names = {name: tmp_path / folders.get(name, name) for name in FolderSettings.model_fields}
    return Settings(folders=FolderSettings(**names))


def complaints(settings, mounts=()):
    """List (key, what) of the problems with the folders."""
    return [(problem.key, problem.what) for problem in folder_problems(settings, Written(), mounts=mounts)]


def test_four_folders_side_by_side_are_fine(tmp_path):
    """The usual layout draws no complaint."""
    assert complaints(place(tmp_path)) == []


def test_the_error_folder_may_lie_in_the_outbox(tmp_path):
    """Failures may be collected together with results."""
    assert complaints(place(tmp_path, error="outbox/failed")) == []


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("outbox", "inbox"),
        ("error", "inbox"),
        ("state", "inbox"),
        ("inbox", "outbox"),
        ("inbox", "error"),
        ("inbox", "state"),
        ("outbox", "error"),
        ("outbox", "state"),
        ("error", "state"),
        ("state", "outbox"),
        ("state", "error"),
    ],
)
def test_a_folder_inside_another_is_refused(tmp_path, inner, outer):
    """A folder that would feed or hide in another one is a problem."""
    settings = place(tmp_path, **{inner: f"{outer}/deep/{inner}"})

    assert complaints(settings) == [(f"folders.{inner}", f"lies inside folders.{outer} ({tmp_path / outer})")]


def test_links_do_not_hide_a_folder_inside_another(tmp_path):
    """A link to a folder inside the inbox counts as that folder."""
    (tmp_path / "inbox" / "results").mkdir(parents=True)
    (tmp_path / "outbox").symlink_to("inbox/results")

    [(key, _)] = complaints(place(tmp_path))

    assert key == "folders.outbox"


@pytest.mark.parametrize("other", ["inbox", "./inbox", "x/../inbox", "link"])
def test_the_same_folder_twice_is_refused(tmp_path, other):
    """Two names of one folder are a problem, also when one is a link."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "link").symlink_to("inbox")

    assert complaints(place(tmp_path, outbox=other)) == [("folders.outbox", "is the same folder as folders.inbox")]


def test_the_file_tells_its_folders_with_the_line(tmp_path):
    """Loading a file reports how folders lie, with the line, beside other problems."""
    path = tmp_path / "config.yaml"
    path.write_text("watch: {mode: x}\nfolders:\n  outbox: inbox/out\n", "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ={})

    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (1, "watch.mode"),
        (3, "folders.outbox"),
    ]


def test_the_state_folder_on_a_network_disk_is_refused():
    """The ledger's database is not safe on a network share."""
    settings = place(Path("/share/voxtrald"))

    assert complaints(settings, mounts=NFS) == [
        ("folders.state", "lies on a network file system (nfs4), where a database is not safe")
    ]


def test_an_inbox_on_a_network_disk_is_worth_a_warning():
    """A share does not report other machines' files; polling says that this is known."""
    settings = place(Path("/share/voxtrald"), state="/var/lib/voxtrald")
    polling = settings.model_copy(update={"watch": WatchSettings(mode="polling")})

    assert len(folder_warnings(settings, mounts=NFS)) == 1
    assert folder_warnings(polling, mounts=NFS) == ()
    assert complaints(settings, mounts=NFS) == []


def test_a_state_folder_on_a_share_of_the_host_is_worth_a_warning():
    """A virtual machine's shared folder may be used by the host too."""
    settings = place(Path("/host"), inbox="/inbox")
    mounts = (Mount(path=Path("/host"), kind="9p"),)

    [warning] = folder_warnings(settings, mounts=mounts)

    assert warning.startswith("folders.state lies on 9p")


def test_the_deepest_mount_tells_the_disk():
    """Of the mounts around a path the deepest counts, of equal ones the last; blanks are escaped."""
    mounts = parse_mounts(
        "/dev/sda1 / ext4 rw 0 0\n"
        "nas:/a /mnt/my\\040share nfs4 rw 0 0\n"
        "/dev/sdb1 /mnt/my\\040share/local xfs rw 0 0\n"
        "tmpfs /run tmpfs rw 0 0\n"
        "none /run 9p rw 0 0\n"
    )

    assert kind_of_disk(Path("/mnt/my share/x"), mounts) == "nfs4"
    assert kind_of_disk(Path("/mnt/my share/local/x"), mounts) == "xfs"
    assert kind_of_disk(Path("/mnt/my shared"), mounts) == "ext4"
    assert kind_of_disk(Path("/run"), mounts) == "9p"
    assert kind_of_disk(Path("/run"), ()) == ""
