"""One chunk's attempt and the budget, with the real gate, ledger and store of answers."""

from __future__ import annotations

import queue
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.storing import START
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.clock import Clock
from voxtrald.dispatch.budget import Budget, Reserved
from voxtrald.dispatch.gate import Gate
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.senders import Senders
from voxtrald.dispatch.spending import Cap, Go, Window
from voxtrald.engines.base import Capabilities
from voxtrald.errors import ApiUnreachable, StorageUnavailable
from voxtrald.pipeline.assignment import Tools
from voxtrald.pipeline.billing import Books
from voxtrald.pipeline.events import Answered, AttemptFailed, Occupied, Unaffordable
from voxtrald.pipeline.sending import Parcel, Sending
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import ResultKey, Results
from voxtrald.transcript.model import Answer, Span

MINUTE = Span(start_ms=0, end_ms=60_000)
SOON_S = 20.0


class Priced:
    """An engine of which only the price is used: a dollar for a minute."""

    model = "mini"
    capabilities = Capabilities(
        formats=("wav",),
        max_chunk_ms=600_000,
        max_bytes=1 << 20,
        timestamps=frozenset(),
        diarize=False,
        vocabulary=False,
        price_per_minute=1.0,
    )


class Scripted:
    """A delivery that does what it is told."""

    remote_files = ()

    def __init__(self, ask=lambda: Answer(text="word")):
        self.attempt = ask

    def close(self):
        """Do nothing."""


class Bench:
    """Everything an attempt needs, at a time that the test sets."""

    def __init__(self, root, *, amount):
        self.now = START
        clock = Clock(now=lambda: self.now)
        self.ledger = Ledger.open(root / "ledger.sqlite3", clock=clock)
        cap = Cap(key="limits.max_cost_per_day", window=Window.DAY, amount=amount)
        self.budget = Budget((cap,), cost_since=self.ledger.cost_since, clock=clock)
        policy = Policy(attempts=8, first_wait_s=0.01, max_wait_s=0.05)
        gate = Gate(service="far", policy=policy, requests_per_s=None, clock=Clock(), tell=print)
        self.lane = Lane(service="far", gate=gate, senders=Senders(size=8))
        self.results = Results(root / "results")
        tools = Tools(
            ffmpeg=None,
            results=self.results,
            ledger=self.ledger,
            clock=clock,
            stop=Stop(),
            jitter=float,
            cores=1,
            budget=self.budget,
        )
        job = self.ledger.claim("talk.wav", size_bytes=1, mtime_ns=1, inode=1)
        books = Books(job=job, engine=Priced(), ledger=self.ledger, rule="")
        self.sending = Sending(books=books, lane=self.lane, tools=tools, tell=lambda _: None)

    def parcel(self, index=0, delivery=None):
        """Make a minute of audio that nobody asked about yet."""
        chunk = PreparedChunk(
            span=MINUTE,
            path=Path("unused"),
            extension="wav",
            how="encoded",
            offset_ms=0,
            duration_ms=60_000,
            size_bytes=1,
        )
        key = ResultKey(audio_sha256=f"{index:064x}", span=MINUTE, parameters={})
        return Parcel(index=index, key=key, chunk=chunk, delivery=delivery or Scripted())

    @property
    def spent(self):
        """What was paid on this day."""
        return self.ledger.cost_since(
            datetime(self.now.year, self.now.month, self.now.day, tzinfo=self.now.tzinfo), currency="USD"
        )


@pytest.fixture
def bench(tmp_path):
    """Give a maker of benches that are closed again."""
    made = []

    def make(*, amount):
        made.append(Bench(tmp_path, amount=amount))
        return made[-1]

    yield make
    for each in made:
        each.lane.senders.resize(0)
        each.ledger.close()


def test_senders_at_once_do_not_overshoot(bench):
    """Of twenty minutes that eight senders ask for at once, with money for five, five are paid."""
    at_desk, ends = bench(amount=5.0), queue.SimpleQueue()
    asked = threading.Semaphore(0)
    together = threading.Event()

    def ask():
        asked.release()
        together.wait(SOON_S)
        return Answer(text="word")

    def submit(index):
        parcel = at_desk.parcel(index, Scripted(ask))
        at_desk.lane.senders.submit(lambda: at_desk.sending.attempt(parcel), done=ends.put)

    for index in range(20):
        submit(index)
    for _ in range(5):
        assert asked.acquire(timeout=SOON_S)
    at_once = [ends.get(timeout=SOON_S) for _ in range(15)]
    together.set()
    answered = [ends.get(timeout=SOON_S) for _ in range(5)]

    assert {type(end) for end in at_once} == {Occupied}
    assert {type(end) for end in answered} == {Answered}
    assert at_desk.spent == 5.0
    assert isinstance(at_desk.sending.attempt(at_desk.parcel(20)), Unaffordable)


def test_when_the_window_turns_it_goes_on(bench):
    """What was held on one day is paid on the next, and counts for that."""
    at_desk = bench(amount=1.5)
    first = at_desk.sending.attempt(at_desk.parcel(0))
    held = at_desk.sending.attempt(at_desk.parcel(1))
    at_desk.now += timedelta(hours=12)
    after = at_desk.sending.attempt(at_desk.parcel(1))

    assert (type(first), type(held), type(after)) == (Answered, Unaffordable, Answered)
    assert held.hold.until == at_desk.now.replace(hour=0)
    assert at_desk.spent == 1.0


def test_what_is_paid_for_is_never_held(bench):
    """An answer that is kept costs nothing, whatever is left."""
    at_desk = bench(amount=1.0)
    at_desk.sending.attempt(at_desk.parcel(0))
    again = at_desk.sending.attempt(at_desk.parcel(0))

    assert isinstance(again, Answered)
    assert again.reused
    assert at_desk.spent == 1.0


@pytest.mark.parametrize("error", [ApiUnreachable("gone"), StorageUnavailable("full", path=Path())])
def test_a_failed_attempt_gives_its_money_back(bench, error):
    """Nothing was paid, so nothing stays set aside."""

    def fail():
        raise error

    at_desk = bench(amount=1.0)
    try:
        end = at_desk.sending.attempt(at_desk.parcel(0, Scripted(fail)))
    except StorageUnavailable:
        end = None

    assert end is None or isinstance(end, AttemptFailed)
    assert isinstance(at_desk.sending.attempt(at_desk.parcel(1)), Answered)


def test_who_has_no_money_takes_no_turn_at_the_gate(bench):
    """Whatever the gate does, it is not asked."""
    at_desk = bench(amount=0.5)
    at_desk.lane.gate.stop()  # who came to it would be told so
    held = at_desk.sending.attempt(at_desk.parcel(0))

    assert isinstance(held, Unaffordable)


def test_what_ran_out_at_the_gate_leaves_the_probe_to_others(bench, monkeypatch):
    """Who was let through as the probe, and finds that another one has taken the money, lets the next one through."""
    at_desk = bench(amount=1.0)
    at_desk.lane.gate.declare_outage()
    monkeypatch.setattr(at_desk.budget, "look", lambda _: Go())
    other = at_desk.budget.reserve(at_desk.sending.books.charge_for(60_000))
    end = at_desk.sending.attempt(at_desk.parcel(0))

    assert isinstance(other, Reserved)
    assert isinstance(end, Occupied)
    assert not at_desk.lane.gate.circuit.probing
