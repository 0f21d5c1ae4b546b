"""The state of the work and what was paid, in plain values for scripts. Pure.

The names are an interface: `status.schema.json` beside this module is their contract.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from voxtrald.dispatch.spending import window_end
from voxtrald.service.accounts import Accounts
from voxtrald.service.overview import Funds, Overview, Working
from voxtrald.store.jobs import PUBLISHED, Job, JobState
from voxtrald.store.ledger_service import ShutGate
from voxtrald.store.ledger_spend import DaySum, SpendSum

MOST_NAMED = 10
Plain = Mapping[str, Any]


def recount(overview: Overview) -> Plain:
    """Recount the state of the work."""
    return {
        "at": _instant(overview.now),
        "daemon": _daemon(overview),
        "inbox": {"reachable": not overview.inbox_problem, "problem": overview.inbox_problem or None},
        "running": [_working(each) for each in overview.working],
        "waiting": _waiting(overview),
        "held": {
            "services": [_gate(gate) for gate in overview.gates],
            "recordings": [_job(job) for job in overview.deferred],
        },
        "failed": _ended(overview, overview.failed, states={JobState.FAILED}),
        "done": _ended(overview, overview.done, states=PUBLISHED),
        "partial": _ended(overview, overview.partial, states={JobState.PARTIAL}),
        "spend": {
            "today": [_sum(each) for each in overview.today],
            "month": [_sum(each) for each in overview.month],
            "limits": [_funds(each, now=overview.now) for each in overview.funds],
        },
    }


def recount_accounts(accounts: Accounts) -> Plain:
    """Recount what was paid."""
    return {
        "at": _instant(accounts.now),
        "since": accounts.since.isoformat(),
        "days": [{"day": each.day.isoformat(), **_sum(each)} for each in accounts.days],
        "folders": [{"folder": each.folder, **_sum(each)} for each in accounts.folders],
    }


def _daemon(overview: Overview) -> Plain:
    beat = overview.daemon
    is_its_own = beat is not None and beat.pid == overview.daemon_pid
    return {
        "running": overview.is_running,
        "pid": overview.daemon_pid,
        "started_at": _instant(beat.started_at) if beat and is_its_own else None,
        "silent_s": round(overview.silent_s, 1),
    }


def _working(working: Working) -> Plain:
    remaining_s = working.remaining_s
    return {**_job(working.job), "remaining_s": None if remaining_s is None else round(remaining_s, 1)}


def _waiting(overview: Overview) -> Plain:
    since = overview.waiting_since
    return {
        "count": len(overview.waiting) + len(overview.interrupted),
        "oldest_s": None if since is None else round(max(0.0, (overview.now - since).total_seconds()), 1),
        "first": list(overview.waiting[:MOST_NAMED]),
        "interrupted": [_job(job) for job in overview.interrupted],
    }


def _gate(gate: ShutGate) -> Plain:
    return {
        "service": gate.service,
        "state": "held" if gate.state == "held" else "outage",
        "reason": gate.reason or None,
        "since": _instant(gate.since),
    }


def _ended(overview: Overview, jobs: Sequence[Job], *, states: Collection[JobState]) -> Plain:
    return {
        "count": sum(overview.counts[state] for state in states),
        "today": sum(overview.ended_today[state] for state in states),
        "latest": [_job(job) for job in jobs[:MOST_NAMED]],
    }


def _job(job: Job) -> Plain:
    return {
        "job": job.id,
        "recording": job.relative,
        "state": job.state.value,
        "reason": job.reason,
        "detail": job.detail,
        "duration_s": None if job.duration_ms is None else job.duration_ms / 1000,
        "chunks": {"done": job.chunks_done, "reused": job.chunks_reused, "total": job.chunks_total},
        "started_at": _instant(job.started_at),
        "ended_at": _instant(job.ended_at),
        "outputs": list(job.outputs),
        "cost": job.cost,
    }


def _sum(paid: SpendSum | DaySum) -> Plain:
    return {"currency": paid.currency, "cost": paid.cost, "audio_s": paid.audio_s, "answers": paid.answers}


def _funds(funds: Funds, *, now: datetime) -> Plain:
    cap = funds.standing.cap
    return {
        "limit": cap.key,
        "rule": cap.rule or None,
        "currency": funds.currency,
        "amount": cap.amount,
        "spent": funds.standing.spent,
        "until": _instant(window_end(cap.window, now)),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds")
