"""The caps on spending: what may be spent, and until when the rest waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from voxtrald.clock import Clock
from voxtrald.config.sections import LimitSettings, RuleLimitSettings
from voxtrald.config.settings import Rule, Settings
from voxtrald.dispatch.budget import Budget, Reserved, caps_in
from voxtrald.dispatch.spending import (
    Cap,
    Charge,
    Go,
    Hold,
    Later,
    Standing,
    Window,
    caps_on,
    judge,
    money,
    unpriced,
    window_end,
    window_start,
)

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
DAY = Cap(key="limits.max_cost_per_day", window=Window.DAY, amount=5.0)
MONTH = Cap(key="limits.max_cost_per_month", window=Window.MONTH, amount=50.0)
DUST = 1e-9


def charge(cost, rule=""):
    """Make a charge in dollars."""
    return Charge(cost=cost, currency="USD", rule=rule)


@pytest.mark.parametrize(
    ("spent", "reserved", "cost", "expected"),
    [
        (0.0, 0.0, 1.0, Go),
        (4.0, 0.0, 1.0, Go),  # exactly up to the cap
        (4.0, 1.0, 1.0, Later),  # what is under way may fail
        (4.5, 0.0, 1.0, Hold),
        (0.1 + 0.2 + 4.6, 0.0, 0.1, Go),  # the sum of fractions is a little too large
        (6.0, 0.0, 0.01, Hold),  # the cap was lowered
    ],
)
def test_a_cap_is_kept_and_used_up(spent, reserved, cost, expected):
    """What fits goes; what would pass the cap only together with requests under way asks again; the rest is held."""
    assert isinstance(judge(charge(cost), [Standing(cap=DAY, spent=spent, reserved=reserved)], now=NOW), expected)


def test_a_hold_says_what_would_be_passed_and_until_when():
    """The reason names the cap, what was spent and what this costs; the hint says when it goes on."""
    verdict = judge(charge(0.05), [Standing(cap=DAY, spent=4.98)], now=NOW)

    assert verdict == Hold(
        until=datetime(2026, 11, 24, tzinfo=UTC),
        reason="would pass limits.max_cost_per_day (5.00 USD): spent 4.98, this part costs 0.05",
        hint="it goes on by itself at 2026-11-24 00:00 UTC, or when the limit is raised (reload)",
    )


def test_of_two_caps_the_longer_hold_counts():
    """What passes the day's and the month's cap waits for the month."""
    verdict = judge(charge(1.0), [Standing(cap=DAY, spent=5.0), Standing(cap=MONTH, spent=50.0)], now=NOW)

    assert isinstance(verdict, Hold)
    assert (verdict.until, "month" in verdict.reason) == (datetime(2026, 12, 1, tzinfo=UTC), True)


def test_what_never_fits_is_told_to_be_cut_smaller():
    """A part that costs more than the whole cap would wait for ever, so the hint says what to change."""
    verdict = judge(charge(6.0), [Standing(cap=DAY, spent=0.0)], now=NOW)

    assert isinstance(verdict, Hold)
    assert "chunks.max_minutes" in verdict.hint


@pytest.mark.parametrize("cost", [0.0, None])
def test_what_costs_nothing_or_nobody_knows_what_is_not_capped(cost):
    """A recogniser on this machine goes on when the money is used up, and so does what cannot be counted."""
    assert caps_on(charge(cost), [DAY, MONTH]) == ()


def test_a_rules_cap_is_about_its_recordings_only():
    """A recording counts for the caps of all and for those of the rule that it matched."""
    of_rule = replace(DAY, rule="lv/**")

    assert caps_on(charge(1.0, "lv/**"), [DAY, of_rule]) == (DAY, of_rule)
    assert caps_on(charge(1.0, "en/**"), [DAY, of_rule]) == (DAY,)
    assert of_rule.name == 'limits.max_cost_per_day of the rule "lv/**"'


@given(minutes=st.integers(0, 40_000_000))
@pytest.mark.parametrize("window", Window)
def test_windows_follow_one_another_without_a_gap(window, minutes):
    """Each instant is in one window, and the next begins where it ends."""
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    start, end = window_start(window, now), window_end(window, now)

    assert start <= now < end
    assert window_start(window, end) == end
    assert window_end(window, end - timedelta(microseconds=1)) == end


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0.00"), (5.0, "5.00"), (0.1, "0.10"), (0.05, "0.05"), (0.0004, "0.0004"), (1e-6, "less than 0.0001")],
)
def test_small_amounts_are_not_shown_as_nothing(amount, text):
    """Cents get two digits, less than ten of them up to four."""
    assert money(amount) == text


def test_an_unknown_price_is_worth_a_word_only_where_something_is_capped():
    """Each model without a price is named once."""
    models = [("next", None), ("next", None), ("mini", 0.0035), ("local", 0.0)]

    assert [warning.split(" is not known")[0] for warning in unpriced(models, [DAY])] == ["the price of next"]
    assert list(unpriced(models, [])) == []


def test_caps_are_read_from_settings_and_rules():
    """What is null is no cap; a rule's cap carries its pattern."""
    settings = Settings(
        limits=LimitSettings(max_cost_per_month=50),
        rules=(
            Rule(match="lv/**", limits=RuleLimitSettings(max_cost_per_day=1)),
            Rule(match="en/**"),
        ),
    )

    assert caps_in(settings) == (MONTH, replace(DAY, amount=1, rule="lv/**"))
    assert caps_in(Settings()) == ()


class Spending(RuleBasedStateMachine):
    """Reserve, pay, fail and let time pass in any order; prices are rounded to nothing in particular."""

    caps = (DAY, replace(MONTH, amount=12.0), replace(DAY, amount=2.0, rule="lv"))

    def __init__(self):
        super().__init__()
        self.now = NOW
        self.paid = []
        self.under_way = []
        clock = Clock(now=lambda: self.now)
        self.budget = Budget(self.caps, cost_since=self.cost_since, clock=clock)

    def cost_since(self, since, *, currency, rule=""):
        """Add up as the ledger does."""
        return sum(each.cost for at, each in self.paid if at >= since and currency == "USD" and rule in {"", each.rule})

    @rule(cost=st.floats(min_value=1e-6, max_value=3.0), pattern=st.sampled_from(["", "lv", "en"]))
    def reserve(self, cost, pattern):
        """Begin a request, where that is allowed."""
        wanted = charge(cost, pattern)
        seen = self.budget.look(wanted)
        reserved = self.budget.reserve(wanted)
        assert isinstance(reserved, Reserved) == isinstance(seen, Go)
        if isinstance(reserved, Reserved):
            self.under_way.append((wanted, reserved))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), is_paid=st.booleans())
    def end(self, data, is_paid):
        """End a request: paid, which is booked before its reservation ends, or failed."""
        wanted, reserved = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if is_paid:
            self.paid.append((self.now, wanted))
        reserved.release()

    @rule(hours=st.integers(1, 400))
    def wait(self, hours):
        """Let time pass, perhaps into another day or month."""
        self.now += timedelta(hours=hours)

    @invariant()
    def no_cap_is_passed(self):
        """What is paid and what may become so fits every cap."""
        for cap in self.caps:
            spent = self.cost_since(window_start(cap.window, self.now), currency="USD", rule=cap.rule)
            open_cost = sum(each.cost for each, _ in self.under_way if cap.rule in {"", each.rule})
            assert spent + open_cost <= cap.amount + DUST


test_no_order_of_events_passes_a_cap = Spending.TestCase
