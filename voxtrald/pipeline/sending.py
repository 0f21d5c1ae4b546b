"""One chunk's attempts: send it, keep the answer before anything else happens with it, or say why not.

`Sending.attempt` runs in a sender thread and gives its end as an event; what follows from a failure is decided by
the worker that carries the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from voxtrald.audio.prepare import PreparedChunk
from voxtrald.engines.base import AudioChunk, Delivery, Engine
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
from voxtrald.pipeline.events import Answered, AttemptFailed, Occupied
from voxtrald.steps import Step, announce
from voxtrald.store.jobs import Job
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
    """Where attempts are made: the shared gate, the engine's price and the stores an answer goes to."""

    job: Job
    engine: Engine
    tools: Tools

    def attempt(self, parcel: Parcel) -> Answered | Occupied | AttemptFailed:
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

    def _try(self, parcel: Parcel) -> Answered | AttemptFailed:
        began_s = self.tools.gate.enter()
        try:
            answer = self._ask(parcel, began_s=began_s)
        except ApiError as error:
            return AttemptFailed(index=parcel.index, error=error, at_s=self.tools.clock.monotonic_s())
        return self._keep(parcel, answer)

    def _ask(self, parcel: Parcel, *, began_s: float) -> Answer:
        gate = self.tools.gate
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
        kept = KeptAnswer(
            answer=answer,
            offset_ms=parcel.chunk.offset_ms,
            duration_ms=parcel.chunk.duration_ms,
            how=parcel.chunk.how,
        )
        books = Books(job=self.job, engine=self.engine, ledger=self.tools.ledger)
        self._insist(lambda: self.tools.results.keep(parcel.key, kept))
        bill = self._insist(lambda: books.enter(parcel.key, kept))
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
