"""What follows from a failed attempt, given everything that is known of the far side. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxtrald.dispatch.circuit import Circuit
from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiError,
    ApiGarbled,
    ApiRefused,
    ApiUnreachable,
    Reason,
    RecordingError,
)
from voxtrald.retrying import GiveUp, HoldAll, Policy, RetryIn, backoff_s, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt, and when it failed on the monotonic clock."""

    error: ApiError
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """Line up at the gate again, which knows when: nothing is counted against the chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """Try again in `wait_s`; `counted` attempts are used up."""

    wait_s: float
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlameService:
    """The attempts are used up, but nothing of any recording got through meanwhile: declare an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailChunk:
    """This chunk will not get an answer."""


Verdict = SendAgain | TryLater | BlameService | FailChunk


def judge(failures: Sequence[Failure], *, earlier: int, circuit: Circuit, policy: Policy, jitter: float) -> Verdict:
    """Decide what follows from the last of a chunk's failures.

    Args:
        failures: the chunk's failed attempts since the program started.
        earlier: attempts counted before that.
        circuit: what is known of the far side.
        policy: how patient to be.
        jitter: a random number in [0, 1).
    """
    error = failures[-1].error
    if isinstance(error, ApiDenied):
        return SendAgain()
    counted = earlier + sum(is_counted(failure, circuit) for failure in failures)
    if counted == 0 and not is_crowded(error):
        return SendAgain()
    attempt = counted
    if is_crowded(error) or (isinstance(error, ApiGarbled) and counted < policy.attempts):
        # Few garbled answers are allowed, and the wait in a crowd grows by the crowd alone: failures of other kinds
        # must not count there.
        attempt = sum(is_alike(failure.error, error) for failure in failures)
    match decide(error, attempt=attempt, policy=policy, jitter=jitter):
        case RetryIn(wait_s=wait_s):
            return TryLater(wait_s=wait_s, counted=counted)
        case HoldAll():
            return SendAgain()
        case GiveUp():
            is_service_silent = circuit.answered_from_s is None or circuit.answered_from_s < failures[0].at_s
            could_be_outage = isinstance(error, ApiUnreachable | ApiBusy)
            return BlameService() if could_be_outage and is_service_silent else FailChunk()


def judge_fetch(
    error: ApiError, *, counted: int, tries: int, is_excused: bool, policy: Policy, jitter: float
) -> TryLater | None:
    """Decide what follows from a failed fetch of what a link names; None to give up.

    Args:
        error: why it failed.
        counted: attempts used up before this one.
        tries: failures since the program started, this one included.
        is_excused: whether the failure says nothing about the link, so that it uses up no attempt.
        policy: how patient to be.
        jitter: a random number in [0, 1).
    """
    if is_excused:
        return TryLater(wait_s=backoff_s(attempt=tries, policy=policy, jitter=jitter), counted=counted)
    match decide(error, attempt=counted + 1, policy=policy, jitter=jitter):
        case RetryIn(wait_s=wait_s):
            return TryLater(wait_s=wait_s, counted=counted + 1)
        case _:
            return None


def is_counted(failure: Failure, circuit: Circuit) -> bool:
    """Whether a failure uses up an attempt: not an outage, a refused key or a crowd, which are no chunk's fault.

    A service that takes fewer requests at once than we send refuses the same chunk again and again, by chance, while
    others get through.
    """
    is_excused = isinstance(failure.error, ApiDenied) or is_crowded(failure.error) or circuit.excuses(failure.at_s)
    return not is_excused


def is_crowded(error: ApiError) -> bool:
    """Whether the far side had too many requests at once."""
    return isinstance(error, ApiBusy) and error.is_crowded


def is_alike(left: ApiError, right: ApiError) -> bool:
    """Whether two failures are of one kind."""
    return type(left) is type(right) and is_crowded(left) == is_crowded(right)


def recording_error(error: ApiError) -> RecordingError:
    """Say what a chunk's final error means for its recording."""
    if isinstance(error, ApiRefused):
        return RecordingError(
            Reason.REJECTED_BY_API,
            f"the transcription service refused the recording: {error.message}",
            hint="check that the file plays; if it does, see whether engine.language or context_bias is at fault",
        )
    return RecordingError(
        Reason.GAVE_UP,
        f"the transcription service did not give an answer in all attempts: {error.message}",
        hint="see whether the service has trouble, and try again when it has not",
    )
