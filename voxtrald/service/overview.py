"""The state of the work as one value, read from the ledger and the inbox without disturbing the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.errors import StorageUnavailable
from voxtrald.naming import IgnoreRules
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_service import Heartbeat, Hold
from voxtrald.store.ledger_spend import SpendSum
from voxtrald.watch.scanning import scan
from voxtrald.watch.settling import Sighting

_ALIVE_WITHIN = timedelta(seconds=30)  # three of the daemon's beats
_RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What waits, runs, is held, failed and was done, and what it cost.

    Attributes:
        daemon: its last sign of life, or None when it never ran.
        is_running: whether that sign is fresh.
        circuit: closed, open (an outage) or held.
        waiting: recordings in the inbox that nobody has begun, by their path below it.
        today, month: spending since midnight and since the first, UTC, per currency.
        folders: the month's spending per folder and currency.
        inbox_problem: why the inbox could not be looked at, or empty.
    """

    now: datetime
    daemon: Heartbeat | None
    is_running: bool
    held: Hold | None
    circuit: str
    waiting: tuple[str, ...]
    working: tuple[Job, ...]
    deferred: tuple[Job, ...]
    failed: tuple[Job, ...]
    done: tuple[Job, ...]
    counts: Mapping[JobState, int]
    today: tuple[SpendSum, ...]
    month: tuple[SpendSum, ...]
    folders: tuple[SpendSum, ...]
    inbox_problem: str = ""


def look_over(settings: Settings, *, ledger: Ledger | None, clock: Clock) -> Overview:
    """Read everything once. Without a ledger nothing was ever done."""
    now = clock.now()
    found, problem = inbox_files(settings)
    if ledger is None:
        return nothing_yet(now, waiting=tuple(str(each.relative) for each in found), problem=problem)
    unfinished = ledger.unfinished()
    recent = ledger.recent(_RECENT)
    beat = ledger.heartbeat()
    begun = {job.relative for job in unfinished if job.state is not JobState.WAITING}
    kept = {facts_of(job) for job in recent if job.state is JobState.DONE}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Overview(
        now=now,
        daemon=beat,
        is_running=beat is not None and now - beat.beat_at < _ALIVE_WITHIN,
        held=ledger.held(),
        circuit=ledger.circuit(),
        waiting=tuple(
            str(each.relative) for each in found if str(each.relative) not in begun and facts_of(each) not in kept
        ),
        working=tuple(job for job in unfinished if job.state in {JobState.WORKING, JobState.PUBLISHING}),
        deferred=tuple(job for job in unfinished if job.state is JobState.DEFERRED),
        failed=tuple(job for job in recent if job.state is JobState.FAILED),
        done=tuple(job for job in recent if job.state is JobState.DONE),
        counts=ledger.counts(),
        today=ledger.spend_since(midnight),
        month=ledger.spend_since(midnight.replace(day=1)),
        folders=ledger.spend_by_folder(midnight.replace(day=1)),
        inbox_problem=problem,
    )


def facts_of(file: Job | Sighting) -> tuple[str, int, int]:
    """Tell a file in the inbox from another that came later under its name."""
    return str(file.relative), file.size_bytes, file.mtime_ns


def inbox_files(settings: Settings) -> tuple[tuple[Sighting, ...], str]:
    """List the recordings in the inbox, or say why they cannot be listed."""
    inbox = settings.folders.inbox
    found = scan(inbox, recursive=settings.watch.recursive, ignore=IgnoreRules(settings.watch.ignore))
    try:
        return tuple(each for each in found if isinstance(each, Sighting)), ""
    except StorageUnavailable as error:
        return (), error.message


def nothing_yet(now: datetime, *, waiting: tuple[str, ...], problem: str) -> Overview:
    """Give the overview of a house in which nothing was ever done."""
    return Overview(
        now=now,
        daemon=None,
        is_running=False,
        held=None,
        circuit="",
        waiting=waiting,
        working=(),
        deferred=(),
        failed=(),
        done=(),
        counts=dict.fromkeys(JobState, 0),
        today=(),
        month=(),
        folders=(),
        inbox_problem=problem,
    )
