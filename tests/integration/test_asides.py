"""Who waits for a file beside a recording, and how a change of that file is noticed."""

from __future__ import annotations

import math
import queue
from pathlib import PurePosixPath

import pytest

from voxtrald.dispatch.asides import LOOK_S, Asides
from voxtrald.marks import mark_of
from voxtrald.watch.settling import Recording

FILE = PurePosixPath("lv/voxtrald.yaml")
TALK = Recording(relative=PurePosixPath("lv/talk.m4a"), size_bytes=1, mtime_ns=2, inode=3, device=4)


@pytest.fixture
def bad(tmp_path, make_files):
    """Give a file at fault."""
    make_files(tmp_path, {str(FILE): "languag: lv"})
    return tmp_path / FILE


@pytest.fixture
def seen():
    """Give the mailbox in which looks arrive."""
    return queue.SimpleQueue()


@pytest.fixture
def asides(tmp_path, seen):
    """Give the memory of an inbox."""
    return Asides(tmp_path, put=seen.put)


def hold(asides, bad, *, job="1"):
    """Let the talk wait for the file as it is now."""
    asides.hold(job, TALK, files={FILE: mark_of(bad.lstat())})


def look(asides, seen, *, now_s):
    """Have a look and take in what was seen."""
    asides.look(now_s=now_s)
    return asides.take(seen.get(timeout=30))


def mend(bad):
    """Write something else of the same length."""
    bad.write_text("language:lv")


@pytest.mark.parametrize("change", [mend, lambda bad: bad.chmod(0o600), lambda bad: bad.unlink()])
def test_a_changed_file_lets_go(asides, seen, bad, change):
    """A file that was written, given other rights or removed lets its recordings go; an untouched one does not."""
    hold(asides, bad)
    before = look(asides, seen, now_s=0), asides.keeps(TALK)
    change(bad)
    after = look(asides, seen, now_s=LOOK_S), asides.keeps(TALK)

    assert (before, after) == ((False, True), (True, False))


def test_files_are_looked_at_only_while_somebody_waits(asides, seen, bad):
    """Without anybody waiting nothing is looked at, and no two looks are under way at once."""
    idle = asides.look(now_s=0)
    hold(asides, bad)
    under_way = asides.look(now_s=1), asides.look(now_s=100)
    asides.take(seen.get(timeout=30))
    next_s = asides.look(now_s=2)

    assert idle == math.inf
    assert under_way == (math.inf, math.inf)
    assert next_s == 1 + LOOK_S
    assert seen.empty()


def test_a_folder_that_cannot_be_looked_at_is_no_news(asides, seen, bad, tmp_path):
    """Where the share does not answer, everybody waits on."""
    hold(asides, bad)
    (tmp_path / "lv").rename(tmp_path / "away")
    (tmp_path / "lv").symlink_to("lv")  # ELOOP

    assert not look(asides, seen, now_s=0)


def test_new_settings_let_everybody_try_again(asides, bad):
    """After a reload all are free, choices are forgotten, and what began before it does not bind any more."""
    hold(asides, bad, job="1")
    asides.choose(TALK, "here")
    asides.release(["2"])
    free, choice = not asides.keeps(TALK), asides.choice(TALK)
    hold(asides, bad, job="2")
    still_free = not asides.keeps(TALK)
    hold(asides, bad, job="3")

    assert (free, choice, still_free) == (True, "", True)
    assert asides.keeps(TALK)


def test_a_choice_lasts_until_the_work_has_ended(asides):
    """A recording goes to the chosen engine until it is done."""
    asides.choose(TALK, "here")
    during = asides.choice(TALK)
    asides.ended(TALK)

    assert (during, asides.choice(TALK)) == ("here", "")
