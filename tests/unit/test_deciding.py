"""What follows from a failed attempt."""

from __future__ import annotations

import pytest

from voxtrald.dispatch.circuit import Circuit
from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiGarbled,
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
    Reason,
)
from voxtrald.pipeline.deciding import BlameService, FailChunk, Failure, SendAgain, TryLater, judge, recording_error
from voxtrald.retrying import Policy

POLICY = Policy(attempts=3, first_wait_s=1.0, max_wait_s=300.0)
CLOSED = Circuit(policy=POLICY)


def verdict(error, *, failures=(1.0,), earlier=0, circuit=CLOSED):
    """Judge with the defaults of these tests."""
    failed = [Failure(error=error, at_s=at_s) for at_s in failures]
    return judge(failed, earlier=earlier, circuit=circuit, policy=POLICY, jitter=0.0)


def test_a_refused_key_lines_up_again_and_counts_nothing():
    """The gate holds everything, so the chunk only waits."""
    assert verdict(ApiDenied("no"), failures=tuple(range(20))) == SendAgain()


@pytest.mark.parametrize("error", [ApiUnreachable("gone"), ApiBusy("busy"), ApiNotYet("not yet"), ApiGarbled("?")])
def test_a_passing_fault_is_tried_later(error):
    """The first failure of a retryable kind waits and counts one attempt."""
    assert verdict(error) == TryLater(wait_s=1.0, counted=1)


def test_attempts_before_a_restart_count():
    """A restart does not give a chunk its attempts back."""
    assert verdict(ApiNotYet("not yet"), earlier=2) == FailChunk()


def test_a_refusal_fails_at_once():
    """What the service refuses for good is not asked again."""
    assert verdict(ApiRefused("no")) == FailChunk()


def test_used_up_attempts_fail_the_chunk_when_others_got_through():
    """When another request succeeded since the first failure, it is this chunk's fault."""
    circuit = CLOSED.succeeded(began_s=2.0, now_s=2.0)

    assert verdict(ApiBusy("busy"), failures=(1.0, 3.0, 5.0), circuit=circuit) == FailChunk()


def test_used_up_attempts_blame_the_service_when_nothing_got_through():
    """When nothing has succeeded since the first failure, no file may be blamed."""
    circuit = CLOSED.succeeded(began_s=0.5, now_s=0.5)

    assert verdict(ApiUnreachable("gone"), failures=(1.0, 3.0, 5.0), circuit=circuit) == BlameService()


def test_failures_in_an_outage_are_not_counted():
    """During an outage a chunk only lines up again."""
    circuit = CLOSED.failed(now_s=1.0).opened(now_s=1.5)

    assert verdict(ApiUnreachable("gone"), failures=(1.0, 2.0, 3.0, 4.0), circuit=circuit) == SendAgain()


def test_a_hold_uses_no_attempts_up():
    """However often the key was refused, the next failure of another kind is the first that counts."""
    failed = [*(Failure(error=ApiDenied("no"), at_s=at_s) for at_s in range(9)), Failure(error=ApiBusy("?"), at_s=9.0)]
    circuit = CLOSED.succeeded(began_s=8.5, now_s=8.5)

    found = judge(failed, earlier=0, circuit=circuit, policy=POLICY, jitter=0.0)

    assert found == TryLater(wait_s=1.0, counted=1)


def test_an_unreadable_answer_is_not_the_last_straw_after_other_faults():
    """The few attempts that unreadable answers get are used up by them alone, the others' by all together."""
    patient = Policy(attempts=5, first_wait_s=1.0, max_wait_s=300.0)
    busy, garbled = ApiBusy("busy"), ApiGarbled("?")

    def found(*errors):
        failed = [Failure(error=error, at_s=float(at_s)) for at_s, error in enumerate(errors, start=1)]
        return judge(failed, earlier=0, circuit=CLOSED.succeeded(began_s=9.0, now_s=9.0), policy=patient, jitter=0.0)

    assert found(busy, busy, busy, garbled) == TryLater(wait_s=1.0, counted=4)
    assert found(garbled, garbled, garbled) == FailChunk()
    assert found(busy, busy, busy, busy, garbled) == FailChunk()


def test_a_crowd_uses_no_attempts_up():
    """However often a chunk was one too many, while others got through, it waits longer and is not given up."""
    crowded, busy = ApiBusy("too many", status=429), ApiBusy("busy", status=503)

    def found(*errors):
        failed = [Failure(error=error, at_s=float(at_s)) for at_s, error in enumerate(errors, start=1)]
        return judge(failed, earlier=0, circuit=CLOSED.succeeded(began_s=9.0, now_s=9.0), policy=POLICY, jitter=0.0)

    assert found(*[crowded] * 6) == TryLater(wait_s=32.0, counted=0)
    assert found(*[crowded] * 6, busy) == TryLater(wait_s=1.0, counted=1)
    assert found(busy, crowded) == TryLater(wait_s=1.0, counted=1)


def test_a_file_that_stays_invisible_is_given_up_without_blaming_the_service():
    """A 404 is an answer: the service is there."""
    assert verdict(ApiNotYet("not yet"), failures=(1.0, 2.0, 3.0)) == FailChunk()


@pytest.mark.parametrize(
    ("error", "reason"), [(ApiRefused("no"), Reason.REJECTED_BY_API), (ApiBusy("busy"), Reason.GAVE_UP)]
)
def test_the_recordings_error_says_whose_fault_it_was(error, reason):
    """A refusal and exhausted attempts have slugs of their own, each with a next step."""
    said = recording_error(error)

    assert said.reason is reason
    assert said.hint


def test_an_answer_to_a_request_from_before_the_outage_is_no_evidence():
    """What left before this chunk first failed and is answered later does not show that the service is there now."""
    circuit = CLOSED.succeeded(began_s=0.5, now_s=4.0)

    assert verdict(ApiUnreachable("gone"), failures=(1.0, 3.0, 5.0), circuit=circuit) == BlameService()
