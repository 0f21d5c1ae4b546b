"""What follows from a failed fetch, and how long what nobody measured is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.errors import ApiBusy, ApiUnreachable
from voxtrald.pipeline.deciding import TryLater, judge_fetch
from voxtrald.retrying import Policy
from voxtrald.transcript.model import Answer, AnswerSegment

POLICY = Policy(attempts=3, first_wait_s=1, max_wait_s=10)
GONE = ApiUnreachable("gone")


def verdict(error=GONE, *, counted=0, tries=1, is_excused=False):
    """Judge with the defaults of these tests."""
    return judge_fetch(error, counted=counted, tries=tries, is_excused=is_excused, policy=POLICY, jitter=0.0)


def test_a_failure_uses_up_an_attempt():
    """The first failure is waited for shortly, the next one longer."""
    assert verdict() == TryLater(wait_s=1.0, counted=1)
    assert verdict(counted=1, tries=2) == TryLater(wait_s=2.0, counted=2)


def test_the_last_attempt_is_the_last():
    """After the policy's attempts there is nothing more, however few of them were since the start."""
    assert verdict(counted=2, tries=1) is None


def test_the_hosts_wish_wins():
    """A server's own wait is used, above the policy's longest."""
    assert verdict(ApiBusy("busy", status=503, retry_after_s=60)) == TryLater(wait_s=60.0, counted=1)


@given(counted=st.integers(0, 20), tries=st.integers(1, 1000))
def test_an_excused_failure_uses_nothing_up(counted, tries):
    """Whatever went before, it is tried again, and no wait is longer than the policy's longest."""
    later = verdict(counted=counted, tries=tries, is_excused=True)

    assert later.counted == counted
    assert 0 < later.wait_s <= POLICY.max_wait_s


@pytest.mark.parametrize(
    ("answer", "heard_ms"),
    [
        (Answer(text=""), 0),
        (Answer(text="a", billed_s=61.2), 61_200),
        (Answer(text="a", segments=(AnswerSegment(text="a", end_ms=700), AnswerSegment(text="b"))), 700),
        (Answer(text="a", billed_s=1.0, segments=(AnswerSegment(text="a", end_ms=1_700),)), 1_700),
    ],
)
def test_an_answer_tells_how_much_was_heard(answer, heard_ms):
    """What is charged counts, and what was said after that as well."""
    assert answer.heard_ms == heard_ms
