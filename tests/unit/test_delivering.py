"""A message is tried again, ever more slowly, and given up in the end; nothing piles up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.retrying import GiveUp, Policy, RetryIn
from voxtrald.service.messages.delivering import (
    PATIENCE,
    Outbasket,
    after_failure,
    letters_for,
    shown_address,
)
from voxtrald.service.messages.digesting import Addressed, Route
from voxtrald.service.messages.happenings import Event, Message

MESSAGE = Message(event=Event.DONE, title="t", body="b")


def letters(*urls, now_s=0.0):
    """Make a letter for each address."""
    return letters_for([Addressed(route=Route(urls=urls), message=MESSAGE)], now_s=now_s)


def test_each_address_gets_its_own_letter():
    """Two addresses make two letters, so that one can fail without the other."""
    assert [letter.url for letter in letters("a", "b")] == ["a", "b"]


def test_what_is_due_longest_goes_first():
    """Letters leave in the order in which they are due, and none before."""
    basket = Outbasket()
    basket.put((*letters("later", now_s=5.0), *letters("now", now_s=1.0)))

    assert basket.next_due(now_s=0.5) is None
    assert basket.due_s(now_s=0.5) == 0.5
    assert basket.next_due(now_s=5.0).url == "now"
    assert basket.next_due(now_s=5.0).url == "later"
    assert basket.next_due(now_s=5.0) is None
    assert basket.due_s(now_s=5.0) is None


def test_a_failure_is_tried_again_later():
    """A letter that did not arrive comes back after a wait that doubles."""
    basket = Outbasket(policy=Policy(attempts=3, first_wait_s=2.0, max_wait_s=60.0))
    basket.put(letters("a"))
    waits = []
    now_s = 0.0
    while letter := basket.next_due(now_s=now_s):
        is_kept = basket.failed(letter, now_s=now_s, jitter=0.0)
        waits.append(basket.due_s(now_s=now_s))
        now_s += waits[-1] or 0.0

    assert waits == [2.0, 4.0, None]
    assert not is_kept
    assert len(basket) == 0


def test_the_oldest_make_room_for_the_newest():
    """Where too much waits, the oldest letters are given up, and named."""
    basket = Outbasket(most=2)
    basket.put(letters("a", "b"))
    dropped = basket.put(letters("c"))

    assert [letter.url for letter in dropped] == ["a"]
    assert len(basket) == 2


@given(jitter=st.floats(0, 1, exclude_max=True))
def test_patience_is_longer_than_a_restart_and_shorter_than_the_news(jitter):
    """All waits together are between five minutes and an hour, whatever chance says."""
    waits_s = []
    attempts = 1
    while isinstance(decision := after_failure(attempts, policy=PATIENCE, jitter=jitter), RetryIn):
        waits_s.append(decision.wait_s)
        attempts += 1

    assert decision == GiveUp()
    assert 300 <= sum(waits_s) <= 3600


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mailto://me:secret@example.org", "mailto://…"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://…"),
        ("matrixs+x://token@host", "matrixs+x://…"),
        ("bot123:SECRET", "an address"),
        ("s3 cret://x", "an address"),
    ],
)
def test_only_the_kind_of_an_address_is_shown(url, shown):
    """Of an address that may be a password as a whole, only its scheme is written anywhere."""
    assert shown_address(url) == shown


def test_at_the_end_every_letter_is_taken_out():
    """Letters that are not due yet are given, too, when it is the last chance."""
    basket = Outbasket()
    basket.put((*letters("now"), *letters("later", now_s=500.0)))

    assert [letter.url for letter in basket.take_all()] == ["now", "later"]
    assert len(basket) == 0
