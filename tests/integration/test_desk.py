"""The operator's desk: everything is told once, and what nobody asked for does not exist."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from tests.storing import ticking_clock
from tests.webhook import webhook
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.config.operating import NotifySettings
from voxtrald.dispatch.gate import GateChanged
from voxtrald.errors import Reason
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, OverBudget, Tally
from voxtrald.service.desk import Desk
from voxtrald.service.messages.telling import main_path
from voxtrald.store.ledger import Ledger
from voxtrald.transcript.model import Span
from voxtrald.watch.intake import InboxState

NOTHING_ASKED = """
import sys, threading
from pathlib import Path
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.pipeline.outcome import Done, Tally
from voxtrald.service.desk import Desk
from voxtrald.store.ledger import Ledger

with Ledger.open(Path(sys.argv[1]), clock=Clock()) as ledger:
    desk = Desk.open(Settings(), ledger=ledger, clock=Clock(), jitter=float, put=print)
    desk.began("j", size_bytes=1, still_since_s=None)
    desk.ended("j", "a.wav", Done(outputs=("a.txt",), tally=Tally()))
    print(threading.active_count(), sorted({"apprise", "prometheus_client", "http.server"} & sys.modules.keys()))
    desk.close()
"""
TALLY = Tally(duration_ms=5000, chunks=1, audio_s=5.0, cost=0.1)
EVENTS = ("done", "failed", "held", "resumed")


@pytest.fixture
def hook():
    """Run a web hook."""
    with webhook() as running:
        yield running


@pytest.fixture
def desk(tmp_path, hook):
    """Give a desk that tells the web hook everything."""
    settings = Settings(notify=NotifySettings(urls=(hook.url(),), on=EVENTS))
    clock = Clock(now=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    with (
        Ledger.open(tmp_path / "ledger.sqlite3", clock=ticking_clock()) as ledger,
        closing(Desk.open(settings, ledger=ledger, clock=clock, jitter=float, put=print)) as opened,
    ):
        yield opened


def test_what_nobody_asked_for_costs_nothing(tmp_path):
    """Without addresses, a script and a port there is no further thread, and no library is loaded."""
    command = [sys.executable, "-c", NOTHING_ASKED, str(tmp_path / "ledger.sqlite3")]

    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)

    assert ran.stdout.splitlines()[-1] == "1 []"


def test_ends_are_told_and_other_ways_out_are_not(desk, hook):
    """Done and failed are told; a recording that waits, changed or was interrupted is not."""
    failed = Failed(reason=Reason.EMPTY, message="m", hint="h", outputs=("b.wav", "b.wav.error.txt"), tally=Tally())
    outcomes = [
        Deferred(message="full"),
        Changed(message="gone"),
        Interrupted(),
        Done(outputs=("a.txt",), tally=TALLY),
        failed,
    ]
    for outcome in outcomes:
        desk.ended("j", "a.wav", outcome)
    desk.close()

    assert sorted(hook.titles()) == ["voxtrald: a.wav done", "voxtrald: a.wav failed"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (("done",), ["voxtrald: a.wav partial"]),
        (("failed",), ["voxtrald: a.wav partial"]),
        (("done", "failed"), ["voxtrald: a.wav partial"]),
        (("held", "resumed"), []),
    ],
)
def test_a_hole_is_told_once_to_those_who_want_done_or_failed(desk, hook, events, expected):
    """A transcript with a hole is one message, with the minutes that are missing and where the file is."""
    desk.prepare(Settings(notify=NotifySettings(urls=(hook.url(),), on=events)))()
    hole = Span(start_ms=720_000, end_ms=960_000)
    with structlog.testing.capture_logs() as logged:
        desk.ended("j", "a.wav", Done(outputs=("a.txt",), tally=TALLY, missing=(hole,)))
        desk.close()

    assert hook.titles() == expected
    assert all("12:00" in post["message"] and "/a.txt" in post["message"] for post in hook.posts)
    (event,) = [each for each in logged if each["event"].startswith("recording_")]
    assert (event["event"], event["log_level"], event["holes"]) == ("recording_partial", "warning", 1)
    assert (event["missing_s"], event["cost"], event["outputs"]) == (240.0, 0.1, ["a.txt"])


def test_a_refusal_is_told_and_an_outage_is_not(desk, hook):
    """An outage ends by itself and tells nobody; a hold does not, and is told with its reason."""
    desk.gate(GateChanged(service="api", state="open", reason=None))
    desk.gate(GateChanged(service="api", state="closed", reason=None))
    desk.gate(GateChanged(service="api", state="held", reason="the key was refused"))
    desk.close()

    assert hook.titles() == ["voxtrald: work for api is held"]
    assert "the key was refused" in hook.posts[0]["message"]


def test_a_full_disk_and_a_lost_inbox_are_holds(desk, hook):
    """Each is told once, however often it is found."""
    away = InboxState(is_reachable=False, since_s=0.0, reason="nothing is mounted there", hint="mount it")
    for _ in range(3):
        desk.paused("the disk is full", hint="make room")
        desk.turn(away, now_s=1.0)
    desk.close()

    assert sorted(post["message"].splitlines()[0] for post in hook.posts) == [
        "nothing is mounted there",
        "the disk is full",
    ]


def test_a_limit_on_spending_is_a_hold(desk, hook):
    """It is told once for all recordings that it holds, with its reason."""
    for _ in range(3):
        desk.ended("j", "a.wav", OverBudget(message="would pass the limit", hint="raise it", until=datetime.now(UTC)))
    desk.close()

    assert hook.titles() == ["voxtrald: work for the budget is held"]
    assert hook.posts[0]["message"].splitlines()[0] == "would pass the limit"


def test_other_settings_count_when_they_are_used(desk, hook):
    """Preparing changes nothing yet; using does."""
    use = desk.prepare(Settings(notify=NotifySettings(urls=(hook.url(),), on=())))
    desk.ended("j", "a.wav", Done(outputs=("a.txt",), tally=TALLY))
    use()
    desk.ended("j", "b.wav", Done(outputs=("b.txt",), tally=TALLY))
    desk.close()

    assert hook.titles() == ["voxtrald: a.wav done"]


def test_the_file_to_look_at_is_the_report_or_the_first_result():
    """A script gets the report of a failure, the first of the results, or nothing where there is neither."""
    report = str(Path("/e/a.wav.error.txt"))

    assert main_path(("/e/a.wav", report)) == report
    assert main_path(("/o/a.txt", "/o/a.json")) == "/o/a.txt"
    assert main_path(()) == ""
