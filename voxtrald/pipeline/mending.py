"""After every chunk is answered: does the text fit the sound? What does not is asked once more, in other bounds.

A recording is complete without these answers. What gets none leaves its finding open, and fails nothing; an outage, a
refused key and a crash are met as by any chunk, and an answer is kept before anything else happens with it.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

import structlog

from voxtrald.audio.prepare import EmptySpanError
from voxtrald.audio.probe import AudioSource
from voxtrald.dispatch.threads import guarded
from voxtrald.errors import RecordingError
from voxtrald.pipeline.assembling import merged, placed
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, Planned, Prepared, Ready, Reused, Unmade
from voxtrald.pipeline.gathering import Gathering
from voxtrald.pipeline.hearing import Hearing
from voxtrald.pipeline.making import Making
from voxtrald.pipeline.room import Room
from voxtrald.pipeline.sending import audio_chunk
from voxtrald.pipeline.settled import Gathered, Mended, Settled
from voxtrald.steps import Step, announce
from voxtrald.store.results import ResultKey
from voxtrald.store.sources import require_claimed
from voxtrald.transcript.concluding import conclude
from voxtrald.transcript.coverage import SpeechMap, covered
from voxtrald.transcript.document import Kept, Repair
from voxtrald.transcript.inspecting import Finding, inspect
from voxtrald.transcript.model import PlacedAnswer, Span, Transcript
from voxtrald.transcript.repairing import Request, budget_of, plan_repairs
from voxtrald.transcript.splicing import splice

_PARAMETERS: Final = {"repair": 1}
"""What tells the key of a repair from that of a chunk: the one is cut and asked otherwise than the other."""

_ROOM: Final = 4  # prepared at once: few are asked, and all are short

log = structlog.get_logger()


def inspect_unheard(assignment: Assignment, gathered: Gathered) -> Gathered:
    """Inspect text and times of a recording whose sound is not here; nothing of it can be asked again."""
    answers = [placed(chunk.span, chunk.kept) for chunk in gathered.chunks if chunk.kept]
    transcript = merged(assignment, gathered)
    found = inspect(transcript, speech=None, answers=answers)
    concluded = conclude(transcript, found=found, speech=None, answers=answers)
    return replace(gathered, mended=Mended(transcript=concluded.transcript, inspection=concluded.inspection))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """The inspection and the repair of one recording of which every chunk has its answer.

    Attributes:
        sha256: of the recording.
        pool: for the preparation of what is asked again.
        hearing: knows where somebody speaks.
    """

    assignment: Assignment
    tools: Tools
    source: AudioSource
    sha256: str
    pool: Executor
    hearing: Hearing

    def run(self, gathered: Gathered) -> Gathered:
        """Inspect, ask again, splice, and inspect once more.

        Raises:
            StopRequested, StorageUnavailable, RecordingChanged: as from gathering.
        """
        speech = self.hearing.speech(sha256=self.sha256, duration_ms=gathered.duration_ms)
        answers = [placed(chunk.span, chunk.kept) for chunk in gathered.chunks if chunk.kept]
        transcript = merged(self.assignment, gathered)
        found = inspect(transcript, speech=speech, answers=answers)
        requests = self._plan(found, transcript, speech=speech, gathered=gathered)
        self._tell_found(found, requests)
        asked = self._ask(requests, gathered=gathered) if requests else ()
        patched = _patched(transcript, requests, asked, speech=speech)
        for repair in patched.repairs:
            log.info("repair_answered", **self.about(repair.span), kept=repair.kept, reused=repair.reused)
        concluded = conclude(
            patched.transcript,
            found=found,
            speech=speech,
            answers=answers,
            repairs=patched.repairs,
            silent=patched.silent,
        )
        mended = Mended(transcript=concluded.transcript, inspection=concluded.inspection, asked=asked)
        return replace(gathered, mended=mended)

    def _plan(
        self, found: Sequence[Finding], transcript: Transcript, *, speech: SpeechMap | None, gathered: Gathered
    ) -> tuple[Request, ...]:
        return plan_repairs(
            found,
            speech=speech,
            texted=covered(transcript),
            chunks=[chunk.span for chunk in gathered.chunks],
            duration_ms=gathered.duration_ms,
            budget_ms=budget_of(gathered.duration_ms, share=self.assignment.settings.inspect.repair_share),
            max_ms=self.assignment.limits.max_ms,
        )

    def _tell_found(self, found: Sequence[Finding], requests: Sequence[Request]) -> None:
        if found:
            kinds = sorted({str(finding.kind) for finding in found})
            asked_s = sum(request.span.length_ms for request in requests) / 1000
            counts = {"findings": len(found), "repairs": len(requests), "asked_s": round(asked_s, 1)}
            log.info("transcript_inspected", job=self.assignment.job.id, kinds=kinds, **counts)

    def about(self, span: Span) -> dict[str, object]:
        """Name a span of the recording in the log."""
        return {"job": self.assignment.job.id, "start_ms": span.start_ms, "end_ms": span.end_ms}

    # --- asking again ------------------------------------------------------------------------------------------

    def _ask(self, requests: Sequence[Request], *, gathered: Gathered) -> tuple[Settled, ...]:
        assignment, tools = self.assignment, self.tools
        spans = tuple(request.span for request in requests)
        mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        room = Room(_ROOM)
        gathering = Gathering(
            assignment=assignment,
            tools=tools,
            key_of=self.key_of,
            deliver=lambda chunk, key: assignment.engine.deliver(audio_chunk(chunk, key=key)),
            room=room,
            mailbox=mailbox,
            earlier=tools.ledger.attempts_of(assignment.job.id),
            first_index=len(gathered.chunks),
            is_optional=True,
        )
        planned = Planned(spans=spans, duration_ms=gathered.duration_ms)
        preparing = _Preparing(mending=self, planned=planned, room=room, put=mailbox.put, behind=len(gathered.chunks))
        try:
            self.pool.submit(lambda: mailbox.put(guarded(preparing.run)))
            return gathering.run().chunks
        finally:
            room.cancel()  # or the pool's end would wait for a preparation that waits for room

    def key_of(self, span: Span) -> ResultKey:
        """Give the key of a repair's answer."""
        parameters = {**self.assignment.engine.parameters, **self.source.choice, **_PARAMETERS}
        return ResultKey(audio_sha256=self.sha256, span=span, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Preparing:
    """Prepares what is asked again, beside the worker that sends it."""

    mending: Mending
    planned: Planned
    room: Room
    put: Callable[[Event], None]
    behind: int

    def run(self) -> Prepared:
        self.put(self.planned)
        places = list(enumerate(self.planned.spans, start=self.behind))
        wanted = [(index, span) for index, span in places if not self._reuse(index, span)]
        if wanted:
            mending = self.mending
            # What is asked follows from the map: another one, after a crash, would ask for other spans.
            mending.hearing.keep_durably(sha256=mending.sha256)
            making = Making(assignment=mending.assignment, source=mending.source, tools=mending.tools)
            making = making.with_own_layout()
            for index, span in wanted:
                self.room.take()
                self._hand_over(making, index, span)
        return Prepared()

    def _reuse(self, index: int, span: Span) -> bool:
        mending = self.mending
        key = mending.key_of(span)
        kept = mending.tools.results.find(key)
        if kept is not None:
            mending.assignment.books(mending.tools.ledger).make_up(key, kept)
            self.put(Reused(index=index, span=span, kept=kept))
        return kept is not None

    def _hand_over(self, making: Making, index: int, span: Span) -> None:
        try:
            chunk = making.encode(index, span, is_last=span.end_ms >= self.planned.duration_ms)
        except (EmptySpanError, RecordingError) as error:
            log.warning("repair_left_out", **self.mending.about(span), error=error.message)
            self.room.give()
            self.put(Unmade(index=index, span=span))
            return
        # A chunk cut from a file that changed meanwhile must not be paid for under the old content's key.
        require_claimed(self.mending.assignment.path, self.mending.assignment.job)
        announce(Step.CHUNK_PREPARED)
        self.put(Ready(index=index, chunk=chunk))


# --- what came of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patched:
    transcript: Transcript
    repairs: tuple[Repair, ...]
    silent: tuple[Span, ...]


def _patched(
    transcript: Transcript, requests: Sequence[Request], asked: Sequence[Settled], *, speech: SpeechMap | None
) -> _Patched:
    """Splice in the answers that were given, one after the other. Pure."""
    repairs: list[Repair] = []
    silent: list[Span] = []
    for request, settled in zip(requests, asked, strict=True):
        if settled.kept is not None:
            answer = PlacedAnswer(span=request.span, offset_ms=settled.kept.offset_ms, answer=settled.kept.answer)
            spliced = splice(transcript, request, answer=answer, speech=speech)
            transcript = spliced.transcript
            silent += spliced.silent
            repairs.append(_repair(request, settled, kept=spliced.kept))
    return _Patched(transcript=transcript, repairs=tuple(repairs), silent=tuple(silent))


def _repair(request: Request, settled: Settled, *, kept: Kept) -> Repair:
    answer = settled.kept.answer if settled.kept else None
    return Repair(
        span=request.span,
        kinds=request.kinds,
        kept=kept,
        request_id=answer.request_id if answer else None,
        billed_s=answer.billed_s if answer else None,
        cost=0.0 if settled.reused else settled.cost,
        reused=settled.reused,
    )
