"""The word error rate of the demonstration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech import word_error_rate
from voxtrald.demonstration.comparing import Comparison, compare, count_edits

# Few words, so that texts have much in common.
TEXTS = st.lists(st.sampled_from(["the", "bridge", "is", "closed", "week"]), max_size=12)


@given(said=TEXTS.filter(bool), heard=TEXTS)
def test_the_rate_is_the_one_that_jiwer_gives(said, heard):
    """For every pair of texts our own count agrees with a library made for it."""
    compared = compare(" ".join(said), " ".join(heard))

    assert compared.rate == pytest.approx(word_error_rate(" ".join(said), " ".join(heard)))


@given(before=TEXTS, after=TEXTS)
def test_it_costs_the_same_in_both_directions(before, after):
    """What is taken out one way is put in the other way."""
    assert count_edits(before, after) == count_edits(after, before)


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("Good night!", "good night", 0),
        ("the work\n\ncan begin", "The work, can begin.", 0),
        ("don't", "don’t", 0),  # noqa: RUF001  the typographic apostrophe is the case
        ("for one week", "for a week", 1),
        ("for one week", "for week", 1),
        ("for one week", "for one whole week", 1),
        ("for one week", "", 3),
    ],
)
def test_replaced_missing_and_added_words_count(said, heard, wrong):
    """Each differing word counts once; case, punctuation and line breaks do not."""
    assert compare(said, heard).wrong == wrong


def test_more_may_be_wrong_than_was_said():
    """A recogniser that invents much has a rate above one."""
    assert Comparison(words=2, wrong=3).rate == 1.5


def test_nothing_cannot_be_compared():
    """A reference without words is a mistake of the caller."""
    with pytest.raises(ValueError, match="nothing was said"):
        compare("...", "hello")
