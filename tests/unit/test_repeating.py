"""What is said again and again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.repeating import Run, find_runs


@given(
    st.lists(st.integers(0, 9), unique=True, min_size=1, max_size=7),
    st.integers(4, 12),
    st.lists(st.integers(10, 99), unique=True, max_size=20),
    st.lists(st.integers(100, 199), unique=True, max_size=20),
)
def test_a_planted_phrase_is_found_where_it_is(phrase, times, before, after):
    """A phrase of any length, repeated among different words, is told with its place, length and number."""
    found = find_runs([*before, *phrase * times, *after], least_times=4)

    first = len(before)
    assert found == [Run(first=first, end=first + len(phrase) * times, period=len(phrase))]
    assert found[0].times == times


@given(st.lists(st.integers(), unique=True))
def test_different_words_are_no_repetition(words):
    """Where no word comes twice, nothing is found."""
    assert find_runs(words, least_times=2) == []


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(2, 5))
def test_whatever_is_found_is_there(words, least_times):
    """Every phrase that is told really is repeated so often."""
    for run in find_runs(words, least_times=least_times):
        assert run.times >= least_times
        assert all(words[at] == words[at - run.period] for at in range(run.first + run.period, run.end))


@pytest.mark.parametrize("times", [2, 3])
def test_saying_it_less_often_is_allowed(times):
    """What is below the limit is not told."""
    assert find_runs("Holy" * times, least_times=4) == []


def test_a_phrase_that_holds_a_word_twice_is_one_phrase():
    """The period is that of the whole phrase."""
    assert [run.period for run in find_runs(list("abac") * 6, least_times=4)] == [4]
