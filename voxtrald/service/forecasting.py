"""How long a recording will still take, from how quickly others and its own chunks were done. Pure.

Speed is seconds of audio transcribed per second: several requests at the same time make it large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from voxtrald.store.jobs import Job
from voxtrald.store.ledger_chunks import DoneChunk

_AMPLE = 20  # recordings that the usual speed is taken from


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A job in work.

    Attributes:
        started_at: when this run over it began; chunks that were done earlier say nothing about its speed.
        duration_ms: the recording's, or None as long as nobody knows it.
        chunks: those that have their answer.
    """

    started_at: datetime
    duration_ms: int | None
    chunks: Sequence[DoneChunk]


def remaining_s(pace: Pace, *, usual: float | None, now: datetime) -> float | None:
    """Estimate how many seconds a job will still take; None where there is nothing to go by, or it should be done.

    Its own chunks count; before the first of them the usual speed does. What takes longer than it should may take
    very long: the service may not answer at all.
    """
    if pace.duration_ms is None:
        return None
    done_ms = sum(chunk.span.length_ms for chunk in pace.chunks)
    left_s = max(0, pace.duration_ms - done_ms) / 1000
    own, since = own_speed(pace), _last(pace)
    speed = own or usual
    if not speed:
        return None
    expected_s = left_s / speed - (now - since).total_seconds()
    return expected_s if expected_s >= 0 else None


def own_speed(pace: Pace) -> float | None:
    """Measure a job by the chunks that were asked for in this run; None before the first answer."""
    asked = [chunk for chunk in pace.chunks if not chunk.reused and chunk.done_at > pace.started_at]
    if not asked:
        return None
    took_s = (asked[-1].done_at - pace.started_at).total_seconds()
    return sum(chunk.span.length_ms for chunk in asked) / 1000 / took_s


def usual_speed(done: Sequence[Job]) -> float | None:
    """Measure recordings that were done lately, the latest first; those that were reused even in part do not count."""
    speeds = [
        job.duration_ms / 1000 / took_s
        for job in done
        if job.duration_ms and not job.chunks_reused and job.chunks_done
        if (took_s := _took_s(job)) > 0
    ]
    return median(speeds[:_AMPLE]) if speeds else None


def _took_s(job: Job) -> float:
    if job.started_at is None or job.ended_at is None:
        return 0.0
    return (job.ended_at - job.started_at).total_seconds()


def _last(pace: Pace) -> datetime:
    return max((chunk.done_at for chunk in pace.chunks), default=pace.started_at)
