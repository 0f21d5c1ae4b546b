"""From a probed recording to chunks that can be sent, the first one as early as possible.

Runs in threads of its own beside the worker that sends. The first chunk needs neither the exact duration nor the
rest of the plan, so it leaves while both are still being found out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from voxtrald.audio import copying, prepare
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk
from voxtrald.audio.probe import AudioSource, measure_ms
from voxtrald.audio.quiet import find_cut
from voxtrald.errors import Reason, RecordingError, StopRequested
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, Planned, Prepared, Ready, Reused
from voxtrald.steps import Step, announce
from voxtrald.store.results import KeptAnswer, KeptPlan, ResultKey
from voxtrald.store.sources import require_claimed
from voxtrald.transcript.model import Answer, Cut, Span
from voxtrald.transcript.planning import first_window, needs_cutting, plan_spans, search_windows

_TURN_S = 0.2
_HEADER_SLACK_MS = 500  # an encoded chunk reaches up to a second past its span, to see whether there is more

log = structlog.get_logger()


class Cancelled(StopRequested):
    """The recording's worker has no more use for chunks."""


class Room:
    """How many chunks may lie prepared on disk and unsent, so that a long recording cannot fill it."""

    def __init__(self, places: int) -> None:
        self._places = threading.Semaphore(places)
        self._cancelled = threading.Event()

    def take(self) -> None:
        """Wait for a place.

        Raises:
            Cancelled: nobody wants chunks any more.
        """
        while not self._places.acquire(timeout=_TURN_S):
            self.require_wanted()
        self.require_wanted()

    def give(self) -> None:
        """Free a place: a chunk was answered or given up."""
        self._places.release()

    def cancel(self) -> None:
        """Want no more chunks."""
        self._cancelled.set()

    def require_wanted(self) -> None:
        """Raise Cancelled when chunks are no longer wanted."""
        if self._cancelled.is_set():
            raise Cancelled("no more chunks are wanted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """The preparation of one recording."""

    assignment: Assignment
    source: AudioSource
    tools: Tools
    identity: Future[str]
    pool: Executor
    room: Room
    put: Callable[[Event], None]

    def run(self) -> Prepared:
        """Prepare everything that was not yet paid for, telling of each piece as it becomes known."""
        duration_ms = self._likely_duration_ms()
        if not needs_cutting(duration_ms, self.assignment.limits):
            if self._prepare_single(duration_ms):
                return Prepared()
            duration_ms = self._measure_ms()  # the header promised less than there is
        if needs_cutting(duration_ms, self.assignment.limits):
            self._prepare_several()
        elif not self._prepare_single(duration_ms):
            raise RecordingError(
                Reason.UNREADABLE,
                "the recording is longer than all its packets say",
                hint="convert it to mp3 or wav with another program and drop that in",
            )
        return Prepared()

    def key_of(self, span: Span) -> ResultKey:
        """The key of a span's answer; waits for the content's hash."""
        return ResultKey(audio_sha256=self.identity.result(), span=span, parameters=self.assignment.engine.parameters)

    # --- one chunk ---------------------------------------------------------------------------------------------

    def _likely_duration_ms(self) -> int:
        """Believe a header that says the recording must be cut: the first chunk may leave before all is measured."""
        hint_ms = self.source.duration_ms
        if hint_ms is not None and (self.source.duration_exact or needs_cutting(hint_ms, self.assignment.limits)):
            return hint_ms
        return self._measure_ms()

    def _measure_ms(self) -> int:
        return measure_ms(self.source, ffmpeg=self.tools.ffmpeg)

    def _prepare_single(self, duration_ms: int) -> bool:
        """Prepare the whole as one chunk; say no where there turns out to be more than `duration_ms`."""
        span = Span(start_ms=0, end_ms=duration_ms)
        if self._reuse(0, span):
            self.put(Planned(spans=(span,), duration_ms=duration_ms))
            return True
        chunk = self._whole(span)
        if chunk.duration_ms > span.length_ms + _HEADER_SLACK_MS:
            self._discard(chunk)
            return False
        heard_ms = chunk.offset_ms + chunk.duration_ms if chunk.how == "encoded" else duration_ms
        self.put(Planned(spans=(span,), duration_ms=heard_ms))
        self._hand_over(0, chunk)
        return True

    def _whole(self, span: Span) -> PreparedChunk:
        measured = replace(self.source, duration_ms=span.end_ms, duration_exact=True)
        fits = prepare.fits_whole(
            measured,
            accepted=self.assignment.accepted,
            max_ms=self.assignment.limits.max_ms,
            max_bytes=self.assignment.capabilities.max_bytes,
        )
        self.room.take()
        if fits:
            return prepare.send_whole(measured, work=self.assignment.work)
        return self._encode(0, span, is_last=True)

    # --- several chunks ----------------------------------------------------------------------------------------

    def _prepare_several(self) -> None:
        resumed = self.assignment.job.sha256 is not None
        plan = self._kept_plan() if resumed else None
        offered = False
        if plan is None:
            plan, offered = self._plan_anew()
            # A start after a crash then looks for the plan first, and prepares no chunk whose answer is there.
            self.tools.ledger.note_identity(self.assignment.job.id, sha256=self.identity.result())
        self.put(Planned(spans=plan.spans, duration_ms=plan.duration_ms))
        self._prepare_rest(plan.spans, offered=offered)

    def _plan_anew(self) -> tuple[KeptPlan, bool]:
        """Send the first chunk on its way, then find out where the others begin; say whether it went."""
        measured = self.pool.submit(self._measure_ms)
        cut = find_cut(self.source, window=first_window(self.assignment.limits), ffmpeg=self.tools.ffmpeg)
        span = Span(start_ms=0, end_ms=cut.at_ms)
        chunk = self._first(span)  # the content is being hashed meanwhile
        plan = self._kept_plan()
        if plan is not None and plan.spans[0] != span:
            self._discard(chunk)
            return plan, False
        self._offer(0, span, chunk)
        return plan or self._plan_rest(measured.result(), first_cut=cut), True

    def _plan_rest(self, duration_ms: int, *, first_cut: Cut) -> KeptPlan:
        limits = self.assignment.limits
        if duration_ms <= first_cut.at_ms:  # a header that promised more than there is
            spans: tuple[Span, ...] = (Span(start_ms=0, end_ms=first_cut.at_ms),)
        else:
            spans = self._find_spans(duration_ms, first_cut=first_cut)
        plan = KeptPlan(spans=spans, duration_ms=duration_ms)
        self.tools.results.keep_plan(self.identity.result(), asdict(limits), plan)
        return plan

    def _find_spans(self, duration_ms: int, *, first_cut: Cut) -> tuple[Span, ...]:
        limits = self.assignment.limits
        windows = search_windows(duration_ms, first_cut=first_cut, limits=limits)
        searches = [self.pool.submit(self._find_cut, window) for window in windows]
        cuts = (first_cut, *(search.result() for search in searches))
        return plan_spans(duration_ms, cuts, limits=limits)

    def _kept_plan(self) -> KeptPlan | None:
        return self.tools.results.find_plan(self.identity.result(), asdict(self.assignment.limits))

    def _find_cut(self, window: Span) -> Cut:
        self.room.require_wanted()
        return find_cut(self.source, window=window, ffmpeg=self.tools.ffmpeg)

    def _first(self, span: Span) -> PreparedChunk:
        self.room.take()
        if self._way((span,), is_first=True) == "copy":
            return copying.copy_first(
                self.source, span, target=self.assignment.work / "first", ffmpeg=self.tools.ffmpeg
            )
        return self._encode(0, span, is_last=False)

    def _prepare_rest(self, spans: Sequence[Span], *, offered: bool) -> None:
        rest = list(enumerate(spans))[1 if offered else 0 :]
        wanted = [index for index, span in rest if not self._reuse(index, span)]
        if not wanted:
            return
        if self._way(spans, is_first=False) == "copy":
            self._copy(spans, wanted)
        else:
            self._encode_in_order(spans, wanted)

    def _way(self, spans: Sequence[Span], *, is_first: bool) -> str:
        """Copy or encode? As long as no upload was measured, a first chunk that can be copied finds out."""
        audio, accepted = self.assignment.settings.audio, self.assignment.accepted
        max_bytes = self.assignment.capabilities.max_bytes
        if not prepare.can_copy(self.source, spans, accepted=accepted, max_bytes=max_bytes):
            return "encode"
        uplink_bps = self.assignment.engine.uplink_bps
        is_unknown = uplink_bps is None and is_first and audio.copy_mode == "auto"
        return prepare.choose_way(
            self.source,
            accepted=accepted,
            copy="always" if is_unknown else audio.copy_mode,
            bitrate_kbps=audio.bitrate_kbps,
            uplink_bps=uplink_bps,
            cores=self.tools.cores,
        )

    def _copy(self, spans: Sequence[Span], wanted: Sequence[int]) -> None:
        chunks = copying.copy_chunks(
            self.source, spans, work=self.assignment.work, name=self._name, ffmpeg=self.tools.ffmpeg
        )
        for index, chunk in enumerate(chunks):
            if index in wanted:
                self.room.take()
                self._hand_over(index, chunk)
            else:
                chunk.path.unlink()

    def _encode_in_order(self, spans: Sequence[Span], wanted: Sequence[int]) -> None:
        running: deque[tuple[int, Future[PreparedChunk]]] = deque()
        for index in wanted:
            self.room.take()
            is_last = index == len(spans) - 1
            running.append((index, self.pool.submit(self._encode, index, spans[index], is_last=is_last)))
            if len(running) == self.tools.cores:
                self._hand_over_next(running, spans)
        while running:
            self._hand_over_next(running, spans)

    def _hand_over_next(self, running: deque[tuple[int, Future[PreparedChunk]]], spans: Sequence[Span]) -> None:
        index, encoding = running.popleft()
        try:
            chunk = encoding.result()
        except EmptySpanError:
            self._offer_silence(index, spans[index])
        else:
            self._hand_over(index, chunk)

    # --- shared ------------------------------------------------------------------------------------------------

    def _encode(self, index: int, span: Span, *, is_last: bool) -> PreparedChunk:
        self.room.require_wanted()
        audio = self.assignment.settings.audio
        return prepare.encode_chunk(
            self.source,
            span,
            target=self._target(index),
            is_last=is_last,
            bitrate_kbps=audio.bitrate_kbps,
            sample_rate_hz=audio.sample_rate_hz,
            format=self.assignment.convert_to,
            ffmpeg=self.tools.ffmpeg,
        )

    def _offer(self, index: int, span: Span, chunk: PreparedChunk) -> None:
        if self._reuse(index, span):
            self._discard(chunk)
        else:
            self._hand_over(index, chunk)

    def _offer_silence(self, index: int, span: Span) -> None:
        """A span without a single sample (a paused recorder) needs no request: nothing is said there."""
        self.room.give()
        silence = KeptAnswer(answer=Answer(text=""), offset_ms=span.start_ms, duration_ms=span.length_ms, how="encoded")
        self.put(Reused(index=index, span=span, kept=silence))

    def _discard(self, chunk: PreparedChunk) -> None:
        chunk.path.unlink()
        self.room.give()

    def _reuse(self, index: int, span: Span) -> bool:
        key = self.key_of(span)
        kept = self.tools.results.find(key)
        if kept is not None:
            self.assignment.books(self.tools.ledger).make_up(key, kept)
            self.put(Reused(index=index, span=span, kept=kept))
        return kept is not None

    def _hand_over(self, index: int, chunk: PreparedChunk) -> None:
        # A chunk cut from a file that changed meanwhile must not be paid for under the old content's key.
        require_claimed(self.assignment.path, self.assignment.job)
        if chunk.shortfall_ms or chunk.complaint:
            log.warning("recording_damaged", chunk=index, missing_ms=chunk.shortfall_ms, decoder=chunk.complaint)
        announce(Step.CHUNK_PREPARED)
        self.put(Ready(index=index, chunk=chunk))

    def _target(self, index: int) -> Path:
        return self.assignment.work / self._name(index)

    def _name(self, index: int) -> str:
        return f"chunk-{index:04d}"
