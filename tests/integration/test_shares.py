"""Shares that come and go under a running intake, with real mounts."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from pathlib import Path

import pytest
import structlog

from tests.inline import InlineScout
from voxtrald.config import WatchSettings
from voxtrald.watch import intake as intake_module
from voxtrald.watch import mounts
from voxtrald.watch.agenda import CANARY_S, CHECK_S, POLLING_S
from voxtrald.watch.anchor import MARKER, inbox_trouble
from voxtrald.watch.canary import CANARY_PREFIX
from voxtrald.watch.hearing import PATIENCE_S
from voxtrald.watch.intake import Intake

SETTLE_S = 2.0
RESCAN_S = 30.0
LATE_S = 30.0


class Share:
    """A file system of our own; its content outlives unmounting, as that of a server does."""

    def __init__(self, root, server):
        self.root = root
        self.server = server

    def mount(self):
        """Mount it."""
        subprocess.run(["mount", "--bind", self.server, self.root], check=True)

    def unmount(self):
        """Unmount it, even where it is in use."""
        subprocess.run(["umount", "--lazy", self.root], check=True)

    def replace_disk(self):
        """Put an empty disk in the place of the server's, and mount that."""
        for folder in (self.root, self.server):
            subprocess.run(["umount", folder], check=True)
        mount_disk(self.server)
        self.mount()

    @property
    def is_mounted(self):
        """Whether it is mounted."""
        return f" {self.root} " in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def mount_disk(folder):
    """Mount a new file system, or skip where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "voxtrald-test", folder]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"NOTHING CAN BE MOUNTED HERE, SO SHARES ARE NOT TESTED: {mounted.stderr.strip()}")


@pytest.fixture
def share(tmp_path):
    """A mounted share with an inbox in it."""
    server, root = tmp_path / "server", tmp_path / "house" / "mnt"
    for folder in (server, root):
        folder.mkdir(parents=True)
    mount_disk(server)
    made = Share(root, server)
    try:
        made.mount()
        yield made
    finally:
        if made.is_mounted:
            made.unmount()
        subprocess.run(["umount", "--lazy", server], check=True)


class Daemon:
    """An intake with its mailbox; its time is moved by the test, events are waited for."""

    def __init__(self, inbox, state, **settings):
        self.inbox = inbox
        self.mailbox = queue.SimpleQueue()
        watch = WatchSettings(**{"settle_s": SETTLE_S, "rescan_s": RESCAN_S, **settings})
        self.intake = Intake(inbox, settings=watch, put=self.mailbox.put, state=state, scout=InlineScout())
        self.now_s = 0.0

    def start(self):
        """Start it."""
        self.intake.start(now_s=self.now_s)
        return self

    def after(self, wait_s):
        """Let time pass: take what has come, then do what is due."""
        self.now_s += wait_s
        self.take()
        self.intake.tick(now_s=self.now_s)
        return self

    def take(self):
        """Take what lies in the mailbox."""
        while not self.mailbox.empty():
            self.intake.take(self.mailbox.get(), now_s=self.now_s)

    def hear(self, ready, wait_until):
        """Wait until events alone have made a recording ready."""

        def look():
            self.take()
            found = self.intake.next_ready()
            return found is not None and str(found.relative) == ready

        wait_until(look, what=f"the event of {ready}")

    def ready(self):
        """Take all that is ready, by name."""
        names = []
        while found := self.intake.next_ready():
            self.intake.took(found)
            self.intake.release(found.relative, keep=True, now_s=self.now_s)
            names.append(str(found.relative))
        return names

    def settle(self):
        """Let what lies there be looked at often enough to be ready; give what is."""
        for wait_s in (RESCAN_S, POLLING_S, POLLING_S):
            self.after(wait_s)
        return self.ready()

    def stop(self):
        """Stop listening."""
        list(self.intake._survey.stop_listening())


@pytest.fixture
def start(tmp_path):
    """Give a function that starts an intake; all are stopped in the end."""
    state = tmp_path / "state"
    state.mkdir()
    started = []

    def begin(inbox, **settings):
        started.append(Daemon(inbox, state, **settings))
        return started[-1].start()

    yield begin
    for daemon in started:
        daemon.stop()


@pytest.fixture
def _share_is_remote(monkeypatch):
    """Take the test's own file system for a network share."""
    monkeypatch.setattr(mounts, "_REMOTE", frozenset({"tmpfs"}))


def events(logs):
    """Name the events of a log."""
    return [event["event"] for event in logs]


# --- away and back ------------------------------------------------------------------------------------------


def test_an_unmounted_share_is_not_an_empty_inbox(share, start):
    """While it is away nothing is taken and nothing forgotten; it is said once, and so is its return."""
    (share.root / "old.mp3").write_bytes(b"sound")
    daemon = start(share.root)
    done = daemon.settle()
    with structlog.testing.capture_logs() as logs:
        share.unmount()
        (share.root / "stray.mp3").write_bytes(b"dropped under the mount point")
        for _ in range(10):
            daemon.after(CHECK_S)
        away, stray = daemon.intake.state, daemon.ready()
        share.mount()
        daemon.after(CHECK_S)

    assert (done, stray) == (["old.mp3"], [])
    assert not away.is_reachable
    assert "nothing is mounted" in away.reason
    assert [name for name in events(logs) if name.startswith("inbox")] == ["inbox_unreachable", "inbox_reachable"]
    assert daemon.settle() == []


def test_what_came_while_the_share_was_away_is_found(share, start):
    """Files that others put there meanwhile come up when it is back, without any event."""
    daemon = start(share.root)
    share.unmount()
    daemon.after(CHECK_S)
    (share.server / "new.mp3").write_bytes(b"sound")
    share.mount()
    daemon.after(CHECK_S)

    assert daemon.settle() == ["new.mp3"]


@pytest.mark.parametrize("mode", ["auto", "events"])
def test_events_are_heard_after_a_remount(share, start, wait_until, mode):
    """The watch on the dead mount is replaced by one on the new one."""
    daemon = start(share.root, mode=mode)
    share.unmount()
    daemon.after(CHECK_S)
    share.mount()
    daemon.after(CHECK_S)
    (share.root / "talk.mp3").write_bytes(b"sound")

    daemon.hear("talk.mp3", wait_until)


def test_events_are_heard_after_a_remount_between_two_looks(share, start, wait_until):
    """A disk that was replaced in a moment, by one that the kernel gives the same numbers, is listened to as well."""
    daemon = start(share.root)
    share.replace_disk()
    wait_until(lambda: not daemon.intake._watcher.is_alive(), what="the end of the old watch")
    with structlog.testing.capture_logs() as logs:
        daemon.after(CHECK_S)
    (share.root / "talk.mp3").write_bytes(b"sound")

    assert "watch_restarted" in events(logs)
    daemon.hear("talk.mp3", wait_until)


def test_a_start_without_the_share_waits_for_it(share, start):
    """The mount point is neither looked through nor taken for a new inbox, and the share's return is enough."""
    (share.root / "talk.mp3").write_bytes(b"sound")
    start(share.root).stop()
    share.unmount()
    (share.root / "stray.mp3").write_bytes(b"dropped under the mount point")
    daemon = start(share.root)
    away = daemon.intake.state
    stray = daemon.settle()
    share.mount()
    daemon.after(CHECK_S)

    assert not away.is_reachable
    assert stray == []
    assert daemon.settle() == ["talk.mp3"]


def test_a_start_without_the_share_creates_nothing_under_it(share, start):
    """An inbox in a folder of the share is not created anew on the disk below."""
    inbox = share.root / "voices" / "inbox"
    start(inbox).stop()
    share.unmount()
    daemon = start(inbox)

    assert not daemon.intake.state.is_reachable
    assert list(share.root.iterdir()) == []


def test_others_can_ask_whether_the_inbox_is_there(share, start, tmp_path):
    """A doctor in another process sees the same, and changes nothing."""
    start(share.root)
    there = inbox_trouble(share.root, state=tmp_path / "state")
    share.unmount()
    away = inbox_trouble(share.root, state=tmp_path / "state")

    assert there is None
    assert "nothing is mounted" in away.message
    assert str(tmp_path / "state" / "inbox.json") in away.hint


def test_another_inbox_in_the_configuration_is_no_lost_share(share, start, tmp_path):
    """Who changes `folders.inbox` gets what was configured, without waiting for the share."""
    start(share.root).stop()
    share.unmount()
    daemon = start(tmp_path / "new")
    (tmp_path / "new" / "talk.mp3").write_bytes(b"sound")

    assert daemon.intake.state.is_reachable
    assert daemon.settle() == ["talk.mp3"]


def test_a_share_may_be_mounted_over_a_running_inbox(share, start, wait_until):
    """A mount that comes late covers the empty folder; its files are found and its events heard."""
    share.unmount()
    daemon = start(share.root)
    share.mount()
    (share.root / "there.mp3").write_bytes(b"sound")
    daemon.after(CHECK_S)
    found = daemon.settle()
    (share.root / "talk.mp3").write_bytes(b"sound")

    assert found == ["there.mp3"]
    daemon.hear("talk.mp3", wait_until)


def test_a_share_in_the_inbox_is_heard_once_it_is_mounted(share, start, wait_until):
    """A mount in a sub-folder is a new part of the tree: it is looked through and listened to."""
    share.unmount()
    daemon = start(share.root.parent)
    share.mount()
    (share.root / "there.mp3").write_bytes(b"sound")
    daemon.after(CHECK_S)
    found = daemon.settle()
    (share.root / "talk.mp3").write_bytes(b"sound")

    assert found == ["mnt/there.mp3"]
    daemon.hear("mnt/talk.mp3", wait_until)


# --- on a network -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_share_is_remote")
def test_a_network_share_is_marked_and_polled(share, start):
    """A marker is left in it, and new files are found by looking, which is logged with the reason."""
    with structlog.testing.capture_logs() as logs:
        daemon = start(share.root, mode="auto")
    daemon.after(1.0)
    daemon.mailbox = queue.SimpleQueue()  # no event comes from another machine
    (share.root / "talk.mp3").write_bytes(b"sound")
    for _ in range(2):
        daemon.after(POLLING_S)
        daemon.mailbox = queue.SimpleQueue()

    (switch,) = (event for event in logs if event["event"] == "polling_began")
    assert (switch["folder"], "tmpfs" in switch["reason"]) == (".", True)
    assert daemon.intake.state.polled == (".",)
    assert (share.root / MARKER).is_file()
    assert daemon.ready() == ["talk.mp3"]


@pytest.mark.usefixtures("_share_is_remote")
def test_a_server_without_its_disk_is_not_an_empty_inbox(share, start):
    """The mount is the same, but marker and files are gone: that is not believed until one of them is back."""
    (share.server / "old.mp3").write_bytes(b"sound")
    daemon = start(share.root)
    daemon.settle()
    (share.server / "old.mp3").unlink()
    (share.server / MARKER).rename(share.server / ".kept")
    daemon.after(CHECK_S)
    away = daemon.intake.state
    (share.server / ".kept").rename(share.server / MARKER)
    daemon.after(CHECK_S)

    assert (away.is_reachable, MARKER in away.reason) == (False, True)
    assert daemon.intake.state.is_reachable


@pytest.mark.usefixtures("_share_is_remote")
def test_a_marker_that_somebody_tidied_away_comes_back(share, start):
    """While recordings are there, a missing marker is written anew."""
    (share.root / "old.mp3").write_bytes(b"sound")
    daemon = start(share.root)
    (share.root / MARKER).unlink()
    daemon.after(CHECK_S)

    assert daemon.intake.state.is_reachable
    assert (share.root / MARKER).is_file()


@pytest.mark.usefixtures("_share_is_remote")
@pytest.mark.parametrize("trap", ["link", "pipe", "folder"])
def test_a_trap_in_the_place_of_the_marker_catches_nothing(share, start, tmp_path, trap):
    """A link is not followed, a pipe not waited for, a folder not stumbled over."""
    secret = tmp_path / "secret"
    secret.write_text("precious")
    match trap:
        case "link":
            (share.root / MARKER).symlink_to(secret)
        case "pipe":
            os.mkfifo(share.root / MARKER)
        case "folder":
            (share.root / MARKER).mkdir()
    daemon = start(share.root)

    assert daemon.intake.state.is_reachable
    assert secret.read_text() == "precious"


@pytest.mark.usefixtures("_share_is_remote")
def test_a_read_only_share_is_watched_all_the_same(share, start):
    """Neither a marker nor a canary can be written there, and nothing else is different."""
    (share.root / "talk.mp3").write_bytes(b"sound")
    subprocess.run(["mount", "-o", "remount,bind,ro", share.root], check=True)
    daemon = start(share.root)

    assert daemon.settle() == ["talk.mp3"]
    assert [path.name for path in share.root.iterdir()] == ["talk.mp3"]


# --- canaries -----------------------------------------------------------------------------------------------


def test_a_folder_that_gives_events_is_not_polled(tmp_path, start, wait_until):
    """The canaries of a local inbox are heard, and leave nothing behind."""
    (tmp_path / "inbox" / "sub").mkdir(parents=True)
    daemon = start(tmp_path / "inbox", mode="auto")

    def judged():
        daemon.after(0.0)
        return daemon.intake._agenda.judged_s() == float("inf")

    wait_until(judged, what="the events of all canaries")
    assert daemon.intake.state.polled == ()
    assert list((tmp_path / "inbox").rglob(".*")) == []


def test_a_folder_that_lost_its_watch_is_polled(tmp_path, start):
    """Where no event comes, the folder is polled after a few seconds; when it is heard again, that ends."""
    (tmp_path / "inbox" / "sub").mkdir(parents=True)
    daemon = start(tmp_path / "inbox", mode="auto")
    with structlog.testing.capture_logs() as logs:
        daemon.mailbox = queue.SimpleQueue()
        daemon.after(PATIENCE_S)
        deaf = daemon.intake.state.polled
        daemon.mailbox = daemon.intake._watcher._put.__self__
        daemon.after(CANARY_S)
        until_s = time.monotonic() + LATE_S
        while daemon.intake.state.polled and time.monotonic() < until_s:
            daemon.after(0.0)

    assert deaf == (".",)
    assert daemon.intake.state.polled == ()
    assert [(e["event"], e["folder"]) for e in logs if e["event"].startswith("polling")][:1] == [("polling_began", ".")]
    assert "polling_ended" in events(logs)


def test_canaries_are_never_recordings(tmp_path, start):
    """A canary that a killed run left behind is passed over in silence."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / f"{CANARY_PREFIX}0123").write_bytes(b"sound")
    with structlog.testing.capture_logs() as logs:
        daemon = start(tmp_path / "inbox")
        found = daemon.settle()

    assert found == []
    assert "left_alone" not in events(logs)


# --- a share that hangs -------------------------------------------------------------------------------------


def test_a_share_that_hangs_does_not_hang_who_decides(tmp_path, monkeypatch, wait_until):
    """The deciding thread goes on, says that the share does not answer, and that it is there again."""
    comes_back = threading.Event()
    hangs = threading.Event()

    def find_place(folder, real=mounts.find_place):
        if hangs.is_set():
            comes_back.wait(LATE_S)
        return real(folder)

    monkeypatch.setattr("voxtrald.watch.anchor.find_place", find_place)
    (tmp_path / "inbox").mkdir()
    mailbox = queue.SimpleQueue()
    intake = Intake(tmp_path / "inbox", settings=WatchSettings(), put=mailbox.put)
    intake.start(now_s=0.0)
    wait_until(intake._under_way.is_set, what="the first sweep")
    hangs.set()
    begun_s = time.monotonic()
    now_s = 100.0
    for now_s in (100.0, 100.0 + intake_module.ANSWER_S / 2, 100.0 + intake_module.ANSWER_S):
        intake.tick(now_s=now_s)
    took_s, away = time.monotonic() - begun_s, intake.state
    hangs.clear()
    comes_back.set()

    def is_back():
        intake.tick(now_s=now_s + CHECK_S)
        return intake.state.is_reachable

    assert took_s < LATE_S / 2
    assert (away.is_reachable, "does not answer" in away.reason) == (False, True)
    wait_until(is_back, what="the share")
    intake.stop()
