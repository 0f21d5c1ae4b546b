"""The looks at the inbox: sweeps, glances, single files and canaries, on a real folder."""

from __future__ import annotations

import errno
import os
import time
from pathlib import PurePosixPath

import pytest

from voxtrald.errors import StorageUnavailable
from voxtrald.naming import IgnoreRules
from voxtrald.storage import storage_trouble
from voxtrald.watch import mounts
from voxtrald.watch.anchor import MARKER, Anchor, inbox_trouble
from voxtrald.watch.canary import CANARY_PREFIX
from voxtrald.watch.scanning import sight
from voxtrald.watch.survey import REMOTE_SETTLE_S, Arrived, Called, Found, Looked, Survey, Swept
from voxtrald.watch.watcher import Watcher

TOP = PurePosixPath()


class Surveyed:
    """An inbox with some folders, and the looks at it."""

    def __init__(self, root):
        self.root = root / "inbox"
        self.state = root / "state"
        self.state.mkdir()
        for folder in ("a/deep", "b"):
            (self.root / folder).mkdir(parents=True)
        watcher = Watcher(self.root, mode="polling", recursive=True, rescan_s=30.0, put=pytest.fail)
        anchor = Anchor(self.root, state=self.state)
        self.survey = Survey(self.root, recursive=True, ignore=IgnoreRules(), watcher=watcher, anchor=anchor)

    def write(self, *names):
        """Write files, as old as the hills: none of their folders has changed lately."""
        for name in names:
            (self.root / name).write_bytes(b"sound")

    def names(self, reports):
        """Name the files that were found."""
        return [str(each.relative) for found in reports if isinstance(found, Found) for each in found.sightings]

    def sweep(self):
        """Sweep, and give the names of the files."""
        return self.names(self.survey.sweep())

    def glance(self):
        """Glance, and give the names of the files that were looked at."""
        return self.names(self.survey.glance())

    def calm(self):
        """Sweep and glance until nothing is new any more."""
        self.sweep()
        self.glance()


@pytest.fixture
def inbox(tmp_path):
    """An inbox of three folders with a file each."""
    made = Surveyed(tmp_path)
    made.write("top.mp3", "a/one.mp3", "a/deep/two.mp3", "b/three.mp3")
    return made


def only(reports, kind):
    """Give the one report of this kind."""
    (report,) = (report for report in reports if isinstance(report, kind))
    return report


# --- sweeps and glances -------------------------------------------------------------------------------------


def test_a_sweep_sees_everything(inbox):
    """Every file is reported, and that it was all."""
    reports = list(inbox.survey.sweep())

    assert sorted(inbox.names(reports)) == ["a/deep/two.mp3", "a/one.mp3", "b/three.mp3", "top.mp3"]
    assert only(reports, Swept) == Swept(below=TOP, kind="sweep", is_whole=True, has_news=True)


def test_a_large_folder_is_reported_in_parts(inbox):
    """No report is so large that taking it in holds up who decides."""
    inbox.write(*(f"b/{n:04d}.mp3" for n in range(1200)))
    sizes = [len(found.sightings) for found in inbox.survey.sweep() if isinstance(found, Found)]

    assert sum(sizes) == 1204
    assert max(sizes) <= 500


def test_a_glance_looks_only_where_names_have_changed(inbox):
    """A new file is found in its folder; the files of the other folders are not even looked at."""
    inbox.calm()
    calm = inbox.glance()
    inbox.write("a/deep/new.mp3")

    assert calm == []
    assert sorted(inbox.glance()) == ["a/deep/new.mp3", "a/deep/two.mp3"]


def test_a_glance_looks_once_more_where_something_was_new(inbox):
    """A file that comes in the same tick of the file system's clock as the one before it is not overlooked."""
    inbox.calm()
    inbox.write("b/first.mp3")
    status = (inbox.root / "b").stat()
    first = inbox.glance()
    inbox.write("b/second.mp3")
    os.utime(inbox.root / "b", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert "b/first.mp3" in first
    assert "b/second.mp3" in inbox.glance()
    assert inbox.glance() == []


def test_a_glance_enters_new_folders_at_any_depth(inbox, tmp_path):
    """A tree that was moved in is found by the change of the folder it came to."""
    inbox.calm()
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "talk.mp3").write_bytes(b"sound")
    (tmp_path / "tree").rename(inbox.root / "b" / "tree")
    found = inbox.glance()
    inbox.glance()
    inbox.write("b/tree/inner/later.mp3")

    assert "b/tree/inner/talk.mp3" in found
    assert "b/tree/inner/later.mp3" in inbox.glance()


def test_old_folders_are_looked_into_once_at_the_start(inbox):
    """After the first sweep only folders that changed lately are looked into again, whatever the clock of a server."""
    long_ago_ns = time.time_ns() - 40 * 24 * 3600 * 10**9
    for folder in ("a", "a/deep", "."):
        os.utime(inbox.root / folder, ns=(long_ago_ns, long_ago_ns))
    inbox.sweep()

    assert inbox.glance() == ["b/three.mp3"]
    assert inbox.glance() == []


def test_a_folder_that_went_is_forgotten(inbox):
    """Neither a glance nor a sweep stumbles over it, and another one of its name is looked into."""
    inbox.calm()
    (inbox.root / "b" / "three.mp3").unlink()
    (inbox.root / "b").rmdir()
    gone = inbox.glance()
    (inbox.root / "b").mkdir()
    inbox.write("b/again.mp3")

    assert gone == ["top.mp3"]
    assert "b/again.mp3" in inbox.glance()


def test_a_part_is_looked_through_alone(inbox):
    """A folder that is polled is swept and glanced at without the others."""
    inbox.calm()
    inbox.write("b/new.mp3", "a/new.mp3")

    assert inbox.names(inbox.survey.glance(PurePosixPath("a"))) == ["a/new.mp3", "a/one.mp3"]
    assert inbox.names(inbox.survey.sweep(PurePosixPath("b"))) == ["b/new.mp3", "b/three.mp3"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_sweep_that_could_not_see_everything_says_so(inbox):
    """What lies in a folder that cannot be read is not gone."""
    (inbox.root / "b").chmod(0)
    reports = list(inbox.survey.sweep())
    (inbox.root / "b").chmod(0o755)

    assert not only(reports, Swept).is_whole


# --- single files -------------------------------------------------------------------------------------------


def test_files_are_looked_at_singly(inbox):
    """A file that is there is told with what it is like, one that is not is told to be gone."""
    inbox.sweep()
    looks = list(inbox.survey.look(PurePosixPath("top.mp3"), PurePosixPath("no.mp3"), is_complete=True))

    assert [(str(look.relative), look.sighting is not None, look.is_complete) for look in looks] == [
        ("top.mp3", True, True),
        ("no.mp3", False, True),
    ]


def test_a_file_that_went_with_its_inbox_is_not_gone(inbox):
    """While the inbox is away nothing is said about a file."""
    inbox.sweep()
    inbox.root.rename(inbox.root.with_name("away"))

    with pytest.raises(StorageUnavailable):
        list(inbox.survey.look(PurePosixPath("top.mp3")))


def test_a_file_that_cannot_be_looked_at_is_not_the_whole_inbox(inbox, monkeypatch):
    """One stale file on a share is left out of a look; the others are told, and the inbox is not away."""

    def stale(root, relative, real=sight):
        if relative.name == "one.mp3":
            raise storage_trouble(OSError(errno.ESTALE, "stale"), path=root)
        return real(root, relative)

    inbox.sweep()
    monkeypatch.setattr("voxtrald.watch.survey.sight", stale)
    looks = list(inbox.survey.look(PurePosixPath("a/one.mp3"), PurePosixPath("top.mp3")))

    assert [str(look.relative) for look in looks] == ["top.mp3"]


def test_a_share_keeps_what_it_knew_for_a_while(inbox, monkeypatch):
    """On a network share two looks count only when they are further apart than a client's memory."""
    inbox.sweep()
    local = only(inbox.survey.look(PurePosixPath("top.mp3")), Looked).at_least_s
    monkeypatch.setattr(mounts, "_REMOTE", frozenset({inbox.survey._place.fs_type}))

    assert local == 0.0
    assert only(inbox.survey.look(PurePosixPath("top.mp3")), Looked).at_least_s == REMOTE_SETTLE_S


# --- canaries -----------------------------------------------------------------------------------------------


def test_canaries_leave_nothing_behind(inbox):
    """They are written in every folder and removed again, a leftover of a killed run included."""
    inbox.sweep()
    leftover = inbox.root / "b" / f"{CANARY_PREFIX}{inbox.survey._anchor.token}"
    leftover.touch()
    called = only(inbox.survey.call_out(always={TOP}, number=0), Called)

    assert {str(folder) for folder in called.folders} == {".", "a", "a/deep", "b"}
    assert list(inbox.root.rglob(".*")) == []


def test_a_folder_that_went_gets_no_canary(inbox):
    """A silent folder that does not exist any more is left out."""
    inbox.sweep()
    called = only(inbox.survey.call_out(always={TOP, PurePosixPath("gone")}, number=0), Called)

    assert PurePosixPath("gone") not in called.folders


# --- where it lies ------------------------------------------------------------------------------------------


def test_the_inbox_is_remembered(inbox):
    """The next process knows what it was like, and an inbox that is configured elsewhere is another one."""
    inbox.sweep()
    token = inbox.survey._anchor.token
    elsewhere = inbox.root.with_name("elsewhere")

    assert token
    assert Anchor(inbox.root, state=inbox.state).token == token
    assert Anchor(elsewhere, state=inbox.state).token == ""
    assert inbox_trouble(inbox.root, state=inbox.state) is None
    assert inbox_trouble(elsewhere, state=inbox.state) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"path": 1}', '{"nonsense": 1}'])
def test_a_damaged_memory_is_as_good_as_none(inbox, content):
    """What cannot be understood is written anew."""
    (inbox.state / "inbox.json").write_text(content)
    anchor = Anchor(inbox.root, state=inbox.state)
    anchor.find()

    assert Anchor(inbox.root, state=inbox.state).token == anchor.token != ""


def test_a_local_inbox_gets_no_marker(inbox):
    """Only on a share is there need for one."""
    inbox.sweep()

    assert not (inbox.root / MARKER).exists()


def test_a_missing_inbox_is_created_once(inbox, tmp_path):
    """At the start a missing inbox is created; one that vanishes later is waited for."""
    root = tmp_path / "new" / "inbox"
    anchor = Anchor(root, state=inbox.state)
    anchor.find()
    root.rmdir()

    with pytest.raises(StorageUnavailable):
        anchor.find()
    assert not root.exists()


def test_arriving_again_is_no_news(inbox):
    """Only where listening began anew has everything to be looked at."""
    first, second = (only(inbox.survey.arrive(), Arrived) for _ in range(2))

    assert (first.is_new, second.is_new) == (True, False)
    assert first.place == second.place
