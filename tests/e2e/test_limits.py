"""Limits on spending, from outside: what would pass one waits where it was dropped, and goes on by itself."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

from tests.e2e.daemon import SMALL_CHUNKS, files_in, wait_for
from voxtrald.engines.voxtral.models import rules_for

PRICE = rules_for("voxtral-mini-transcribe-3-0").price.per_minute


def seconds_worth(seconds):
    """Say what this much audio costs."""
    return seconds / 60 * PRICE


def paid(place):
    """Add up what stands in the ledger as paid."""
    with closing(sqlite3.connect(place.state / "ledger.sqlite3")) as ledger:
        return ledger.execute("SELECT coalesce(sum(cost), 0.0) FROM spend").fetchone()[0]


def test_what_would_pass_the_limit_waits_and_goes_on_when_it_is_raised(place, recordings):
    """A long recording is held in the middle with its reason; a reload with more money finishes it, nothing paid twice.

    A short one that still fits is done meanwhile.
    """
    talk, memo = recordings.make("wav", 40, seed=2), recordings.make("wav", 2, seed=3)
    limit = seconds_worth(21)
    daemon = place.start({"chunks": SMALL_CHUNKS, "limits": {"max_cost_per_day": limit}})
    place.drop(talk.path, "talk.wav")
    daemon.wait_event("recording_held")
    place.drop(memo.path, "memo.wav")
    place.finish("memo.wav")
    held = wait_for(lambda: place.status()["held"]["recordings"], what="the hold in the status")
    before = paid(place)
    place.configure({"chunks": SMALL_CHUNKS, "limits": {"max_cost_per_day": 10 * limit}})
    daemon.signal(signal.SIGHUP)
    place.finish("talk.wav")

    assert daemon.stop() == 0
    assert (held[0]["recording"], held[0]["reason"]) == ("talk.wav", "budget")
    assert held[0]["detail"].startswith("would pass limits.max_cost_per_day")
    assert 0 < before <= limit
    assert place.words("talk") == talk.words
    assert set(place.standin.paid.values()) == {1}
    place.assert_clean()


def test_many_at_once_do_not_pass_the_limit_together(place, recordings):
    """With money for three of eight memos, dropped at once and sent in parallel, exactly three are paid."""
    memos = {f"memo-{seed}": recordings.make("wav", 2, seed=seed) for seed in range(1, 9)}
    place.start({"limits": {"max_cost_per_day": seconds_worth(7)}}).stop()  # the folders are there
    for name, memo in memos.items():
        place.drop(memo.path, f"{name}.wav")
    daemon = place.start()
    daemon.wait_event("recording_held", count=5)

    assert daemon.stop() == 0
    assert place.standin.paid.total() == 3
    assert len([name for name in files_in(place.outbox) if name.endswith(".wav")]) == 3
    assert len(files_in(place.inbox)) == 5
    assert files_in(place.error) == []


def test_a_rule_has_a_limit_of_its_own(place, recordings):
    """What the rule matches is held by the rule's limit; other recordings are not, and do not count for it."""
    rules = [{"match": "lv/**", "limits": {"max_cost_per_month": seconds_worth(3)}}]
    daemon = place.start({"rules": rules})
    for seed, name in enumerate(["a.wav", "b.wav", "lv/c.wav"], start=1):
        place.drop(recordings.make("wav", 2, seed=seed).path, name)
    place.finish("a.wav", "b.wav", "lv/c.wav")
    place.drop(recordings.make("wav", 2, seed=4).path, "lv/d.wav")
    (held,) = daemon.wait_event("recording_held")

    assert daemon.stop() == 0
    assert 'limits.max_cost_per_month of the rule "lv/**"' in held["reason"]
    assert files_in(place.inbox) == ["lv/d.wav"]


def test_a_foreground_run_says_what_would_pass_the_limit(place, recordings):
    """`transcribe` does not wait for another day: it says why the file is not done, and leaves it where it is."""
    talk = recordings.make("wav", 4)
    place.configure({"limits": {"max_cost_per_day": seconds_worth(1)}})
    ended = place.run("transcribe", talk.path)

    assert ended.returncode == 1
    assert "would pass limits.max_cost_per_day" in ended.stderr
    assert "lower chunks.max_minutes" in ended.stderr
    assert place.standin.paid.total() == 0


def test_an_unknown_price_is_said_where_spending_is_limited(place, recordings):
    """What has no known price is transcribed, but the start and `check` say that no limit holds it."""
    memo = recordings.make()
    config = {"engine": {"model": "voxtral-next"}, "limits": {"max_cost_per_day": 1}}
    daemon = place.start(config)
    place.drop(memo.path, "memo.wav")
    (warned,) = daemon.wait_event("cost_not_counted")
    checked = place.run("check")

    assert daemon.stop() == 0
    assert warned["detail"].startswith("the price of voxtral-next is not known")
    assert "the price of voxtral-next is not known" in checked.stdout
