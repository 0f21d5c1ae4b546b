"""The purse with real threads and a real ledger."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.storing import START
from voxtrald.clock import Clock
from voxtrald.dispatch.budget import Budget, Reserved
from voxtrald.dispatch.spending import Cap, Charge, Go, Hold, Later, Window
from voxtrald.store.ledger import Ledger

COST = 0.07
CAP = Cap(key="limits.max_cost_per_day", window=Window.DAY, amount=1.0)
CHARGE = Charge(cost=COST, currency="USD", rule="lv/**")
SOON_S = 20.0


@pytest.fixture
def ledger(tmp_path):
    """A ledger at a time that stands still."""
    with Ledger.open(tmp_path / "ledger.sqlite3", clock=Clock(now=lambda: START)) as opened:
        yield opened


def pay(ledger, *, cost=COST, currency="USD", rule=""):
    """Book an answer."""
    ledger.record_spend("k", job_id="j", model="m", folder=".", audio_s=60.0, cost=cost, currency=currency, rule=rule)


def budget_of(ledger, *caps, later=timedelta()):
    """Make a purse over the ledger."""
    return Budget(caps or (CAP,), cost_since=ledger.cost_since, clock=Clock(now=lambda: START + later))


def test_threads_that_pay_at_once_never_pass_the_cap(ledger):
    """Of sixteen threads that spend until they are held, together exactly so much is paid as fits."""
    budget, together = budget_of(ledger), threading.Barrier(16)
    holds = []

    def spend():
        together.wait(SOON_S)
        while not isinstance(funds := budget.reserve(CHARGE), Hold):
            if isinstance(funds, Reserved):
                pay(ledger)
                funds.release()
        holds.append(funds)

    threads = [threading.Thread(target=spend) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)

    assert len(holds) == 16
    assert ledger.cost_since(START, currency="USD") == pytest.approx(14 * COST)


def test_nobody_is_asked_between_a_look_and_a_reservation(ledger):
    """Who asks while another one's answer is being found waits for it, and then sees what was reserved."""
    cap = Cap(key="k", window=Window.DAY, amount=0.1)
    ended, seen, funds = threading.Event(), [], []

    def ask():
        funds.append(budget.reserve(CHARGE))
        ended.set()

    def cost_since(since, **about):
        if not seen:
            seen.append(None)
            threading.Thread(target=ask).start()
            seen.append(ended.wait(0.2))
        return ledger.cost_since(since, **about)

    budget = Budget((cap,), cost_since=cost_since, clock=Clock(now=lambda: START))
    first = budget.reserve(CHARGE)

    assert ended.wait(SOON_S)
    assert seen == [None, False]
    assert (type(first), type(funds[0])) == (Reserved, Later)


def test_what_fails_gives_its_money_back(ledger):
    """As long as a request is under way another one has to ask again; when it ends unpaid, there is money again."""
    budget = budget_of(ledger, Cap(key="k", window=Window.DAY, amount=0.1))
    first = budget.reserve(CHARGE)
    second = budget.reserve(CHARGE)
    first.release()

    assert isinstance(second, Later)
    assert isinstance(budget.reserve(CHARGE), Reserved)


def test_only_what_counts_for_a_cap_is_added_up(ledger):
    """Another currency, another rule, yesterday's money and an unknown price do not use it up."""
    of_rule = Cap(key="k", window=Window.DAY, amount=0.1, rule="lv/**")
    pay(ledger, currency="EUR", rule="lv/**")
    pay(ledger, rule="en/**")
    pay(ledger, cost=None, rule="lv/**")
    before = budget_of(ledger, of_rule).look(CHARGE)
    pay(ledger, rule="lv/**")

    assert isinstance(before, Go)
    assert isinstance(budget_of(ledger, of_rule).look(CHARGE), Hold)
    assert isinstance(budget_of(ledger, of_rule, later=timedelta(hours=12)).look(CHARGE), Go)


def test_a_raised_cap_counts_at_once(ledger):
    """Other caps are used from the next question on."""
    budget = budget_of(ledger, Cap(key="k", window=Window.DAY, amount=0.01))
    before = budget.reserve(CHARGE)
    budget.use((CAP,))

    assert isinstance(before, Hold)
    assert isinstance(budget.reserve(CHARGE), Reserved)
    assert budget.is_capped(CHARGE)
    assert not budget_of(ledger, Cap(key="k", window=Window.DAY, amount=1.0, rule="en/**")).is_capped(CHARGE)
