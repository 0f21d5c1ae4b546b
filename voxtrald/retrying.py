"""What to do after the far side failed: wait and try again, give up, or hold all work.

A retry is a decision about values: the error, the attempts so far, the policy and a random number go in, a
decision comes out. The caller waits, and keeps the count of attempts in the ledger, where it survives a
restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiError,
    ApiGarbled,
    ApiNotYet,
    ApiUnreachable,
)

_GARBLED_ATTEMPTS = 3  # an answer that cannot be read may have been charged all the same
_NOT_YET_FIRST_WAIT_S = 1.0  # an upload becomes visible within moments, whatever the policy for outages is
_SPREAD = 0.1  # of a Retry-After, added: senders told the same second must not all come back in it
_MOST_DOUBLINGS = 60  # 2.0 ** 1024 raises OverflowError, and a ledger can hold any count


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient to be.

    Attributes:
        attempts: how often a request is tried altogether.
        first_wait_s: the wait after the first failure; it doubles from there.
        max_wait_s: the longest wait of our own choosing.
    """

    attempts: int
    first_wait_s: float
    max_wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryIn:
    """Try again in `wait_s` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """This recording will not get through: stop trying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAll:
    """No recording will get through until an operator acts: hold all work, touch no file."""


Decision = RetryIn | GiveUp | HoldAll


def backoff_s(*, attempt: int, policy: Policy, jitter: float) -> float:
    """Compute the wait after the `attempt`-th failure: doubling, capped, then shortened by up to a half.

    Args:
        attempt: failures so far, from 1.
        policy: first and longest wait.
        jitter: a random number in [0, 1); 0 gives the whole wait.

    Returns:
        Seconds, never negative and never above `policy.max_wait_s`.
    """
    doublings = min(max(attempt - 1, 0), _MOST_DOUBLINGS)
    whole_s = min(policy.first_wait_s * 2.0**doublings, policy.max_wait_s)
    return max(0.0, whole_s * (1.0 - jitter / 2.0))


def decide(error: ApiError, *, attempt: int, policy: Policy, jitter: float) -> Decision:
    """Decide what follows from `error`, the outcome of attempt number `attempt` (from 1).

    `jitter` is a random number in [0, 1). A wait the server asked for wins over ours, even above the policy's
    cap; "at once" is not a wait and leaves ours in force. Too many requests are never a reason to give up.
    """
    match error:
        case ApiDenied():
            return HoldAll()
        case ApiBusy() if error.is_crowded:
            allowed, pace = attempt + 1, policy
        case ApiBusy() | ApiUnreachable():
            allowed, pace = policy.attempts, policy
        case ApiNotYet():
            first_wait_s = min(policy.first_wait_s, _NOT_YET_FIRST_WAIT_S)
            allowed, pace = policy.attempts, replace(policy, first_wait_s=first_wait_s)
        case ApiGarbled():
            allowed, pace = min(policy.attempts, _GARBLED_ATTEMPTS), policy
        case _:
            return GiveUp()
    if attempt >= allowed:
        return GiveUp()
    return RetryIn(wait_s=_wished_s(error, jitter) or backoff_s(attempt=attempt, policy=pace, jitter=jitter))


def _wished_s(error: ApiError, jitter: float) -> float:
    """Compute the wait the server asked for, a little later for each sender; 0 where it asked for none."""
    wished_s = error.retry_after_s if isinstance(error, ApiBusy) else None
    return max(0.0, wished_s or 0.0) * (1.0 + _SPREAD * jitter)
