"""How the work stands, as a value that the deciding thread gives to whoever asks from another thread."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from voxtrald.dispatch.lanes import Lane
from voxtrald.watch.intake import Intake

PATIENCE_S: Final = 2.0
"""How long an answer is waited for: the deciding thread may be looking through a large inbox just now."""

SILENT_AFTER_S: Final = 30.0
"""After how long without a turn the deciding thread counts as stuck; it wakes up every ten seconds at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A far side: its gate is `closed` (normal), `open` (an outage) or `held` (it refuses us, with the reason)."""

    service: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What waits and runs, and what keeps it from going on.

    Attributes:
        waiting: files in the inbox that nobody works on.
        oldest_waiting_s: since when the first of them has waited.
        held: how many of the waiting would pass a limit on spending.
        mending: how many of them wait for a file beside them to be mended.
        inbox_trouble: why the inbox cannot be looked at, or empty.
        storage_trouble: why results cannot be stored, or empty.
    """

    waiting: int
    oldest_waiting_s: float
    working: int
    held: int = 0
    mending: int = 0
    inbox_trouble: str = ""
    storage_trouble: str = ""
    services: tuple[ServiceState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SituationAsked:
    """Somebody wants to know how the work stands; `answer` takes it and never blocks."""

    answer: Callable[[Situation], None]


def look_around(
    intake: Intake, lanes: Iterable[Lane], *, working: int, held: int, mending: int, storage_trouble: str, now_s: float
) -> Situation:
    """Put together how the work stands; for the deciding thread alone."""
    services = [
        ServiceState(service=lane.service, state=lane.gate.circuit.state, reason=lane.gate.circuit.held or "")
        for lane in lanes
    ]
    return Situation(
        waiting=intake.waiting(),
        oldest_waiting_s=intake.oldest_s(now_s=now_s),
        working=working,
        held=held,
        mending=mending,
        inbox_trouble=intake.state.reason,
        storage_trouble=storage_trouble,
        services=tuple(services),
    )


class Pulse:
    """When the deciding thread had its last turn. One thread writes, others read."""

    def __init__(self, *, now_s: float) -> None:
        self._turn_at_s = now_s

    def turn(self, *, now_s: float) -> None:
        """Take in that the deciding thread has a turn."""
        self._turn_at_s = now_s

    def silent_s(self, *, now_s: float) -> float:
        """Say for how long there was none."""
        return now_s - self._turn_at_s


def ask(put: Callable[[SituationAsked], None], *, patience_s: float = PATIENCE_S) -> Situation | None:
    """Ask the deciding thread through its mailbox and wait for the answer; None where it gives none in time."""
    answers: queue.SimpleQueue[Situation] = queue.SimpleQueue()
    put(SituationAsked(answer=answers.put))
    try:
        return answers.get(timeout=patience_s)
    except queue.Empty:
        return None


def why_not_ready(situation: Situation | None) -> tuple[str, ...]:
    """Give what keeps new recordings from being transcribed now; nothing where they are."""
    if situation is None:
        return ("the deciding thread does not answer",)
    held = [f"{each.service} is held: {each.reason}" for each in situation.services if each.state == "held"]
    troubles = (
        f"the inbox cannot be watched: {situation.inbox_trouble}" if situation.inbox_trouble else "",
        f"results cannot be stored: {situation.storage_trouble}" if situation.storage_trouble else "",
    )
    return (*filter(None, troubles), *held)
