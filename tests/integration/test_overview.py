"""The state of the work as one value."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from tests.storing import START, claim_file, make_folders
from voxtrald.clock import Clock
from voxtrald.config import FolderSettings, Settings
from voxtrald.service.overview import look_over
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger

CLOCK = Clock(now=lambda: START)


@pytest.fixture
def settings(tmp_path):
    """Settings whose folders are there."""
    make_folders(tmp_path)
    names = {name: tmp_path / name for name in ("inbox", "outbox", "error", "state")}
    return Settings(folders=FolderSettings(**names))


@pytest.fixture
def ledger(settings):
    """A ledger in the state folder, at a time that stands still."""
    with Ledger.open(settings.folders.state / "ledger.sqlite3", clock=CLOCK) as opened:
        yield opened


def look(settings, ledger, *, later_s=0):
    """Look at everything, some seconds after the start."""
    return look_over(settings, ledger=ledger, clock=Clock(now=lambda: START + timedelta(seconds=later_s)))


def test_without_a_ledger_all_that_lies_there_waits(settings):
    """Before the first run nothing was done or paid, and the inbox is looked at all the same."""
    (settings.folders.inbox / "talk.m4a").write_bytes(b"sound")
    (settings.folders.inbox / "notes.txt").write_bytes(b"text")

    seen = look(settings, None)

    assert (seen.daemon, seen.is_running, seen.waiting) == (None, False, ("talk.m4a",))
    assert set(seen.counts.values()) == {0}
    assert (seen.working, seen.deferred, seen.failed, seen.done, seen.today, seen.folders) == ((),) * 6


def test_each_recording_stands_in_one_place(settings, ledger, tmp_path):
    """A recording waits, is in work, waits for room, has failed or is done, and is not listed twice."""
    jobs = {name: claim_file(ledger, tmp_path, f"{name}.m4a", b"sound") for name in "abcde"}
    ledger.set_state(jobs["b"].id, JobState.PUBLISHING)
    ledger.set_state(jobs["c"].id, JobState.DEFERRED)
    ledger.set_state(jobs["d"].id, JobState.WAITING)
    ledger.end(jobs["e"].id, JobState.FAILED, reason="no_audio")
    (tmp_path / "inbox/e.m4a").unlink()

    seen = look(settings, ledger)

    assert [job.relative for job in seen.working] == ["a.m4a", "b.m4a"]
    assert [job.relative for job in seen.deferred] == ["c.m4a"]
    assert seen.waiting == ("d.m4a",)
    assert [job.relative for job in seen.failed] == ["e.m4a"]
    assert sum(seen.counts.values()) == len(jobs)


def test_an_original_that_was_kept_does_not_wait_but_a_new_one_under_its_name_does(settings, ledger, tmp_path):
    """A done recording in the inbox is told from another that was dropped later under the same name."""
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    ledger.end(job.id, JobState.DONE)
    kept = look(settings, ledger).waiting
    path = tmp_path / "inbox/talk.m4a"
    path.write_bytes(b"other sound")
    os.utime(path, ns=(job.mtime_ns, job.mtime_ns))

    assert (kept, look(settings, ledger).waiting) == ((), ("talk.m4a",))


def test_a_daemon_runs_as_long_as_it_gives_signs_of_life(settings, ledger):
    """Three beats missed are the end."""
    ledger.beat(pid=7, started_at=START)

    assert look(settings, ledger, later_s=29).is_running
    assert not look(settings, ledger, later_s=30).is_running


def test_why_everything_waits_is_told(settings, ledger):
    """A hold and an outage are read from the ledger, an inbox that is gone is said."""
    ledger.hold("the key is not accepted")
    ledger.note_circuit("open")
    settings.folders.inbox.rmdir()

    seen = look(settings, ledger)

    assert (seen.held.reason, seen.circuit, seen.waiting) == ("the key is not accepted", "open", ())
    assert "inbox" in seen.inbox_problem


def test_money_is_summed_for_the_day_the_month_and_its_folders(settings, ledger):
    """What was paid last month counts for neither."""
    spent = {"key": "k", "job_id": "j", "model": "m", "audio_s": 60.0, "cost": 0.5, "currency": "USD"}
    for days, folder in ((0, "lv"), (-1, "en"), (-30, "lv")):
        ledger._clock = Clock(now=lambda days=days: START + timedelta(days=days))
        ledger.record_spend(**spent, folder=folder)

    seen = look(settings, ledger)

    assert [each.cost for each in seen.today] == [0.5]
    assert [each.cost for each in seen.month] == [1.0]
    assert [(each.folder, each.cost) for each in seen.folders] == [("en", 0.5), ("lv", 0.5)]
