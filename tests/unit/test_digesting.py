"""A burst becomes one message, and a hold that comes and goes is told once."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.service.messages.digesting import CALM_S, WINDOW_S, Digesting, Holds, Route
from voxtrald.service.messages.happenings import Event, Happening

ROUTE = Route(urls=("json://a",))
OTHER = Route(urls=("json://b",), template="{recording}!")


def done(name="a.wav"):
    """Make a recording that is done."""
    return Happening(event=Event.DONE, recording=name)


def titles(addressed):
    """Give the titles of messages."""
    return [each.message.title for each in addressed]


def counted(title):
    """Read how many recordings a title is about."""
    found = re.search(r"(\d+) recordings", title)
    return int(found[1]) if found else 1


# --- recordings ---------------------------------------------------------------------------------------------


def test_the_first_is_told_at_once():
    """Where nothing was told for a while, a recording is told without delay."""
    digesting = Digesting()
    digesting.add(done(), route=ROUTE, now_s=100.0)

    assert digesting.due_s(now_s=100.0) == 0.0
    assert titles(digesting.due(now_s=100.0)) == ["voxtrald: a.wav done"]
    assert digesting.due(now_s=100.0) == ()


def test_what_follows_is_told_together():
    """What follows the first within the window is one message at its end."""
    digesting = Digesting()
    digesting.add(done(), route=ROUTE, now_s=0.0)
    digesting.due(now_s=0.0)
    for number in range(17):
        digesting.add(done(f"{number}.wav"), route=ROUTE, now_s=1.0)

    assert digesting.due(now_s=WINDOW_S - 0.1) == ()
    assert digesting.due_s(now_s=1.0) == WINDOW_S - 1.0
    assert titles(digesting.due(now_s=WINDOW_S)) == ["voxtrald: 17 recordings done"]


def test_one_that_follows_is_told_in_its_own_words():
    """A window in which one recording came gives the message about that recording."""
    digesting = Digesting()
    digesting.add(done(), route=OTHER, now_s=0.0)
    digesting.due(now_s=0.0)
    digesting.add(done("b.wav"), route=OTHER, now_s=1.0)

    assert [each.message.body for each in digesting.due(now_s=WINDOW_S)] == ["b.wav!"]


def test_after_a_quiet_window_the_next_is_told_at_once():
    """The wait is only for what follows closely."""
    digesting = Digesting()
    digesting.add(done(), route=ROUTE, now_s=0.0)
    digesting.due(now_s=0.0)
    digesting.add(done("b.wav"), route=ROUTE, now_s=WINDOW_S + 1)

    assert titles(digesting.due(now_s=WINDOW_S + 1)) == ["voxtrald: b.wav done"]


def test_done_and_failed_and_routes_are_kept_apart():
    """A failure does not wait in the window of what is done, nor one address in another's."""
    digesting = Digesting()
    for route, event in ((ROUTE, Event.DONE), (ROUTE, Event.FAILED), (OTHER, Event.DONE)):
        digesting.add(Happening(event=event, recording="a"), route=route, now_s=0.0)

    assert len(digesting.due(now_s=0.0)) == 3


def test_at_the_end_nothing_is_kept_back():
    """A flush gives what was collected, before its time."""
    digesting = Digesting()
    digesting.add(done(), route=ROUTE, now_s=0.0)
    digesting.due(now_s=0.0)
    digesting.add(done("b.wav"), route=ROUTE, now_s=1.0)

    assert titles(digesting.flush()) == ["voxtrald: b.wav done"]
    assert digesting.flush() == ()
    assert digesting.due_s(now_s=2.0) is None


@given(gaps=st.lists(st.floats(0, 40), min_size=1, max_size=300))
def test_every_recording_is_told_once_and_messages_keep_their_distance(gaps):
    """However they come: the counts add up, and there is one message per window at most."""
    digesting, now_s = Digesting(), 0.0
    told = []
    for gap in gaps:
        while (due_s := digesting.due_s(now_s=now_s)) is not None and due_s <= gap:
            now_s, gap = now_s + due_s, gap - due_s  # noqa: PLW2901 - the rest of the gap, after what is due in it
            told += [(now_s, title) for title in titles(digesting.due(now_s=now_s))]
        now_s += gap
        digesting.add(done(), route=ROUTE, now_s=now_s)
        told += [(now_s, title) for title in titles(digesting.due(now_s=now_s))]
    told += [(now_s + WINDOW_S, title) for title in titles(digesting.flush())]

    times = [at_s for at_s, _ in told]
    assert sum(counted(title) for _, title in told) == len(gaps)
    assert all(later - earlier >= WINDOW_S - 1e-6 for earlier, later in pairwise(times))


# --- holds --------------------------------------------------------------------------------------------------


def test_a_hold_that_stands_is_news_once():
    """Whoever finds the key refused again tells nobody again."""
    holds = Holds()

    assert [holds.held("a"), holds.held("a"), holds.held("b")] == [True, False, True]


def test_an_end_is_told_when_it_lasts():
    """Work that goes on for a while has resumed, and that is told once."""
    holds = Holds()
    holds.held("a")
    holds.went_on("a", now_s=10.0)

    assert holds.due_s(now_s=10.0) == CALM_S
    assert holds.resumed(now_s=10.0 + CALM_S - 0.1) == ()
    assert holds.resumed(now_s=10.0 + CALM_S) == ("a",)
    assert holds.resumed(now_s=99.0 + CALM_S) == ()
    assert holds.held("a")


def test_a_hold_that_comes_back_at_once_is_no_news():
    """A reload that lets a refused key try again, in vain, tells neither an end nor a beginning."""
    holds = Holds()
    holds.held("a")
    holds.went_on("a", now_s=10.0)

    assert not holds.held("a")
    assert holds.due_s(now_s=11.0) is None
    assert holds.resumed(now_s=1000.0) == ()


def test_an_end_without_a_beginning_is_not_told():
    """After an outage, which was not told, its end is not told either."""
    holds = Holds()
    holds.went_on("a", now_s=0.0)

    assert holds.resumed(now_s=1000.0) == ()
