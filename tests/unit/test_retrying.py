"""What follows from a failure of the far side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiError,
    ApiGarbled,
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
)
from voxtrald.retrying import GiveUp, HoldAll, Policy, RetryIn, backoff_s, decide

POLICY = Policy(attempts=8, first_wait_s=2.0, max_wait_s=300.0)

policies = st.builds(
    Policy,
    attempts=st.integers(1, 50),
    first_wait_s=st.floats(0.0, 1000.0),
    max_wait_s=st.floats(0.0, 5000.0),
)
jitters = st.floats(0.0, 1.0, exclude_max=True)
errors = st.sampled_from(
    [
        ApiUnreachable("x"),
        ApiBusy("x", status=503),
        ApiNotYet("x", status=404),
        ApiGarbled("x", status=200),
        ApiRefused("x", status=400),
        ApiDenied("x", status=401),
    ]
)


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (ApiUnreachable("x"), 1, RetryIn(wait_s=2.0)),
        (ApiUnreachable("x"), 4, RetryIn(wait_s=16.0)),
        (ApiUnreachable("x"), 7, RetryIn(wait_s=128.0)),
        (ApiUnreachable("x"), 8, GiveUp()),
        (ApiBusy("x", status=503), 2, RetryIn(wait_s=4.0)),
        (ApiBusy("x", status=429, retry_after_s=7.0), 2, RetryIn(wait_s=7.0)),
        (ApiBusy("x", status=429, retry_after_s=1200.0), 1, RetryIn(wait_s=1200.0)),
        (ApiBusy("x", status=429, retry_after_s=0.0), 1, RetryIn(wait_s=2.0)),
        (ApiBusy("x", status=429, retry_after_s=7.0), 99, RetryIn(wait_s=7.0)),
        (ApiBusy("x", status=503, retry_after_s=7.0), 8, GiveUp()),
        (ApiNotYet("x", status=404), 1, RetryIn(wait_s=1.0)),
        (ApiNotYet("x", status=404), 3, RetryIn(wait_s=4.0)),
        (ApiGarbled("x", status=200), 2, RetryIn(wait_s=4.0)),
        (ApiGarbled("x", status=200), 3, GiveUp()),
        (ApiRefused("x", status=400), 1, GiveUp()),
        (ApiDenied("x", status=401), 1, HoldAll()),
        (ApiDenied("x", status=401), 99, HoldAll()),
        (ApiError("x"), 1, GiveUp()),
    ],
)
def test_each_failure_has_its_consequence(error, attempt, expected):
    """The class of the error and the attempts made decide what follows."""
    decision = decide(error, attempt=attempt, policy=POLICY, jitter=0.0)

    assert decision == expected


@given(policy=policies, attempt=st.integers(-5, 5000), jitter=jitters)
def test_a_wait_stays_between_zero_and_its_cap(policy, attempt, jitter):
    """A wait of our own choosing is never negative and never above the cap."""
    assert 0.0 <= backoff_s(attempt=attempt, policy=policy, jitter=jitter) <= policy.max_wait_s


@given(policy=policies, attempt=st.integers(1, 5000))
def test_waits_never_shrink(policy, attempt):
    """Without jitter each wait is at least as long as the one before."""
    earlier_s = backoff_s(attempt=attempt, policy=policy, jitter=0.0)

    assert backoff_s(attempt=attempt + 1, policy=policy, jitter=0.0) >= earlier_s


@given(policy=policies, attempt=st.integers(1, 100), jitter=jitters)
def test_jitter_takes_at_most_half_of_a_wait(policy, attempt, jitter):
    """Jitter spreads the waits but keeps at least half of each."""
    whole_s = backoff_s(attempt=attempt, policy=policy, jitter=0.0)

    assert whole_s / 2 <= backoff_s(attempt=attempt, policy=policy, jitter=jitter) <= whole_s


@given(wished_s=st.floats(0.001, 3600.0), policy=policies, jitter=jitters)
def test_nobody_comes_back_before_the_server_wishes(wished_s, policy, jitter):
    """A Retry-After is kept, whatever our own cap says, and not exceeded by more than a tenth."""
    error = ApiBusy("x", status=429, retry_after_s=wished_s)

    decision = decide(error, attempt=0, policy=policy, jitter=jitter)

    assert isinstance(decision, RetryIn)
    assert wished_s <= decision.wait_s <= wished_s * 1.1


@given(error=errors, policy=policies, jitter=jitters, beyond=st.integers(0, 10))
def test_nothing_is_tried_for_ever(error, policy, jitter, beyond):
    """After the last attempt the answer is to give up, or to hold, but never to retry."""
    decision = decide(error, attempt=policy.attempts + beyond, policy=policy, jitter=jitter)

    assert not isinstance(decision, RetryIn)
