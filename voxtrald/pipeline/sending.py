"""One chunk's attempts: send it, keep the answer before anything else happens with it, or say why not.

`Sending.attempt` runs in a sender thread and gives its end as an event; what follows from a failure is decided by
the worker that carries the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from voxtrald.audio.damage import chunk_damage
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.dispatch.budget import Reserved
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.spending import Charge, Go, Hold, Verdict
from voxtrald.engines.base import AudioChunk, Delivery
from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiError,
    ApiRefused,
    ApiUnreachable,
    StopRequested,
    StorageUnavailable,
)
from voxtrald.pipeline.assignment import Tools
from voxtrald.pipeline.billing import Books
from voxtrald.pipeline.deciding import Failure
from voxtrald.pipeline.events import Answered, Attempt, AttemptFailed, Occupied, Unaffordable
from voxtrald.pipeline.progress import Attempted, Progress
from voxtrald.steps import Step, announce
from voxtrald.store.results import KeptAnswer, ResultKey
from voxtrald.transcript.model import Answer

_STORE_AGAIN_S = 1.0

Stored = TypeVar("Stored")

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Parcel:
    """A prepared chunk on its way, with what happened to it so far.

    Attributes:
        earlier_attempts: failed attempts before this start of the program, from the ledger.
        failures: the failed attempts since.
    """

    index: int
    key: ResultKey
    chunk: PreparedChunk
    delivery: Delivery
    earlier_attempts: int = 0
    failures: list[Failure] = field(default_factory=list)
    cancelled: bool = False
    sent: int = 0

    def require_wanted(self) -> None:
        """Raise StopRequested when the recording has no more use for an answer."""
        if self.cancelled:
            raise StopRequested("the recording needs no more answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Where attempts are made: the lane's gate, the budget and the stores an answer goes to."""

    books: Books
    lane: Lane
    tools: Tools
    tell: Callable[[Progress], None]

    def attempt(self, parcel: Parcel) -> Attempt:
        """Try once, in a sender thread.

        Raises:
            StopRequested: stop was asked for before anything left.
            StorageUnavailable: an answer could not be kept now, so nothing was sent.
        """
        with self.tools.asking.turn(parcel.key.digest) as is_mine:
            if not is_mine:
                return Occupied(index=parcel.index)
            if kept := self.tools.results.find(parcel.key):
                parcel.delivery.close()
                return Answered(index=parcel.index, kept=kept, audio_s=0.0, cost=0.0, reused=True)
            return self._try(parcel)

    def _try(self, parcel: Parcel) -> Attempt:
        charge = self.books.charge_for(parcel.chunk.duration_ms)
        # Before the gate, too, so that who has to wait takes nobody's turn there; what counts is the answer behind it.
        funds: Verdict | Reserved = self.tools.budget.look(charge)
        if isinstance(funds, Go):
            began_s = self.lane.gate.enter()
            funds = self._reserve(charge)
            if isinstance(funds, Reserved):
                try:
                    return self._send(parcel, began_s=began_s)
                finally:
                    funds.release()
        return Unaffordable(index=parcel.index, hold=funds) if isinstance(funds, Hold) else Occupied(index=parcel.index)

    def _reserve(self, charge: Charge) -> Reserved | Verdict:
        funds: Reserved | Verdict | None = None
        try:
            funds = self.tools.budget.reserve(charge)
        finally:
            if not isinstance(funds, Reserved):
                self.lane.gate.learnt_nothing()
        return funds

    def _send(self, parcel: Parcel, *, began_s: float) -> Answered | AttemptFailed:
        try:
            answer = self._ask(parcel, began_s=began_s)
        except ApiError as error:
            self._tell(began_s=began_s, error=error.slug)
            return AttemptFailed(index=parcel.index, error=error, at_s=self.tools.clock.monotonic_s())
        self._tell(began_s=began_s)
        return self._keep(parcel, answer)

    def _tell(self, *, began_s: float, error: str = "") -> None:
        took_s = self.tools.clock.monotonic_s() - began_s
        self.tell(Attempted(job=self.books.job.id, service=self.lane.service, took_s=took_s, error=error))

    def _ask(self, parcel: Parcel, *, began_s: float) -> Answer:
        gate = self.lane.gate
        try:
            parcel.require_wanted()
            self.tools.results.check_room()
            parcel.sent += 1
            answer = parcel.delivery.attempt()
        except ApiDenied as error:
            gate.denied(error.message)
            raise
        except (ApiUnreachable, ApiBusy):
            gate.failed()
            raise
        except ApiRefused:
            gate.succeeded(began_s=began_s)  # a refusal is an answer: the far side is there
            raise
        except (ApiError, StopRequested, StorageUnavailable):
            gate.learnt_nothing()
            raise
        gate.succeeded(began_s=began_s)
        announce(Step.ANSWER_RECEIVED)
        return answer

    def _keep(self, parcel: Parcel, answer: Answer) -> Answered:
        chunk = parcel.chunk
        kept = KeptAnswer(
            answer=answer,
            offset_ms=chunk.offset_ms,
            duration_ms=answer.heard_ms if chunk.how == "address" else chunk.duration_ms,
            how=chunk.how,
            damage=chunk_damage(chunk),
        )
        self._insist(lambda: self.tools.results.keep(parcel.key, kept))
        bill = self._insist(lambda: self.books.enter(parcel.key, kept))
        parcel.delivery.close()
        return Answered(index=parcel.index, kept=kept, audio_s=bill.audio_s, cost=bill.cost)

    def _insist(self, store: Callable[[], Stored]) -> Stored:
        """Store what is already paid for, however long the disk stays full."""
        while True:
            try:
                return store()
            except StorageUnavailable as error:
                log.warning("answer_waits_for_storage", error=error.message, hint=error.hint)
                if self.tools.stop.wait(_STORE_AGAIN_S):
                    raise


def audio_chunk(chunk: PreparedChunk, *, key: ResultKey) -> AudioChunk:
    """Describe a prepared chunk to an engine."""
    return AudioChunk(
        key=key.digest,
        path=chunk.path,
        extension=chunk.extension,
        size_bytes=chunk.size_bytes,
        duration_ms=chunk.duration_ms,
    )
