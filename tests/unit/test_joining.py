"""A sentence that the cut between two chunks has broken is one again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.joining import join
from voxtrald.transcript.model import Segment


def said(text, *, start_ms, end_ms, speaker=None):
    """A segment."""
    return Segment(start_ms=start_ms, end_ms=end_ms, text=text, speaker=speaker)


LEFT = (said("That was Monday.", start_ms=0, end_ms=2_000), said("On Tuesday the choir", start_ms=2_500, end_ms=4_000))
RIGHT = (said("sings in the chapel.", start_ms=4_300, end_ms=6_000), said("Come early.", start_ms=6_200, end_ms=7_000))


def test_small_letters_go_on_with_the_sentence_before_the_cut():
    """A chunk that begins with a small letter continues the last segment, which reaches to where it ends."""
    joined = join(LEFT, RIGHT)

    assert joined[1] == said("On Tuesday the choir sings in the chapel.", start_ms=2_500, end_ms=6_000)
    assert (joined[0], joined[2]) == (LEFT[0], RIGHT[1])


def test_a_sentence_without_an_end_goes_on_whatever_the_recogniser_capitalised():
    """Recognisers write the first word of a chunk large; a sentence left open tells that it goes on."""
    joined = join(LEFT, [said("Sings in the chapel.", start_ms=4_300, end_ms=6_000)])

    assert [segment.text for segment in joined] == ["That was Monday.", "On Tuesday the choir Sings in the chapel."]


def test_chinese_goes_on_without_a_blank():
    """In a script without small letters a missing full stop joins, and no space comes between."""
    left = [said("今天是星期一。", start_ms=0, end_ms=1_000), said("明天我们", start_ms=1_100, end_ms=2_000)]
    joined = join(left, [said("去学校。", start_ms=2_100, end_ms=3_000)])

    assert joined[-1].text == "明天我们去学校。"


@pytest.mark.parametrize(
    ("right", "why"),
    [
        (said("sings here.", start_ms=6_100, end_ms=7_000), "a pause of two seconds"),
        (said("sings here.", start_ms=4_300, end_ms=6_000, speaker="speaker_2"), "another speaker"),
        (said("sings here.", start_ms=4_300, end_ms=40_000), "a segment that is a whole chunk's text"),
        (said("sings", start_ms=4_300, end_ms=4_700), "a word with a time of its own"),
    ],
)
def test_what_is_no_broken_sentence_stays_apart(right, why):
    """A pause, another voice, the text of a whole chunk or a single word is not the rest of a sentence."""
    assert join(LEFT, [right]) == (*LEFT, right), why


def test_a_finished_sentence_and_a_large_letter_stay_apart():
    """A full stop before the cut and a capital after it are two sentences."""
    right = (said("The choir sings.", start_ms=2_200, end_ms=3_000),)

    assert join(LEFT[:1], right) == (*LEFT[:1], *right)


def test_missing_full_stops_mean_nothing_where_there_never_is_one():
    """An engine that never ends a sentence has not left the last one open."""
    left = (said("ONE", start_ms=0, end_ms=900), said("TWO", start_ms=1_000, end_ms=1_900))
    right = (said("THREE", start_ms=2_000, end_ms=2_900),)

    assert join(left, right) == (*left, *right)


ROWS = st.lists(st.sampled_from(["one two.", "three", "Four five?", "六七。", "八"]), max_size=4)


@given(left=ROWS, right=ROWS)
def test_joining_loses_no_text_and_keeps_the_order(left, right):
    """Whatever is joined, all characters are there in their order, and times stay in order."""
    texts = [*left, *right]
    rows = [said(text, start_ms=1_000 * at, end_ms=1_000 * at + 900) for at, text in enumerate(texts)]
    joined = join(rows[: len(left)], rows[len(left) :])

    assert "".join(segment.text for segment in joined).replace(" ", "") == "".join(texts).replace(" ", "")
    assert [segment.start_ms for segment in joined] == sorted(segment.start_ms for segment in joined)
    assert (joined[0].start_ms, joined[-1].end_ms) == (rows[0].start_ms, rows[-1].end_ms) if rows else joined == ()
