"""The state of the work as one value."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from tests.storing import START, claim_file, make_folders
from voxtrald.clock import Clock
from voxtrald.config import FolderSettings, LimitSettings, Rule, Settings
from voxtrald.config.sections import RuleLimitSettings
from voxtrald.service.accounts import look_up_accounts
from voxtrald.service.overview import look_over
from voxtrald.store.jobs import PUBLISHED, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.store.locks import OwnerLock, StateLock
from voxtrald.transcript.model import Span

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
    assert seen.waiting_since is not None


def test_each_recording_stands_in_one_place(settings, ledger, tmp_path):
    """A recording waits, is in work, waits for room or money, has failed or is done, and is not listed twice.

    One that waits for money and is not there any more is not listed at all.
    """
    jobs = {name: claim_file(ledger, tmp_path, f"{name}.m4a", b"sound") for name in "abcdef"}
    ledger.set_state(jobs["b"].id, JobState.PUBLISHING)
    ledger.set_state(jobs["c"].id, JobState.DEFERRED)
    ledger.set_state(jobs["d"].id, JobState.WAITING)
    ledger.end(jobs["e"].id, JobState.FAILED, reason="no_audio")
    ledger.set_state(jobs["f"].id, JobState.DEFERRED, reason="budget")
    for gone in "ef":
        (tmp_path / f"inbox/{gone}.m4a").unlink()

    with StateLock(settings.folders.state):
        seen = look(settings, ledger)

    assert [each.job.relative for each in seen.working] == ["a.m4a", "b.m4a"]
    assert seen.interrupted == ()
    assert [job.relative for job in seen.deferred] == ["c.m4a"]
    assert seen.waiting == ("d.m4a",)
    assert [job.relative for job in seen.failed] == ["e.m4a"]
    assert sum(seen.counts.values()) == len(jobs)


def test_what_is_partial_is_done_and_named(settings, ledger, tmp_path):
    """A transcript with a hole counts among those that are done, today as well, and is listed by itself."""
    for name, state in (("a", JobState.DONE), ("b", JobState.PARTIAL), ("c", JobState.FAILED)):
        ledger.end(claim_file(ledger, tmp_path, f"{name}.m4a", b"sound").id, state)
        (tmp_path / f"inbox/{name}.m4a").unlink()

    seen = look(settings, ledger)

    assert {job.relative for job in seen.done} == {"a.m4a", "b.m4a"}
    assert [job.relative for job in seen.partial] == ["b.m4a"]
    assert (seen.done_today, seen.ended_today[JobState.PARTIAL], seen.ended_today[JobState.FAILED]) == (2, 1, 1)


@pytest.mark.parametrize("state", sorted(PUBLISHED))
def test_an_original_that_was_kept_does_not_wait_but_a_new_one_under_its_name_does(settings, ledger, tmp_path, state):
    """A done recording in the inbox is told from another that was dropped later under the same name."""
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    ledger.end(job.id, state)
    kept = look(settings, ledger).waiting
    path = tmp_path / "inbox/talk.m4a"
    path.write_bytes(b"other sound")
    os.utime(path, ns=(job.mtime_ns, job.mtime_ns))

    assert (kept, look(settings, ledger).waiting) == ((), ("talk.m4a",))


def test_a_daemon_runs_as_long_as_it_holds_its_lock(settings, ledger, tmp_path):
    """A killed daemon does not run any more, however fresh its sign of life; what it worked on was interrupted."""
    claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    ledger.beat(pid=os.getpid(), started_at=START)
    with StateLock(settings.folders.state):
        alive = look(settings, ledger, later_s=29)
        silent = look(settings, ledger, later_s=40)
    gone = look(settings, ledger)

    assert (alive.daemon_pid, alive.silent_s, silent.silent_s) == (os.getpid(), 0.0, 40.0)
    assert (gone.is_running, gone.silent_s) == (False, 0.0)
    assert ([job.relative for job in gone.interrupted], gone.working) == (["talk.m4a"], ())


def test_a_foreground_run_is_told_from_one_that_died(settings, ledger, tmp_path):
    """Its recording is in work as long as its process lives, whether a daemon runs or not."""
    path = tmp_path / "talk.m4a"
    path.write_bytes(b"sound")
    with OwnerLock(settings.folders.state) as owner:
        ledger.claim(str(path), size_bytes=5, mtime_ns=1, inode=1, owner=owner.token)
        before = look(settings, ledger)
    after = look(settings, ledger)

    assert (len(before.working), len(after.working)) == (1, 0)
    assert [job.relative for job in after.interrupted] == [str(path)]


def test_a_recording_in_work_has_a_forecast(settings, ledger, tmp_path):
    """Half of it took a minute, so the other half takes another one."""
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    ledger.note_identity(job.id, chunks_total=2, duration_ms=600_000)
    ledger._clock = Clock(now=lambda: START + timedelta(seconds=60))
    ledger.note_chunk(job.id, 0, span=Span(start_ms=0, end_ms=300_000), state=ChunkState.DONE, billed_s=300.0)
    with StateLock(settings.folders.state):
        (working,) = look(settings, ledger, later_s=60).working

    assert working.remaining_s == pytest.approx(60.0)


def test_limits_on_spending_stand_beside_what_was_spent(settings, ledger):
    """Each limit, also that of a rule, with the sum that counts for it."""
    limited = settings.replaced(
        {
            "limits": LimitSettings(max_cost_per_day=5),
            "rules": (Rule(match="lv/**", limits=RuleLimitSettings(max_cost_per_month=2)),),
        }
    )
    spent = {"key": "k", "job_id": "j", "model": "m", "audio_s": 60.0, "cost": 0.5, "currency": "USD"}
    ledger.record_spend(**spent, folder="lv", rule="lv/**")
    ledger.record_spend(**spent, folder="en")
    funds = look(limited, ledger).funds

    assert [(each.standing.cap.name, each.standing.spent) for each in funds] == [
        ("limits.max_cost_per_day", 1.0),
        ('limits.max_cost_per_month of the rule "lv/**"', 0.5),
    ]


def test_what_was_paid_is_looked_up_for_a_month(ledger):
    """Thirty-one days count, today included; each day has its sum, and each folder."""
    spent = {"key": "k", "job_id": "j", "model": "m", "audio_s": 60.0, "cost": 0.5, "currency": "USD"}
    for days, folder in ((0, "lv"), (0, "en"), (-30, "lv"), (-31, "lv")):
        ledger._clock = Clock(now=lambda days=days: START + timedelta(days=days))
        ledger.record_spend(**spent, folder=folder)
    accounts = look_up_accounts(ledger=ledger, clock=CLOCK)

    assert [(str(each.day), each.cost, each.answers) for each in accounts.days] == [
        ("2026-10-24", 0.5, 1),
        ("2026-11-23", 1.0, 2),
    ]
    assert [(each.folder, each.cost) for each in accounts.folders] == [("en", 0.5), ("lv", 1.0)]
    assert str(accounts.since) == "2026-10-24"


def test_why_everything_waits_is_told(settings, ledger):
    """A hold and an outage are read from the ledger, an inbox that is gone is said."""
    ledger.note_gate("https://far", state="held", reason="the key is not accepted")
    settings.folders.inbox.rmdir()

    seen = look(settings, ledger)

    assert ([gate.reason for gate in seen.gates], seen.waiting) == (["the key is not accepted"], ())
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
