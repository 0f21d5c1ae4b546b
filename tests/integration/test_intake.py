"""The inbox as the daemon's main thread sees it: real folders, and a time that only the test moves."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
import structlog

from tests.inline import InlineScout
from voxtrald.config import WatchSettings
from voxtrald.watch.intake import Intake
from voxtrald.watch.watcher import Hint, HintKind

SETTLE_S = 2.0
RESCAN_S = 3.0


class Inbox:
    """An inbox with its intake; events come from the test alone."""

    def __init__(self, root, **settings) -> None:
        self.root = root
        self.root.mkdir()
        watch = WatchSettings(**{"mode": "polling", "settle_s": SETTLE_S, "rescan_s": RESCAN_S, **settings})
        self.intake = Intake(root, settings=watch, put=pytest.fail, scout=InlineScout())

    def write(self, name, content=b"sound"):
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def hint(self, name, kind, *, now_s):
        """Tell of an event."""
        self.intake.take(Hint(path=self.root / name, kind=kind), now_s=now_s)

    def ready(self):
        """Give the name of the next recording, as the daemon would get it."""
        found = self.intake.next_ready()
        return found and str(found.relative)

    def take(self):
        """Take all that is ready, one after the other."""
        names = []
        while found := self.intake.next_ready():
            self.intake.took(found)
            names.append(str(found.relative))
        return names


@pytest.fixture
def inbox(tmp_path):
    """An empty inbox that is watched since time 0."""
    made = Inbox(tmp_path / "inbox")
    made.intake.start(now_s=0.0)
    return made


def test_a_file_is_ready_when_it_has_stood_still(inbox):
    """What a scan finds is given out once a second look, long enough after, saw no change."""
    inbox.write("lv/talk.m4a")
    inbox.intake.tick(now_s=RESCAN_S)
    early = inbox.ready()

    inbox.intake.tick(now_s=RESCAN_S + SETTLE_S)

    assert (early, inbox.ready()) == (None, "lv/talk.m4a")


def test_a_growing_file_is_not_ready(inbox):
    """Each change begins the wait anew."""
    inbox.write("talk.m4a", b"one")
    inbox.hint("talk.m4a", HintKind.MAYBE, now_s=1.0)
    inbox.write("talk.m4a", b"one, two")
    inbox.intake.tick(now_s=1.0 + SETTLE_S)
    growing = inbox.ready()

    inbox.intake.tick(now_s=1.0 + 2 * SETTLE_S)

    assert (growing, inbox.ready()) == (None, "talk.m4a")


def test_a_closed_file_is_ready_at_once(inbox):
    """A file whose writer has closed it needs no second look."""
    inbox.write("talk.m4a")

    inbox.hint("talk.m4a", HintKind.COMPLETE, now_s=0.5)

    assert inbox.ready() == "talk.m4a"


def test_a_burst_of_hints_costs_few_looks(inbox, monkeypatch):
    """What came together is looked at together, and each file as its last hint says."""
    looks, look = [], inbox.intake._survey.look
    monkeypatch.setattr(
        inbox.intake._survey, "look", lambda *names, **options: looks.append(names) or look(*names, **options)
    )
    names = [f"memo-{number:03}.m4a" for number in range(150)]
    for name in names:
        inbox.write(name)
    hints = [Hint(path=inbox.root / name, kind=kind) for name in names for kind in (HintKind.MAYBE, HintKind.COMPLETE)]
    inbox.intake.take(*hints, now_s=0.5)

    assert [len(each) for each in looks] == [100, 50]
    assert inbox.take() == names


def test_recordings_come_in_the_order_in_which_they_were_seen(inbox):
    """One after the other is given out, each once."""
    for name in ("b.mp3", "a.mp3", "c.mp3"):
        inbox.write(name)
        inbox.hint(name, HintKind.COMPLETE, now_s=0.5)

    assert inbox.take() == ["b.mp3", "a.mp3", "c.mp3"]
    assert inbox.ready() is None


def test_a_deleted_file_is_forgotten(inbox):
    """What was removed before a worker had it is not given out."""
    inbox.write("talk.m4a")
    inbox.hint("talk.m4a", HintKind.COMPLETE, now_s=0.5)
    (inbox.root / "talk.m4a").unlink()

    inbox.hint("talk.m4a", HintKind.GONE, now_s=0.6)

    assert inbox.ready() is None


def test_a_moved_in_folder_is_looked_through(inbox):
    """A hint about a folder finds what is in it, at any depth."""
    inbox.write("new/deep/talk.m4a")

    inbox.hint("new", HintKind.FOLDER, now_s=0.5)
    inbox.intake.tick(now_s=0.5 + SETTLE_S)

    assert inbox.ready() == "new/deep/talk.m4a"


def test_lost_events_lead_to_a_scan_at_once(inbox):
    """After an overflow the next tick looks at everything, long before the next scan is due."""
    inbox.write("talk.m4a")

    inbox.hint("", HintKind.OVERFLOW, now_s=0.5)
    inbox.intake.tick(now_s=0.5)
    inbox.intake.tick(now_s=0.5 + SETTLE_S)

    assert inbox.ready() == "talk.m4a"


def test_a_tick_says_when_the_next_one_is_due(inbox):
    """The wait ends at the next scan, or earlier where a file needs another look."""
    idle_s = inbox.intake.tick(now_s=1.5)
    inbox.write("talk.m4a")
    inbox.hint("talk.m4a", HintKind.MAYBE, now_s=0.5)

    assert (idle_s, inbox.intake.tick(now_s=1.5)) == (RESCAN_S - 1.5, 0.5 + SETTLE_S - 1.5)


def test_a_released_recording_comes_again_only_where_it_should(inbox):
    """Kept where it is, a file comes up again when it changes; given back, it comes up as it is."""
    for name in ("kept.mp3", "back.mp3"):
        inbox.write(name)
        inbox.hint(name, HintKind.COMPLETE, now_s=0.5)
    inbox.take()
    inbox.intake.release(PurePosixPath("kept.mp3"), keep=True, now_s=1.0)
    inbox.intake.release(PurePosixPath("back.mp3"), keep=False, now_s=1.0)
    inbox.intake.tick(now_s=1.0 + SETTLE_S)
    again = inbox.take()

    inbox.write("kept.mp3", b"other sound")
    inbox.hint("kept.mp3", HintKind.COMPLETE, now_s=4.0)

    assert (again, inbox.take()) == (["back.mp3"], ["kept.mp3"])


def test_an_inbox_that_goes_away_is_told_once_and_loses_nothing(inbox):
    """While a share is gone nothing is forgotten, and it is said once that it went and once that it came back."""
    inbox.write("talk.m4a")
    inbox.hint("talk.m4a", HintKind.COMPLETE, now_s=0.5)
    away = inbox.root.rename(inbox.root.with_name("away"))
    with structlog.testing.capture_logs() as events:
        for now_s in (RESCAN_S, 2 * RESCAN_S):
            inbox.intake.tick(now_s=now_s)
        away.rename(inbox.root)
        inbox.intake.tick(now_s=3 * RESCAN_S)

    assert [event["event"] for event in events] == ["inbox_unreachable", "inbox_reachable"]
    assert inbox.ready() == "talk.m4a"


def test_an_inbox_that_is_not_there_is_waited_for(tmp_path):
    """A start without the folder says so, and goes on when the folder comes."""
    made = Inbox(tmp_path / "inbox")
    made.root.rmdir()
    with structlog.testing.capture_logs() as events:
        made.intake.start(now_s=0.0)
        away = made.intake.state
        made.write("talk.m4a")
        for now_s in (RESCAN_S, RESCAN_S + SETTLE_S):
            made.intake.tick(now_s=now_s)

    assert [event["event"] for event in events] == ["inbox_unreachable", "inbox_reachable"]
    assert (away.is_reachable, away.since_s, bool(away.reason), bool(away.hint)) == (False, 0.0, True, True)
    assert (made.intake.state.is_reachable, made.intake.state.since_s) == (True, RESCAN_S)
    assert made.ready() == "talk.m4a"


def test_what_is_left_alone_is_told_once(inbox):
    """A link is warned of, a paper mentioned, each the first time only; temporary files are passed over."""
    (inbox.root / "link.mp3").symlink_to("/etc/passwd")
    for name in ("notes.txt", "talk.mp3.part"):
        inbox.write(name)
        inbox.hint(name, HintKind.COMPLETE, now_s=0.5)
    with structlog.testing.capture_logs() as events:
        for now_s in (RESCAN_S, 2 * RESCAN_S):
            inbox.intake.tick(now_s=now_s)

    told = [(event["path"], event["what"], event["log_level"]) for event in events]
    assert told == [
        ("link.mp3", "symbolic_link", "warning"),
        ("notes.txt", "no_recording_by_its_name", "info"),
    ]
    assert inbox.take() == []


def test_settings_say_where_to_look(tmp_path):
    """Patterns to ignore and a flat inbox hold for scans and for hints."""
    made = Inbox(tmp_path / "inbox", recursive=False, ignore=("draft*",))
    for name in ("draft 1.mp3", "talk.mp3", "sub/talk.mp3"):
        made.write(name)
    made.intake.start(now_s=0.0)
    made.hint("draft 1.mp3", HintKind.COMPLETE, now_s=0.5)
    made.hint("sub", HintKind.FOLDER, now_s=0.5)

    made.intake.tick(now_s=SETTLE_S)

    assert made.take() == ["talk.mp3"]
