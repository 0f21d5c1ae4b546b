"""The figures are what happened, in a form that Prometheus reads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.storing import ticking_clock
from voxtrald.clock import Clock
from voxtrald.errors import Reason
from voxtrald.pipeline.outcome import Deferred, Done, Failed, Tally
from voxtrald.pipeline.progress import AllPrepared, Attempted, ChunkProgress
from voxtrald.service.metrics.monitoring import Monitoring
from voxtrald.service.situation import (
    SILENT_AFTER_S,
    Pulse,
    ServiceState,
    Situation,
    ask,
    why_not_ready,
)
from voxtrald.store.jobs import PUBLISHED, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.transcript.model import Span

CALM = Situation(waiting=3, oldest_waiting_s=12.5, working=2, services=(ServiceState(service="api", state="closed"),))
TALLY = Tally(duration_ms=60_000, chunks=3, reused=1, repairs=2, audio_s=40.0, cost=0.5)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class House:
    """Monitoring over a ledger of its own, at a time that the test sets."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.now_s = 1000.0
        self.situation = CALM
        self.pulse = Pulse(now_s=self.now_s)
        clock = Clock(monotonic_s=lambda: self.now_s, now=lambda: NOW)
        self.monitoring = Monitoring.begun(ledger=ledger, look=lambda: self.situation, pulse=self.pulse, clock=clock)

    def figures(self, accept=""):
        """Read all figures as Prometheus does: by name and labels."""
        page = self.monitoring.page(accept)
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page.body.decode())
            for sample in family.samples
        }

    def figure(self, name, **labels):
        """Read one figure."""
        return self.figures().get((f"voxtrald_{name}", *sorted(labels.items())))


@pytest.fixture
def ledger(tmp_path):
    """Open a ledger."""
    with Ledger.open(tmp_path / "ledger.sqlite3", clock=ticking_clock()) as opened:
        yield opened


@pytest.fixture
def house(ledger):
    """Give monitoring over the ledger."""
    return House(ledger)


def spend(ledger, *, model="mini", audio_s=60.0, cost=0.1):
    """Book an answer."""
    ledger.record_spend("k", job_id="j", model=model, folder=".", audio_s=audio_s, cost=cost, currency="USD")


# --- what happens -------------------------------------------------------------------------------------------


def test_a_recording_that_is_done_is_counted(house):
    """Counts, lengths, chunks, the time since the last change, and the time of the last success."""
    house.monitoring.began("j", still_since_s=990.0)
    house.now_s = 1002.0
    house.monitoring.heard(AllPrepared(job="j"))
    house.now_s = 1050.0
    house.monitoring.ended("j", Done(outputs=("a.txt",), tally=TALLY))

    assert house.figure("recordings_done_total") == 1
    assert house.figure("audio_seconds_total") == 60
    assert house.figure("chunks_total", origin="asked") == 2
    assert house.figure("chunks_total", origin="reused") == 1
    assert house.figure("chunks_total", origin="repaired") == 2
    assert house.figure("turnaround_seconds_sum") == 60
    assert house.figure("preparing_seconds_sum") == 2
    assert house.figure("last_success_timestamp_seconds") == NOW.timestamp()


def test_a_recording_with_a_hole_is_counted_among_those_done_and_by_itself(house):
    """It is a success with a figure of its own, which is there from the start as 0."""
    before = house.figure("recordings_partial_total")
    for job, missing in (("i", ()), ("j", (Span(start_ms=1000, end_ms=9000),))):
        house.monitoring.began(job, still_since_s=None)
        house.monitoring.ended(job, Done(outputs=("a.txt",), tally=TALLY, missing=missing))

    assert before == 0
    assert house.figure("recordings_partial_total") == 1
    assert house.figure("recordings_done_total") == 2
    assert house.figure("last_success_timestamp_seconds") == NOW.timestamp()


def test_a_recording_that_failed_is_counted_by_reason(house):
    """Each reason has a count, which is there from the start as 0."""
    before = house.figure("recordings_failed_total", reason="empty")
    house.monitoring.began("j", still_since_s=None)
    house.monitoring.ended("j", Failed(reason=Reason.EMPTY, message="m", hint="h", outputs=(), tally=Tally()))

    assert before == 0
    assert house.figure("recordings_failed_total", reason="empty") == 1
    assert {reason.value for reason in Reason} == {
        labels[0][1] for name, *labels in house.figures() if name == "voxtrald_recordings_failed_total"
    }


def test_what_is_put_off_counts_as_neither(house):
    """A recording that waits for room is not done and has not failed."""
    house.monitoring.began("j", still_since_s=None)
    house.monitoring.ended("j", Deferred(message="full"))

    assert house.figure("recordings_done_total") == 0


def test_requests_are_counted_by_service_and_cause(house):
    """Answers are timed, failures are counted by what they were, and so are repeats."""
    house.monitoring.heard(Attempted(job="j", service="api", took_s=700.0))
    house.monitoring.heard(Attempted(job="j", service="api", took_s=1.0, error="api_busy"))
    waiting = ChunkProgress(
        job="j", recording="secret.wav", index=0, total=1, state=ChunkState.WAITING, length_ms=1, note="api_busy"
    )
    house.monitoring.heard(waiting)
    house.monitoring.heard(replace(waiting, state=ChunkState.SENDING, note=""))

    assert house.figure("answer_seconds_count", service="api") == 1
    assert house.figure("answer_seconds_bucket", service="api", le="600.0") == 0
    assert house.figure("answer_seconds_bucket", service="api", le="900.0") == 1
    assert house.figure("attempts_failed_total", service="api", cause="api_busy") == 1
    assert house.figure("retries_total", cause="api_busy") == 1


def test_messages_and_scripts_are_counted(house):
    """What became of messages and scripts is counted."""
    house.monitoring.told("dropped")
    house.monitoring.ran_script("failed")

    assert house.figure("notifications_total", result="dropped") == 1
    assert house.figure("script_runs_total", result="failed") == 1


def test_no_figure_names_a_recording(house):
    """Names are private, and each would be a series of its own: no label holds one."""
    house.monitoring.began("job-1", still_since_s=None)
    house.monitoring.heard(
        ChunkProgress(
            job="job-1", recording="secret.wav", index=0, total=1, state=ChunkState.WAITING, length_ms=1, note="x"
        )
    )
    house.monitoring.ended("job-1", Done(outputs=("secret.txt",), tally=TALLY))
    text = house.monitoring.page("").body.decode()

    assert "secret" not in text
    assert "job-1" not in text


# --- what is looked up --------------------------------------------------------------------------------------


def test_spending_goes_on_after_a_restart(house, ledger):
    """What was paid comes from the ledger: also what was paid before, and by others, and each answer once."""
    spend(ledger)
    spend(ledger, model="small", cost=None)
    first = house.figure("cost_total", model="mini", currency="USD")
    spend(ledger)
    house.figures()

    assert first == pytest.approx(0.1)
    assert house.figure("cost_total", model="mini", currency="USD") == pytest.approx(0.2)
    assert house.figure("billed_seconds_total", model="mini") == 120
    assert house.figure("billed_seconds_total", model="small") == 60
    assert House(ledger).figure("billed_seconds_total", model="mini") == 120


@pytest.mark.parametrize("state", sorted(PUBLISHED))
def test_the_last_success_is_known_after_a_restart(ledger, state):
    """A recording that an earlier run finished is the last success."""
    job = ledger.claim("a.wav", size_bytes=1, mtime_ns=1, inode=1)
    ledger.end(job.id, state)

    ended_at = ledger.job(job.id).ended_at
    assert House(ledger).figure("last_success_timestamp_seconds") == pytest.approx(ended_at.timestamp())


def test_how_the_work_stands_is_looked_up(house, ledger):
    """Waiting, working and deferred recordings, ages, services, inbox and storage are those of the moment."""
    job = ledger.claim("a.wav", size_bytes=1, mtime_ns=1, inode=1)
    ledger.set_state(job.id, JobState.DEFERRED)
    house.situation = replace(
        CALM,
        inbox_trouble="gone",
        services=(
            ServiceState(service="a", state="held", reason="refused"),
            ServiceState(service="b", state="open"),
        ),
    )
    figures = {state: house.figure("recordings", state=state) for state in ("waiting", "working", "deferred")}

    assert figures == {"waiting": 2, "working": 2, "deferred": 1}
    assert house.figure("oldest_waiting_seconds") == 12.5
    assert house.figure("inbox_reachable") == 0
    assert house.figure("storage_available") == 1
    assert [house.figure("service_held", service=name) for name in "ab"] == [1, 0]
    assert [house.figure("service_outage", service=name) for name in "ab"] == [0, 1]


def test_where_nobody_answers_the_rest_is_still_there(house):
    """While the deciding thread is stuck, counters are shown, and figures that only it knows are not."""
    house.situation = None

    assert house.figure("recordings_done_total") == 0
    assert house.figure("recordings", state="waiting") is None


def test_a_ledger_that_cannot_be_read_is_no_failure(house, ledger):
    """With the ledger gone, the other figures are shown."""
    ledger.close()

    assert house.figure("recordings", state="waiting") == 3


def test_openmetrics_is_spoken_too(house):
    """A reader that asks for OpenMetrics gets it."""
    page = house.monitoring.page("application/openmetrics-text; version=1.0.0")

    assert page.content_type.startswith("application/openmetrics-text")
    assert page.body.endswith(b"# EOF\n")


# --- probes -------------------------------------------------------------------------------------------------


def test_health_is_the_pulse_of_the_deciding_thread(house):
    """200 while it has its turns, 503 when it has had none for long, and 200 again."""
    house.now_s += SILENT_AFTER_S - 1
    before = house.monitoring.health().status
    house.now_s += 1
    stuck = house.monitoring.health()
    house.pulse.turn(now_s=house.now_s)

    assert (before, stuck.status) == (200, 503)
    assert json.loads(stuck.body) == {"alive": False, "last_turn_s": 30.0}
    assert house.monitoring.health().status == 200


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (CALM, []),
        (replace(CALM, services=(ServiceState(service="a", state="open"),)), []),
        (None, ["the deciding thread does not answer"]),
        (replace(CALM, inbox_trouble="it is gone"), ["the inbox cannot be watched: it is gone"]),
        (replace(CALM, storage_trouble="no room"), ["results cannot be stored: no room"]),
        (
            replace(CALM, services=(ServiceState(service="a", state="held", reason="no such key"),)),
            ["a is held: no such key"],
        ),
    ],
)
def test_ready_says_why_not(house, situation, why):
    """Ready is who transcribes what is dropped now, also after waiting for an outage; else it is said why not."""
    house.situation = situation
    page = house.monitoring.ready()

    assert list(why_not_ready(situation)) == why
    assert json.loads(page.body) == {"ready": not why, "why": why}
    assert page.status == (503 if why else 200)


def test_the_deciding_thread_is_asked_and_not_waited_for_long():
    """Whoever asks gets the answer that the deciding thread gives, or None where it gives none in time."""
    assert ask(lambda asked: asked.answer(CALM)) == CALM
    assert ask(lambda _: None, patience_s=0.01) is None
