"""What the tests of `voxtrald status` share: an empty house, a recording, a gate, a sum."""

from __future__ import annotations

from datetime import UTC, datetime

from voxtrald.dispatch.spending import Cap, Window
from voxtrald.service.overview import Dropped, nothing_yet
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger_service import Heartbeat, ShutGate
from voxtrald.store.ledger_spend import SpendSum

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOTHING = nothing_yet(NOW, Dropped())
BEAT = Heartbeat(pid=7, started_at=NOW, beat_at=NOW)
CAP = Cap(key="limits.max_cost_per_day", window=Window.DAY, amount=5.0)


def paid(folder="", *, currency="USD", cost=0.5):
    """Sum of what was paid."""
    return SpendSum(folder=folder, currency=currency, audio_s=600.0, cost=cost, answers=1)


def shut(state, reason):
    """Make a gate that is not open to all."""
    return ShutGate(service="https://far", state=state, reason=reason, since=NOW)


def job(name="talk.wav", *, state=JobState.WORKING, reason=None, detail=None, outputs=(), done=3, reused=0):
    """Make a job of eight chunks."""
    return Job(
        id="j",
        relative=name,
        size_bytes=1,
        mtime_ns=1,
        inode=1,
        owner="",
        state=state,
        reason=reason,
        detail=detail,
        sha256=None,
        duration_ms=600_000,
        attempts=1,
        created_at=NOW,
        started_at=NOW,
        ended_at=None,
        publication=None,
        outputs=outputs,
        billed_s=0.0,
        cost=None,
        chunks_total=8,
        chunks_done=done,
        chunks_reused=reused,
    )
