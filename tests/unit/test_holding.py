"""Which recordings wait for money, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from voxtrald.dispatch.holding import Holds
from voxtrald.watch.settling import Recording

NOW = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
MIDNIGHT = NOW + timedelta(minutes=1)
TALK = Recording(relative=PurePosixPath("talk.wav"), size_bytes=1, mtime_ns=1, inode=1, device=1)


def test_a_held_recording_goes_on_when_its_time_has_come():
    """It waits until the window turns, and not longer; the end of the last hold is told once."""
    holds = Holds()
    holds.hold("a", TALK, until=MIDNIGHT)
    before = (holds.expire(now=NOW), holds.keeps(TALK))
    after = (holds.expire(now=MIDNIGHT), holds.keeps(TALK))

    assert before == (False, True)
    assert after == (True, False)
    assert not holds.expire(now=MIDNIGHT)


def test_another_file_under_the_same_name_is_not_held():
    """What replaced a held recording is measured for itself."""
    holds = Holds()
    holds.hold("a", TALK, until=MIDNIGHT)

    assert not holds.keeps(replace(TALK, size_bytes=2))


def test_a_release_lets_all_go_also_those_that_were_measured_before():
    """After a reload nobody waits for the old limits, neither who is held nor who comes to be held by them."""
    holds = Holds()
    holds.hold("a", TALK, until=MIDNIGHT)
    other = replace(TALK, relative=PurePosixPath("other.wav"))
    had_some = holds.release(["b"])
    holds.hold("b", other, until=MIDNIGHT)
    by_old_limits = holds.keeps(other)
    holds.hold("b", other, until=MIDNIGHT)

    assert had_some
    assert not holds.keeps(TALK)
    assert (by_old_limits, holds.keeps(other)) == (False, True)
    assert not Holds().release([])
