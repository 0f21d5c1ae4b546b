"""How long a recording will still take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.service.forecasting import Pace, own_speed, remaining_s, usual_speed
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger_chunks import DoneChunk
from voxtrald.transcript.model import Span

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def after(seconds):
    """Give an instant after the start."""
    return START + timedelta(seconds=seconds)


def chunk(start_s, end_s, *, at_s, reused=False):
    """Make a chunk that was done so long after the start."""
    return DoneChunk(span=Span(start_ms=start_s * 1000, end_ms=end_s * 1000), reused=reused, done_at=after(at_s))


def pace(*chunks, duration_s=1200):
    """Make a job that began at the start."""
    return Pace(started_at=START, duration_ms=None if duration_s is None else duration_s * 1000, chunks=chunks)


def job(*, duration_s=600, took_s=60, reused=0):
    """Make a recording that is done."""
    return Job(
        id="j",
        relative="a.wav",
        size_bytes=1,
        mtime_ns=1,
        inode=1,
        owner="",
        state=JobState.DONE,
        reason=None,
        detail=None,
        sha256=None,
        duration_ms=duration_s * 1000,
        attempts=1,
        created_at=START,
        started_at=START,
        ended_at=after(took_s),
        publication=None,
        outputs=(),
        billed_s=0.0,
        cost=None,
        chunks_total=1,
        chunks_done=1,
        chunks_reused=reused,
    )


@pytest.mark.parametrize(
    ("work", "usual", "now_s", "expected"),
    [
        (pace(chunk(0, 300, at_s=30)), None, 30, 90.0),  # 10 times as fast as speech, 900 s to go
        (pace(chunk(0, 300, at_s=30)), 1.0, 60, 60.0),  # its own speed counts; half a minute has passed since
        (pace(), 20.0, 10, 50.0),  # others took a minute for so much
        (pace(chunk(0, 600, at_s=1, reused=True)), 20.0, 1, 30.0),  # what is reused says nothing about speed
        (pace(), 20.0, 500, None),  # overdue: nobody knows
        (pace(), None, 10, None),
        (pace(duration_s=None), 20.0, 10, None),
        (pace(chunk(0, 300, at_s=-60)), None, 30, None),  # done in an earlier run
    ],
)
def test_what_is_left_is_told_by_the_measured_speed(work, usual, now_s, expected):
    """Its own chunks count first, then recordings done lately, and without either nothing is said."""
    left_s = remaining_s(work, usual=usual, now=after(now_s))

    assert left_s == (None if expected is None else pytest.approx(expected))


@given(
    done=st.lists(st.tuples(st.integers(1, 900), st.integers(-100, 900), st.booleans()), max_size=8),
    duration_s=st.integers(0, 10_000),
    now_s=st.integers(0, 100_000),
)
def test_a_forecast_is_never_negative(done, duration_s, now_s):
    """Whatever is done and however late it is, there is no time before now."""
    work = pace(*(chunk(0, end_s, at_s=at_s, reused=reused) for end_s, at_s, reused in done), duration_s=duration_s)
    left_s = remaining_s(work, usual=3.0, now=after(now_s))

    assert left_s is None or left_s >= 0


def test_speed_is_that_of_all_requests_together():
    """Two chunks that were under way at the same time make twice the speed of one."""
    assert own_speed(pace(chunk(0, 300, at_s=60), chunk(300, 600, at_s=60))) == 10.0


def test_the_usual_speed_is_a_median_of_what_was_asked_for():
    """One slow recording does not spoil it, and one from kept answers does not either."""
    done = [job(took_s=60), job(took_s=6000), job(took_s=50), job(took_s=1, reused=1)]

    assert usual_speed(done) == 10.0
    assert usual_speed([job(took_s=0), job(reused=1)]) is None
