"""What `voxtrald status` shows on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.overviews import BEAT, CAP, NOTHING, NOW, job, paid, shut
from voxtrald.cli.costs import BAR_CELLS, bar, plot_of
from voxtrald.cli.picture import headlines, left_text, length_text, picture_of, rows_of, spending, table_of
from voxtrald.dispatch.spending import Standing
from voxtrald.service.accounts import DAYS, Accounts
from voxtrald.service.overview import Funds, Working
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger_spend import DaySum


def texts(lines):
    """Read lines without their colours."""
    return [line.plain for line in lines]


def printed(renderable, *, width=80):
    """Print as on a terminal without colours; give the lines."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(renderable)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["daemon: not running"]),
        ({"daemon": BEAT, "daemon_pid": 7}, ["daemon: running (pid 7, since 2026-11-23 12:00 UTC)"]),
        ({"daemon_pid": 7}, ["daemon: running (pid 7)"]),  # it has only just begun
        ({"daemon": BEAT, "daemon_pid": 8}, ["daemon: running (pid 8)"]),  # the sign is its predecessor's
        ({"daemon": BEAT}, ["daemon: not running"]),
        (
            {"daemon": replace(BEAT, beat_at=NOW - timedelta(minutes=2)), "daemon_pid": 7},
            ["daemon: pid 7 has given no sign of life for 2 min"],
        ),
        ({"inbox_problem": "cannot use /in"}, ["daemon: not running", "cannot use /in"]),
        ({"gates": (shut("held", "no key"),)}, ["daemon: not running", "held: https://far: no key"]),
        (
            {"gates": (shut("open", ""),)},
            ["daemon: not running", "https://far does not answer; work goes on by itself when it does"],
        ),
    ],
)
def test_the_headlines_say_why_work_stands_still(changes, expected):
    """Whether the daemon runs, and the reasons for which everything waits."""
    assert texts(headlines(replace(NOTHING, **changes))) == expected


def test_each_recording_stands_under_its_state_with_what_matters_there():
    """Time left, the reason of a hold, the age of the oldest, the reason of a failure, the first result."""
    overview = replace(
        NOTHING,
        working=(
            Working(job=job(), remaining_s=150.0),
            Working(job=job("new.wav", done=0), remaining_s=None),
            Working(job=job("last.wav", state=JobState.PUBLISHING), remaining_s=0.0),
        ),
        deferred=(
            job("big.wav", reason="budget", detail="would pass"),
            job("full.wav", reason="storage", detail="no room"),
        ),
        interrupted=(job("cut.wav"),),
        waiting=("a.wav", "b.wav"),
        waiting_since=NOW - timedelta(hours=3, minutes=12),
        failed=(job("bad.wav", reason="no_audio", detail="a long report"),),
        done=(
            job("old.wav", outputs=("old.txt", "old.srt"), done=8, reused=5),
            job("gap.wav", state=JobState.PARTIAL, detail="12:00-16:00", outputs=("gap.txt",), done=8),
        ),
    )

    assert {state: list(rows) for state, rows in rows_of(overview)} == {
        "running": [
            ("talk.wav", "3/8", "about 2 min left"),
            ("new.wav", "0/8", ""),
            ("last.wav", "3/8", "being published"),
        ],
        "held": [("big.wav", "3/8", "would pass")],
        "waits for room": [("full.wav", "3/8", "no room")],
        "interrupted": [("cut.wav", "3/8", "goes on when the daemon runs")],
        "waiting": [("a.wav", "", "for 3 h 12 min"), ("b.wav", "", "")],
        "failed": [("bad.wav", "3/8", "no_audio")],
        "partial": [("gap.wav", "8/8", "missing 12:00-16:00; gap.txt")],
        "done": [("old.wav", "8/8 (5 reused)", "old.txt")],
    }


def test_spending_is_shown_per_currency_and_folder_with_the_limits():
    """Sums stand beside one another; folders are listed where there are several; a limit says when it counts anew."""
    overview = replace(
        NOTHING,
        ended_today={JobState.DONE: 12, JobState.PARTIAL: 0, JobState.FAILED: 1},
        month=(paid(currency="EUR"), paid(cost=1.25)),
        folders=(paid("en"), paid("lv", currency="EUR"), paid("lv", cost=0.75)),
        funds=(Funds(standing=Standing(cap=CAP, spent=4.98), currency="USD"),),
    )

    assert texts(spending(overview)) == [
        "today: 12 done, 1 failed",
        "paid today: nothing; this month: 0.50 EUR (10 min of audio), 1.25 USD (10 min of audio)",
        "  en: 0.50 USD (10 min of audio)",
        "  lv: 0.50 EUR (10 min of audio), 0.75 USD (10 min of audio)",
        "limits.max_cost_per_day: 4.98 of 5.00 USD, anew at 2026-11-24 00:00 UTC",
    ]


def test_what_is_partial_is_counted_as_done_and_named():
    """A transcript with a hole is one of those that are done today, and is not passed over."""
    ended = {JobState.DONE: 11, JobState.PARTIAL: 1, JobState.FAILED: 0}

    assert texts(spending(replace(NOTHING, ended_today=ended)))[0] == "today: 12 done, 1 of them partial, 0 failed"


def test_what_somebody_may_have_to_look_after_stands_out():
    """On a terminal with colours a recording that is partial or failed has one, and one that is done has none."""
    overview = replace(
        NOTHING,
        failed=(job("bad.wav", reason="no_audio"),),
        done=(job("old.wav"), job("gap.wav", state=JobState.PARTIAL, detail="12:00-16:00")),
    )
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", highlight=False)
    console.print(table_of(overview))
    coloured = "".join(line for line in console.file.getvalue().splitlines() if "\x1b[3" in line)

    assert [name in coloured for name in ("bad.wav", "gap.wav", "old.wav")] == [True, True, False]


def test_one_folder_alone_is_not_listed():
    """Where all is paid for one folder, the sum says it."""
    assert len(texts(spending(replace(NOTHING, month=(paid(),), folders=(paid("."),))))) == 2


def test_long_lists_are_cut_and_say_so():
    """Ten rows of a state are shown, and how many more there are."""
    lines = printed(picture_of(replace(NOTHING, waiting=tuple(f"{number}.mp3" for number in range(12)))))
    rows = [line.split(None, 1) for line in lines if line.startswith("waiting")]

    assert len(rows) == 11
    assert rows[-1][1].rstrip() == "… and 2 more"


@given(
    names=st.lists(st.text(st.characters(codec=None, categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=120)),
    width=st.sampled_from([80, 120]),
)
def test_any_name_is_shown_within_the_terminal(names, width):
    """Names in every script, with markup or controls in them, stay within the columns and lose nothing."""
    rows = tuple(Working(job=job(name), remaining_s=5.0) for name in names)
    lines = printed(picture_of(replace(NOTHING, working=rows, deferred=tuple(each.job for each in rows))), width=width)

    assert max(map(cell_len, lines)) <= width
    assert not any(character < " " for line in lines for character in line)


def test_markup_in_a_name_is_text():
    """A name cannot colour the terminal or hide a part of itself."""
    lines = printed(picture_of(replace(NOTHING, waiting=("[bold red]a[/].wav", "[/nothing]b.wav"))))

    assert any("[bold red]a[/].wav" in line for line in lines)
    assert any("[/nothing]b.wav" in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min"),
        (3599, "59 min"),
        (7500, "2 h 5 min"),
        (90_000, "1 day"),
        (2e5, "2 days"),
    ],
)
def test_lengths_of_time_are_short(seconds, text):
    """One or two units are enough."""
    assert length_text(seconds) == text


def test_the_end_is_near_rather_than_past():
    """What takes longer than expected is not said to have no time left."""
    assert (left_text(0.0), left_text(40.0)) == ("nearly done", "about 40 s left")


# --- what it cost -------------------------------------------------------------------------------------------------


@given(value=st.floats(0, 1e6), most=st.floats(0, 1e6))
def test_bars_fit_and_what_is_paid_is_seen(value, most):
    """No bar is longer than the widest, and only nothing has none."""
    drawn = bar(value, most=most)

    assert len(drawn) <= BAR_CELLS
    assert bool(drawn) == (value > 0 and most > 0)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=31))
def test_a_dearer_day_has_no_shorter_bar(costs):
    """Bars are in the order of what they stand for."""
    drawn = [bar(cost, most=max(costs)) for cost in sorted(costs)]

    assert drawn == sorted(drawn, key=lambda text: (len(text), -ord(text[-1])))
    assert bar(max(costs), most=max(costs)) == "█" * BAR_CELLS


def test_days_without_any_cost_have_their_row():
    """All thirty-one days are there in order, then their sum, then the folders, the dearest first."""
    accounts = Accounts(
        now=NOW,
        since=date(2026, 10, 24),
        days=tuple(
            DaySum(day=date(2026, 11, day), currency="USD", audio_s=600.0, cost=cost, answers=1)
            for day, cost in ((2, 1.0), (23, 2.0))
        ),
        folders=(paid("[en]", cost=1.0), paid("lv", cost=2.0)),
    )
    lines = printed(plot_of(accounts))
    days = [line for line in lines if line.startswith("2026-")]
    bars = {line[:10]: line.count("█") for line in days}

    assert (days[0][:10], days[-1][:10], len(days)) == ("2026-10-24", "2026-11-23", DAYS)
    assert (bars["2026-11-02"], bars["2026-11-23"], bars["2026-11-22"]) == (BAR_CELLS // 2, BAR_CELLS, 0)
    assert [line.split() for line in lines[-4:]] == [
        [],
        ["folder", "paid", "minutes", "requests"],
        ["lv", "2.00", "USD", "10", "1"],
        ["[en]", "1.00", "USD", "10", "1"],
    ]
    assert ["together", "3.00", "20"] in [line.split() for line in lines]
    assert max(map(cell_len, lines)) <= 80


def test_nothing_paid_is_said():
    """Without any cost there is no plot."""
    assert printed(plot_of(Accounts(now=NOW, since=date(2026, 10, 24)))) == ["nothing was paid since 2026-10-24"]
