"""What follows from a failed attempt, given everything that is known of the far side. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxtrald.dispatch.circuit import Circuit
from voxtrald.errors import ApiBusy, ApiDenied, ApiError, ApiRefused, ApiUnreachable, Reason, RecordingError
from voxtrald.retrying import GiveUp, HoldAll, Policy, RetryIn, decide


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


def judge(
    error: ApiError, *, failures: Sequence[float], earlier: int, circuit: Circuit, policy: Policy, jitter: float
) -> Verdict:
    """Decide what follows from `error`.

    Args:
        error: of the last attempt.
        failures: monotonic times of this chunk's failed attempts since the program started, the last one included.
        earlier: attempts counted before that.
        circuit: what is known of the far side.
        policy: how patient to be.
        jitter: a random number in [0, 1).
    """
    if isinstance(error, ApiDenied):
        return SendAgain()
    counted = earlier + sum(not circuit.excuses(at_s) for at_s in failures)
    if counted == 0:
        return SendAgain()
    match decide(error, attempt=counted, policy=policy, jitter=jitter):
        case RetryIn(wait_s=wait_s):
            return TryLater(wait_s=wait_s, counted=counted)
        case HoldAll():
            return SendAgain()
        case GiveUp():
            is_service_silent = circuit.last_success_s is None or circuit.last_success_s < failures[0]
            could_be_outage = isinstance(error, ApiUnreachable | ApiBusy)
            return BlameService() if could_be_outage and is_service_silent else FailChunk()


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
        hint="move the file back to the inbox to try again; only what is missing is asked and paid for",
    )
