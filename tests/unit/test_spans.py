"""Arithmetic with stretches of time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.model import Span
from voxtrald.transcript.spans import length_within, union, widened, within, without

WHOLE = Span(start_ms=0, end_ms=60)


@st.composite
def spans(draw):
    """A stretch below 60, possibly empty."""
    start_ms = draw(st.integers(0, 60))
    return Span(start_ms=start_ms, end_ms=draw(st.integers(start_ms, 60)))


def moments(stretches):
    """Every millisecond of some stretches."""
    return {at_ms for span in stretches for at_ms in range(span.start_ms, span.end_ms)}


@given(st.lists(spans()))
def test_a_union_has_the_same_moments_once_and_in_order(stretches):
    """Joining keeps every moment, and what comes out neither touches nor goes back."""
    joined = union(stretches)

    assert moments(joined) == moments(stretches)
    assert all(left.end_ms < right.start_ms for left, right in pairwise(joined))


@given(st.lists(spans()), st.integers(0, 9))
def test_short_gaps_are_closed(stretches, gap_ms):
    """No gap as short as the one allowed is left."""
    joined = union(stretches, gap_ms=gap_ms)

    assert moments(stretches) <= moments(joined)
    assert all(right.start_ms - left.end_ms > gap_ms for left, right in pairwise(joined))


@given(spans(), st.lists(spans()))
def test_what_is_left_and_what_was_taken_make_the_whole(whole, taken):
    """Cutting out leaves just the moments that were not taken."""
    left = without(whole, union(taken))

    assert moments(left) == moments([whole]) - moments(taken)


@given(st.lists(spans()), spans())
def test_a_window_shows_what_lies_in_it(stretches, window):
    """What is seen through a window, and its length, are the common moments."""
    joined = union(stretches)

    assert moments(within(joined, window)) == moments(stretches) & moments([window])
    assert length_within(joined, window) == len(moments(stretches) & moments([window]))


def test_widening_stops_at_the_beginning():
    """Nothing begins before the recording does."""
    assert widened(Span(start_ms=3, end_ms=5), 10) == Span(start_ms=0, end_ms=15)
