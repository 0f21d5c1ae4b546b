"""What `voxtrald status` prints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from voxtrald.cli.status import add_rows, headlines, spending
from voxtrald.service.overview import nothing_yet
from voxtrald.store.ledger_service import Heartbeat, Hold
from voxtrald.store.ledger_spend import SpendSum

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOTHING = nothing_yet(NOW, waiting=(), problem="")


def paid(folder="", *, currency="USD", cost=0.5):
    """Sum of what was paid."""
    return SpendSum(folder=folder, currency=currency, audio_s=600.0, cost=cost, answers=1)


def texts(lines):
    """Read lines without their colours."""
    return [line.plain for line in lines]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["daemon: not running"]),
        (
            {"daemon": Heartbeat(pid=7, started_at=NOW, beat_at=NOW), "is_running": True},
            ["daemon: running (pid 7, since 2026-11-23 12:00 UTC)"],
        ),
        ({"daemon": Heartbeat(pid=7, started_at=NOW, beat_at=NOW)}, ["daemon: not running"]),
        ({"inbox_problem": "cannot use /in"}, ["daemon: not running", "cannot use /in"]),
        (
            {"held": Hold(reason="no key", since=NOW), "circuit": "open"},
            ["daemon: not running", "all work is held: no key"],
        ),
        (
            {"circuit": "open"},
            ["daemon: not running", "the service does not answer; work goes on by itself when it does"],
        ),
    ],
)
def test_the_headlines_say_why_work_stands_still(changes, expected):
    """Whether the daemon runs, and the one reason for which everything waits."""
    assert texts(headlines(replace(NOTHING, **changes))) == expected


def test_spending_is_shown_per_currency_and_folder():
    """Sums stand beside one another; folders are listed where there are several."""
    overview = replace(
        NOTHING,
        month=(paid(currency="EUR"), paid(cost=1.25)),
        folders=(paid("en"), paid("lv", currency="EUR"), paid("lv", cost=0.75)),
    )

    assert texts(spending(overview)) == [
        "paid today: nothing; this month: 0.50 EUR (10 min of audio), 1.25 USD (10 min of audio)",
        "  en: 0.50 USD (10 min of audio)",
        "  lv: 0.50 EUR (10 min of audio), 0.75 USD (10 min of audio)",
    ]


def test_one_folder_alone_is_not_listed():
    """Where all is paid for one folder, the sum says it."""
    assert len(texts(spending(replace(NOTHING, month=(paid(),), folders=(paid("."),))))) == 1


def test_long_lists_are_cut_and_say_so():
    """Ten rows of a state are shown, and how many more there are."""
    rows = []

    class Listing:
        """Takes rows as a table does."""

        def add_row(self, *cells):
            """Remember a row."""
            rows.append([str(cell) for cell in cells])

    add_rows(Listing(), "waiting", [(f"{number}.mp3", "", "") for number in range(12)])

    assert len(rows) == 11
    assert rows[-1][:2] == ["waiting", "… and 2 more"]
