"""The state of the work as one value, read from the ledger and the inbox without disturbing the daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.budget import caps_in
from voxtrald.dispatch.spending import Standing, Window, window_start
from voxtrald.errors import StorageUnavailable
from voxtrald.naming import IgnoreRules
from voxtrald.service.forecasting import Pace, remaining_s, usual_speed
from voxtrald.store.jobs import ENDED, PUBLISHED, Job, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_service import Heartbeat, ShutGate
from voxtrald.store.ledger_spend import SpendSum
from voxtrald.store.locks import daemon_pid, is_alive
from voxtrald.watch.scanning import scan
from voxtrald.watch.settling import Sighting

CURRENCY = "USD"  # where nothing was paid yet: that of the prices built in
SILENT_AFTER = timedelta(seconds=30)  # three of the daemon's beats
_RECENT = 200
_AT_WORK = {JobState.WORKING, JobState.PUBLISHING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The recordings that lie in the inbox.

    Attributes:
        files: each with the instant at which it came, or was last changed.
        problem: why they cannot be listed, or empty.
    """

    files: Sequence[tuple[Sighting, datetime]] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A recording in work, and how long it may still take."""

    job: Job
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """A limit on spending, and how it stands in a currency."""

    standing: Standing
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What waits, runs, is held, failed and was done, and what it cost.

    Attributes:
        daemon_pid: of the daemon that runs, or None.
        daemon: its last sign of life, or None where it left none.
        gates: the services that work waits for.
        waiting: recordings in the inbox that nobody has begun, by their path below it; the oldest first.
        waiting_since: when the first of them came.
        interrupted: recordings whose process is gone; the daemon goes on with them when it is started.
        deferred: recordings that wait for room, or for what may be spent.
        done: those with a transcript in the outbox, also where something is missing in it.
        ended_today: how many ended since midnight, by how they ended.
        today, month: spending since midnight and since the first, UTC, per currency.
        folders: the month's spending per folder and currency.
        funds: the limits on spending.
        inbox_problem: why the inbox could not be looked at, or empty.
    """

    now: datetime
    daemon_pid: int | None = None
    daemon: Heartbeat | None = None
    gates: tuple[ShutGate, ...] = ()
    waiting: tuple[str, ...] = ()
    waiting_since: datetime | None = None
    working: tuple[Working, ...] = ()
    interrupted: tuple[Job, ...] = ()
    deferred: tuple[Job, ...] = ()
    failed: tuple[Job, ...] = ()
    done: tuple[Job, ...] = ()
    counts: Mapping[JobState, int]
    ended_today: Mapping[JobState, int]
    today: tuple[SpendSum, ...] = ()
    month: tuple[SpendSum, ...] = ()
    folders: tuple[SpendSum, ...] = ()
    funds: tuple[Funds, ...] = ()
    inbox_problem: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the daemon runs."""
        return self.daemon_pid is not None

    @property
    def partial(self) -> tuple[Job, ...]:
        """Those that are done, but for places in their text."""
        return tuple(job for job in self.done if job.state is JobState.PARTIAL)

    @property
    def done_today(self) -> int:
        """How many were done since midnight, also in part."""
        return sum(self.ended_today[state] for state in PUBLISHED)

    @property
    def silent_s(self) -> float:
        """How long the daemon has not given the sign of life that was due; 0 where it has, or does not run."""
        if self.daemon is None or self.daemon.pid != self.daemon_pid:
            return 0.0
        silence = self.now - self.daemon.beat_at
        return silence.total_seconds() if silence >= SILENT_AFTER else 0.0


def look_over(settings: Settings, *, ledger: Ledger | None, clock: Clock, dropped: Dropped | None = None) -> Overview:
    """Read everything once. Without a ledger nothing was ever done.

    Where somebody has just looked into the inbox, `dropped` is what was there.

    Raises:
        StoreError, StorageUnavailable: the ledger or the state folder cannot be read.
    """
    now = clock.now()
    found = look_into_inbox(settings) if dropped is None else dropped
    return nothing_yet(now, found) if ledger is None else _look(settings, ledger=ledger, found=found, now=now)


def look_into_inbox(settings: Settings) -> Dropped:
    """List the recordings in the inbox, or say why they cannot be listed."""
    inbox = settings.folders.inbox
    ignore = IgnoreRules(settings.watch.ignore, takes_links=settings.watch.links)
    files: list[tuple[Sighting, datetime]] = []
    try:
        for each in scan(inbox, recursive=settings.watch.recursive, ignore=ignore):
            if isinstance(each, Sighting):
                with suppress(OSError):  # it has just left
                    # Not when its content changed: a copy may keep that time from years ago.
                    status = (inbox / each.relative).lstat()
                    files.append((each, datetime.fromtimestamp(status.st_ctime, tz=UTC)))
    except StorageUnavailable as error:
        return Dropped(problem=error.message)
    return Dropped(files=sorted(files, key=lambda file: file[1]))


def nothing_yet(now: datetime, found: Dropped) -> Overview:
    """Give the overview of a house in which nothing was ever done."""
    return Overview(
        now=now,
        waiting=tuple(str(each.relative) for each, _ in found.files),
        waiting_since=next((since for _, since in found.files), None),
        counts=dict.fromkeys(JobState, 0),
        ended_today=dict.fromkeys(ENDED, 0),
        inbox_problem=found.problem,
    )


def _look(settings: Settings, *, ledger: Ledger, found: Dropped, now: datetime) -> Overview:
    day, month = window_start(Window.DAY, now), window_start(Window.MONTH, now)
    unfinished, recent = ledger.unfinished(), ledger.recent(_RECENT)
    done = tuple(job for job in recent if job.state in PUBLISHED)
    waiting = _waiting(found, unfinished=unfinished, done=done)
    pid = daemon_pid(settings.folders.state)
    alive, gone = _at_work(settings.folders.state, unfinished, pid=pid)
    paid = ledger.spend_since(month)
    return Overview(
        now=now,
        daemon_pid=pid,
        daemon=ledger.heartbeat(),
        gates=ledger.shut_gates(),
        waiting=tuple(str(each.relative) for each, _ in waiting),
        waiting_since=waiting[0][1] if waiting else None,
        working=tuple(_with_forecast(alive, ledger=ledger, usual=usual_speed(done), now=now)),
        interrupted=gone,
        deferred=_deferred(found, unfinished),
        failed=tuple(job for job in recent if job.state is JobState.FAILED),
        done=done,
        counts=ledger.counts(),
        ended_today=ledger.ended_since(day),
        today=ledger.spend_since(day),
        month=paid,
        folders=ledger.spend_by_folder(month),
        funds=tuple(_funds(settings, ledger=ledger, currencies=[each.currency for each in paid], now=now)),
        inbox_problem=found.problem,
    )


def _at_work(state: Path, unfinished: Sequence[Job], *, pid: int | None) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
    """Tell the jobs in work from those whose process is gone: the daemon's have no owner, a foreground run's do."""
    jobs = [job for job in unfinished if job.state in _AT_WORK]
    alive = tuple(job for job in jobs if (is_alive(state, job.owner) if job.owner else pid is not None))
    return alive, tuple(job for job in jobs if job not in alive)


def _deferred(found: Dropped, unfinished: Sequence[Job]) -> tuple[Job, ...]:
    """Choose the jobs that wait for something, as far as their recordings are still there."""
    names = {str(file.relative) for file, _ in found.files}
    return tuple(
        job for job in unfinished if job.state is JobState.DEFERRED and (found.problem or job.relative in names)
    )


def _waiting(found: Dropped, *, unfinished: Sequence[Job], done: Sequence[Job]) -> list[tuple[Sighting, datetime]]:
    begun = {job.relative for job in unfinished if job.state is not JobState.WAITING}
    kept = {facts_of(job) for job in done}
    return [
        (file, since) for file, since in found.files if str(file.relative) not in begun and facts_of(file) not in kept
    ]


def _with_forecast(jobs: Sequence[Job], *, ledger: Ledger, usual: float | None, now: datetime) -> Iterator[Working]:
    for job in jobs:
        chunks = ledger.done_chunks(job.id)
        pace = Pace(started_at=job.started_at or now, duration_ms=job.duration_ms, chunks=chunks)
        yield Working(job=job, remaining_s=remaining_s(pace, usual=usual, now=now))


def _funds(settings: Settings, *, ledger: Ledger, currencies: Sequence[str], now: datetime) -> Iterator[Funds]:
    for currency in currencies or [CURRENCY]:
        for cap in caps_in(settings):
            spent = ledger.cost_since(window_start(cap.window, now), currency=currency, rule=cap.rule)
            yield Funds(standing=Standing(cap=cap, spent=spent), currency=currency)


def facts_of(file: Job | Sighting) -> tuple[str, int, int]:
    """Tell a file in the inbox from another that came later under its name."""
    return str(file.relative), file.size_bytes, file.mtime_ns
