"""The worker's loop: send what is ready, gather answers, decide what a failure means, until nothing is left.

One thread owns all of a recording's state; preparation and senders only put events into its mailbox.
"""

from __future__ import annotations

import heapq
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from voxtrald.audio.prepare import PreparedChunk
from voxtrald.dispatch.threads import Broken
from voxtrald.engines.base import Delivery
from voxtrald.errors import ApiError, BudgetReached, RecordingError, StopRequested, StorageUnavailable
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.deciding import (
    BlameService,
    FailChunk,
    Failure,
    SendAgain,
    TryLater,
    judge,
    recording_error,
)
from voxtrald.pipeline.events import (
    Answered,
    Attempt,
    AttemptFailed,
    Event,
    Occupied,
    Planned,
    Prepared,
    Ready,
    Reused,
    StopAsked,
    Unaffordable,
    Undone,
    Unmade,
)
from voxtrald.pipeline.progress import AllPrepared, ChunkProgress
from voxtrald.pipeline.room import Room
from voxtrald.pipeline.sending import Parcel, Sending
from voxtrald.pipeline.settled import Gathered, Settled
from voxtrald.store.ledger_chunks import ChunkAttempt, ChunkState
from voxtrald.store.results import ResultKey
from voxtrald.transcript.model import Span

_OCCUPIED_S = 0.5

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Gathering:
    """The state of one recording while its chunks are under way.

    Attributes:
        first_index: of these chunks, where others of the recording were gathered before.
        is_optional: whether the recording is complete without any of them: what gets no answer is left out.
        heed: hears which chunk was answered or given up.
    """

    assignment: Assignment
    tools: Tools
    key_of: Callable[[Span], ResultKey]
    deliver: Callable[[PreparedChunk, ResultKey], Delivery]
    room: Room
    mailbox: queue.SimpleQueue[Event]
    earlier: Mapping[str, ChunkAttempt]
    first_index: int = 0
    is_optional: bool = False
    heed: Callable[[int], None] = lambda _: None
    _plan: Planned | None = None
    _parcels: dict[int, Parcel] = field(default_factory=dict)
    _settled: dict[int, Settled] = field(default_factory=dict)
    _due: list[tuple[float, int]] = field(default_factory=list)
    _under_way: int = 0
    _preparing: bool = True
    _ending: BaseException | None = None

    def run(self) -> Gathered:
        """Gather until every chunk is settled, or until an error ends it and nothing is under way any more.

        Raises:
            StopRequested, StorageUnavailable, BudgetReached, RecordingChanged, RecordingError: what ended it early.
                Answers that were under way have been waited for and kept: they are paid.
        """
        with self.tools.stop.calling(lambda: self.mailbox.put(StopAsked())):
            while not self._is_over():
                self._take_safely(self._next())
        for parcel in self._unsettled():
            parcel.delivery.close()
        has_failed = isinstance(self._ending, RecordingError)
        if self._plan is not None and (self._is_complete() or (has_failed and self._has_text())):
            return self._gathered(self._plan)
        raise self._ending or StopRequested("nothing is left to do")

    # --- the loop ----------------------------------------------------------------------------------------------

    @property
    def _total(self) -> int | None:
        return self.first_index + len(self._plan.spans) if self._plan else None

    def _is_complete(self) -> bool:
        return self._plan is not None and len(self._settled) == len(self._plan.spans)

    def _is_over(self) -> bool:
        return not (self._preparing or self._under_way) and (self._ending is not None or self._is_complete())

    def _has_text(self) -> bool:
        return any(settled.kept is not None for settled in self._settled.values())

    def _unsettled(self) -> list[Parcel]:
        return [parcel for index, parcel in self._parcels.items() if index not in self._settled]

    def _next(self) -> Event:
        while True:
            wait_s = self._send_what_is_due()
            try:
                return self.mailbox.get(timeout=wait_s)
            except queue.Empty:
                continue

    def _send_what_is_due(self) -> float | None:
        """Send every parcel whose wait is over; say how long until the next one is due."""
        now_s = self.tools.clock.monotonic_s()
        while self._due and self._due[0][0] <= now_s:
            self._send(self._parcels[heapq.heappop(self._due)[1]])
        return self._due[0][0] - now_s if self._due else None

    def _take_safely(self, event: Event) -> None:
        """Take an event; where the ledger has no room for what follows from it, wait for what is under way first."""
        try:
            self._take(event)
        except StorageUnavailable as error:
            # Left at once, the requests on their way would be paid, and the next run would ask for them again.
            self._end(error)

    def _take(self, event: Event) -> None:
        match event:
            case Planned() | Ready() | Reused() | Unmade() | Prepared():
                self._take_preparation(event)
            case Answered():
                self._take_answer(event)
            case Occupied() | Unaffordable():
                self._take_turn_again(event)
            case AttemptFailed():
                self._take_failure(event)
            case StopAsked():
                self._end(StopRequested("stop was asked for"))
            case Undone():
                self._under_way -= 1
                self._end(event.error)
            case Broken():
                self._preparing = False
                self._end(event.error)

    def _take_preparation(self, event: Planned | Ready | Reused | Unmade | Prepared) -> None:
        match event:
            case Planned():
                self._plan = event
                job, duration_ms = self.assignment.job.id, event.duration_ms
                self.tools.ledger.note_identity(job, chunks_total=self._total, duration_ms=duration_ms)
            case Prepared():
                self._preparing = False
                if not self.is_optional:
                    self.assignment.tell(AllPrepared(job=self.assignment.job.id))
            case Ready():
                self._take_ready(event)
            case Reused():
                self._settle(event.index, Settled(span=event.span, kept=event.kept, reused=True))
            case Unmade():
                self._settle(event.index, Settled(span=event.span))

    def _end(self, error: BaseException) -> None:
        """Start nothing more; what is under way is waited for, because it is paid."""
        if self._ending is None or isinstance(self._ending, StopRequested):
            self._ending = error
        self.room.cancel()
        self._due.clear()
        for parcel in self._parcels.values():
            parcel.cancelled = True

    # --- sending -----------------------------------------------------------------------------------------------

    def _take_ready(self, event: Ready) -> None:
        key = self.key_of(event.chunk.span)
        earlier = self.earlier.get(key.digest)
        parcel = Parcel(
            index=event.index,
            key=key,
            chunk=event.chunk,
            delivery=self.deliver(event.chunk, key),
            earlier_attempts=earlier.attempts if earlier else 0,
        )
        self._parcels[event.index] = parcel
        if self._ending is not None:
            return
        if earlier and earlier.next_at:
            wait_s = (earlier.next_at - self.tools.clock.now()).total_seconds()
            self._send_in(parcel, wait_s=max(0.0, wait_s))
        else:
            self._send(parcel)

    def _send_in(self, parcel: Parcel, *, wait_s: float) -> None:
        heapq.heappush(self._due, (self.tools.clock.monotonic_s() + wait_s, parcel.index))

    def _send(self, parcel: Parcel) -> None:
        self._under_way += 1
        self._tell(parcel.index, ChunkState.SENDING)
        self.assignment.lane.senders.submit(partial(self._sending.attempt, parcel), done=self._take_end)

    @property
    def _sending(self) -> Sending:
        assignment = self.assignment
        books = assignment.books(self.tools.ledger)
        return Sending(books=books, lane=assignment.lane, tools=self.tools, tell=assignment.tell)

    def _take_end(self, end: Attempt | Broken) -> None:
        """Runs in the sender's thread: only puts."""
        self.mailbox.put(Undone(error=end.error) if isinstance(end, Broken) else end)

    # --- what came of it ---------------------------------------------------------------------------------------

    def _take_answer(self, event: Answered) -> None:
        self._under_way -= 1
        parcel = self._parcels[event.index]
        self._settle(
            event.index,
            Settled(
                span=parcel.chunk.span,
                kept=event.kept,
                reused=event.reused,
                attempts=parcel.sent,
                audio_s=event.audio_s,
                cost=event.cost,
                remote_files=parcel.delivery.remote_files,
            ),
        )

    def _take_turn_again(self, event: Occupied | Unaffordable) -> None:
        self._under_way -= 1
        if isinstance(event, Unaffordable) and self.is_optional:
            self._give_up(self._parcels[event.index])
        elif isinstance(event, Unaffordable):
            self._end(BudgetReached(event.hold.reason, until=event.hold.until, hint=event.hold.hint))
        elif self._ending is None:
            self._send_in(self._parcels[event.index], wait_s=_OCCUPIED_S)

    def _take_failure(self, event: AttemptFailed) -> None:
        self._under_way -= 1
        parcel = self._parcels[event.index]
        parcel.failures.append(Failure(error=event.error, at_s=event.at_s))
        log.info("attempt_failed", chunk=event.index, error=event.error.slug, status=event.error.status)
        verdict = judge(
            parcel.failures,
            earlier=parcel.earlier_attempts,
            circuit=self.assignment.lane.gate.circuit,
            policy=self.assignment.policy,
            jitter=self.tools.jitter(),
        )
        if isinstance(verdict, FailChunk):
            self._fail(parcel, event.error)
        elif self._ending is None:
            self._try_again(parcel, event.error, verdict)

    def _try_again(self, parcel: Parcel, error: ApiError, verdict: SendAgain | BlameService | TryLater) -> None:
        match verdict:
            case SendAgain():
                self._send(parcel)
            case BlameService():
                self.assignment.lane.gate.declare_outage()
                self._send(parcel)
            case TryLater(wait_s=wait_s, counted=counted):
                self._note_retry(parcel, error, verdict)
                self._send_in(parcel, wait_s=wait_s)
                log.info("retry_scheduled", chunk=parcel.index, attempt=counted, wait_s=round(wait_s, 1))

    def _note_retry(self, parcel: Parcel, error: ApiError, later: TryLater) -> None:
        """Write the count down before the wait, so that a restart does not reset it."""
        self.tools.ledger.note_attempt(
            self.assignment.job.id,
            parcel.key.digest,
            attempts=later.counted,
            error=error.slug,
            next_at=self.tools.clock.now() + timedelta(seconds=later.wait_s),
        )
        self._tell(parcel.index, ChunkState.WAITING, note=error.slug)

    def _fail(self, parcel: Parcel, error: ApiError) -> None:
        self._give_up(parcel, error=error)
        if not self.is_optional and not self._has_text():
            self._end(recording_error(error))

    def _give_up(self, parcel: Parcel, *, error: ApiError | None = None) -> None:
        parcel.delivery.close()
        remote_files = parcel.delivery.remote_files
        left = Settled(span=parcel.chunk.span, error=error, attempts=parcel.sent, remote_files=remote_files)
        self._settle(parcel.index, left)

    def _settle(self, index: int, settled: Settled) -> None:
        self._settled[index] = settled
        if index in self._parcels:
            self._parcels[index].chunk.path.unlink(missing_ok=True)
            self.room.give()
        state = ChunkState.DONE if settled.kept else ChunkState.FAILED
        self.tools.ledger.note_chunk(
            self.assignment.job.id,
            index,
            span=settled.span,
            state=state,
            reused=settled.reused,
            billed_s=None if settled.reused else settled.audio_s,
        )
        self._tell(index, state)
        self.heed(index)

    def _gathered(self, plan: Planned) -> Gathered:
        unsent = [Settled(span=span) for span in plan.spans]
        chunks = tuple(self._settled.get(at, missing) for at, missing in enumerate(unsent, start=self.first_index))
        why = self._why_incomplete(chunks)
        return Gathered(chunks=chunks, duration_ms=plan.duration_ms, error=why, skipped=plan.skipped)

    def _why_incomplete(self, chunks: Sequence[Settled]) -> RecordingError | None:
        if isinstance(self._ending, RecordingError):
            return self._ending
        return next((recording_error(chunk.error) for chunk in chunks if chunk.error is not None), None)

    def _tell(self, index: int, state: ChunkState, *, note: str = "") -> None:
        settled = self._settled.get(index)
        span = settled.span if settled else self._parcels[index].chunk.span
        self.assignment.tell(
            ChunkProgress(
                job=self.assignment.job.id,
                recording=self.assignment.job.relative,
                index=index,
                total=self._total,
                state=state,
                length_ms=span.length_ms,
                reused=settled is not None and settled.reused,
                note=note,
            )
        )
