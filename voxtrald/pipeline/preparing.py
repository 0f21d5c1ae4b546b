"""From a probed recording to chunks that can be sent, the first one as early as possible.

Runs in threads of its own beside the worker that sends. The first chunk needs neither the exact duration nor the
rest of the plan, so it leaves while both are still being found out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from functools import partial

import structlog

from voxtrald.audio.faults import too_long
from voxtrald.audio.measuring import Extent, measure
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk
from voxtrald.audio.probe import AudioSource
from voxtrald.errors import Reason, RecordingError
from voxtrald.pipeline.acquaintance import Acquaintance
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, Planned, Prepared, Ready, Reused
from voxtrald.pipeline.fitting import longest_recording_ms
from voxtrald.pipeline.hearing import Hearing
from voxtrald.pipeline.making import Making
from voxtrald.pipeline.room import Room
from voxtrald.pipeline.sparing import Sparing
from voxtrald.steps import Step, announce
from voxtrald.store.results import KeptAnswer, KeptPlan, ResultKey
from voxtrald.store.sources import require_claimed
from voxtrald.transcript.model import Answer, Cut, Span
from voxtrald.transcript.planning import first_window, needs_cutting, plan_spans, search_windows

_LEAST_BPS = 3_000  # the leanest speech codecs take more; of what takes less it is found out before anything is paid
_HEADER_SLACK_MS = 500  # an encoded chunk reaches up to a second past its span, to see whether there is more

log = structlog.get_logger()


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
    hearing: Hearing | None = None
    speakers: Acquaintance | None = None

    def run(self) -> Prepared:
        """Prepare everything that was not yet paid for, telling of each piece as it becomes known."""
        if not self._prepare_without_silences():
            self._prepare_all()
        return Prepared()

    def _prepare_all(self) -> None:
        duration_ms = self._likely_duration_ms()
        if not needs_cutting(duration_ms, self.assignment.limits):
            if self._prepare_single(duration_ms):
                return
            duration_ms = self._exact_ms()  # the header promised less than there is
        if needs_cutting(duration_ms, self.assignment.limits):
            self._prepare_several()
        elif not self._prepare_single(duration_ms):
            raise RecordingError(
                Reason.UNREADABLE,
                "the recording is longer than all its packets say",
                hint="convert it to mp3 or wav with another program and drop that in",
            )

    def key_of(self, span: Span) -> ResultKey:
        """The key of a span's answer; waits for the content's hash."""
        key = self._plain_key(span)
        return self.speakers.key(key) if self.speakers else key

    def _plain_key(self, span: Span) -> ResultKey:
        return ResultKey(audio_sha256=self.identity.result(), span=span, parameters=self._parameters)

    @property
    def _parameters(self) -> dict[str, object]:
        return {**self.assignment.engine.parameters, **self.source.choice}

    @property
    def _plan_key(self) -> dict[str, int]:
        """What a plan depends on beside the content: another track is quiet in other places."""
        limits = asdict(self.assignment.limits)
        if not limits["voices_ms"]:
            del limits["voices_ms"]  # plans that were made before there was such a thing are good
        return {**limits, **self.source.choice}

    # --- one chunk ---------------------------------------------------------------------------------------------

    def _likely_duration_ms(self) -> int:
        """Believe a header that says the recording must be cut: the first chunk may leave before all is measured."""
        hint_ms = self.source.duration_ms
        most_ms = min(self._longest_ms, self.source.size_bytes * 8000 // _LEAST_BPS)
        if hint_ms is None or hint_ms > most_ms:
            return self._exact_ms()
        if self.source.duration_exact or needs_cutting(hint_ms, self.assignment.limits):
            return hint_ms
        return self._exact_ms()

    def _exact_ms(self) -> int:
        return self._measure().duration_ms

    def _measure(self) -> Extent:
        extent = measure(self.source, ffmpeg=self.tools.ffmpeg, stop=self.tools.stop)
        if extent.duration_ms > self._longest_ms:
            raise too_long(extent.duration_ms, longest_ms=self._longest_ms)
        return extent

    @property
    def _longest_ms(self) -> int:
        return longest_recording_ms(self.assignment.settings.audio)

    def _prepare_single(self, duration_ms: int) -> bool:
        """Prepare the whole as one chunk; say no where there turns out to be more than `duration_ms`."""
        span = Span(start_ms=0, end_ms=duration_ms)
        if self._reuse(0, span):
            self.put(Planned(spans=(span,), duration_ms=duration_ms))
            return True
        self.room.take()
        chunk = self._making.make_whole(span)
        if chunk.duration_ms > span.length_ms + _HEADER_SLACK_MS:
            self._discard(chunk)
            return False
        heard_ms = chunk.offset_ms + chunk.duration_ms if chunk.how == "encoded" else duration_ms
        self.put(Planned(spans=(span,), duration_ms=heard_ms))
        self._hand_over(0, chunk)
        if self.hearing and chunk.how != "encoded":
            self.hearing.begin((span,), sha256=self.identity.result())
        return True

    # --- several chunks ----------------------------------------------------------------------------------------

    def _prepare_several(self) -> None:
        resumed = self.assignment.job.sha256 is not None
        plan = self._kept_plan() if resumed else None
        if plan is None:
            self._prepare_anew()
        else:
            self._prepare_rest(plan, making=self._making, offered=False)

    def _prepare_anew(self) -> None:
        """Send the first chunk on its way, then find out where the others begin."""
        measuring = self.pool.submit(self._measure)
        window = first_window(self.assignment.limits)
        beginning = self._making.with_own_layout(until_ms=window.end_ms)
        cut = beginning.find_cut(window)
        span = Span(start_ms=0, end_ms=cut.at_ms)
        self.room.take()
        chunk = beginning.make_first(span)  # the content is being hashed meanwhile
        plan = self._kept_plan()
        is_wanted = plan is None or plan.spans[0] == span
        if is_wanted:
            self._offer(0, span, chunk)
        else:
            self._discard(chunk)
        extent = measuring.result()
        making = self._making.with_layout(extent.layout)
        plan = plan or self._plan_rest(extent.duration_ms, first_cut=cut, making=making)
        # A start after a crash then looks for the plan first, and prepares no chunk whose answer is there.
        self.tools.ledger.note_identity(self.assignment.job.id, sha256=self.identity.result())
        self._prepare_rest(plan, making=making, offered=is_wanted)

    def _plan_rest(self, duration_ms: int, *, first_cut: Cut, making: Making) -> KeptPlan:
        if duration_ms <= first_cut.at_ms:  # a header that promised more than there is
            spans: tuple[Span, ...] = (Span(start_ms=0, end_ms=first_cut.at_ms),)
        else:
            spans = self._find_spans(duration_ms, first_cut=first_cut, making=making)
        plan = KeptPlan(spans=spans, duration_ms=duration_ms)
        self.tools.results.keep_plan(self.identity.result(), self._plan_key, plan)
        return plan

    def _find_spans(self, duration_ms: int, *, first_cut: Cut, making: Making) -> tuple[Span, ...]:
        limits = self.assignment.limits
        windows = search_windows(duration_ms, first_cut=first_cut, limits=limits)
        cuts = (first_cut, *self._find_cuts(making, windows))
        return plan_spans(duration_ms, cuts, limits=limits)

    def _find_cuts(self, making: Making, windows: Sequence[Span]) -> tuple[Cut, ...]:
        searches = [self.pool.submit(self._find_cut, making, window) for window in windows]
        return tuple(search.result() for search in searches)

    def _kept_plan(self) -> KeptPlan | None:
        return self.tools.results.find_plan(self.identity.result(), self._plan_key)

    def _find_cut(self, making: Making, window: Span) -> Cut:
        self.room.require_wanted()
        return making.find_cut(window)

    # --- several chunks, with silences between them ------------------------------------------------------------

    def _prepare_without_silences(self) -> bool:
        """Prepare what is left without long silences; say no where nothing is left out."""
        over_s = self.assignment.settings.audio.skip_silence_over_s
        if over_s is None or self.hearing is None:
            return False
        sha256, making = self.identity.result(), self._making
        sparing = Sparing(
            sha256=sha256,
            key=self._plan_key,
            over_ms=round(over_s * 1000),
            limits=self.assignment.limits,
            results=self.tools.results,
        )
        plan = sparing.kept_plan()
        if plan is None:
            extent = self._measure()
            making = making.with_layout(extent.layout)
            wanted = self.room.require_wanted
            speech = self.hearing.speech(sha256=sha256, duration_ms=extent.duration_ms, heed=wanted)
            plan = sparing.plan(speech, duration_ms=extent.duration_ms, find_cuts=partial(self._find_cuts, making))
        if plan is not None:
            self.tools.ledger.note_identity(self.assignment.job.id, sha256=sha256)
            self._prepare_rest(plan, making=making, offered=False)
        return plan is not None

    # --- the rest of several chunks, or all of them ------------------------------------------------------------

    def _prepare_rest(self, plan: KeptPlan, *, making: Making, offered: bool) -> None:
        self.put(Planned(spans=plan.spans, duration_ms=plan.duration_ms, skipped=plan.skipped))
        done = int(offered)
        if self.speakers and (leading := self.speakers.leading(plan.spans)):
            self._meet(self.speakers, plan, leading=leading, making=making.with_own_layout(), offered=offered)
            done = len(leading)
        rest = list(enumerate(plan.spans))[done:]
        wanted = [index for index, span in rest if not self._reuse(index, span)]
        if not wanted:
            return
        making = making.with_own_layout()
        if self.speakers:
            self.speakers.record(making)
        is_copied = making.choose_way(plan.spans, is_first=False) == "copy"
        if self.hearing:
            silent = [span for index, span in enumerate(plan.spans) if is_copied or index not in wanted]
            self.hearing.begin(silent, sha256=self.identity.result())
        if is_copied:
            self._copy(plan.spans, wanted, making=making)
        else:
            self._encode_in_order(plan, wanted, making=making)

    def _meet(
        self, speakers: Acquaintance, plan: KeptPlan, *, leading: Sequence[Span], making: Making, offered: bool
    ) -> None:
        """Have the first chunks answered before the others: whose voices are in them is a part of the others' keys."""
        for index, span in enumerate(leading):
            if not (offered and index == 0) and not self._reuse(index, span):
                speakers.record(making)
                self.room.take()
                is_copied = making.choose_way(plan.spans, is_first=index == 0) == "copy"
                make = partial(making.copy, index, span) if is_copied else partial(self._encode, making, plan, index)
                self._hand_over_made(index, span, make)
            speakers.meet(index, self._plain_key(span))

    def _copy(self, spans: Sequence[Span], wanted: Sequence[int], *, making: Making) -> None:
        for index in wanted:
            self.room.take()
            self._hand_over_made(index, spans[index], partial(making.copy, index, spans[index]))

    def _encode_in_order(self, plan: KeptPlan, wanted: Sequence[int], *, making: Making) -> None:
        """Encode on all cores, with one chunk waiting: no core is idle while another one's chunk is handed over."""
        waiting, running = deque(wanted), deque[tuple[int, Future[PreparedChunk]]]()
        while waiting or running:
            if waiting and len(running) <= self.tools.cores and self._has_room(may_wait=not running):
                index = waiting.popleft()
                running.append((index, self.pool.submit(self._encode, making, plan, index)))
            else:
                index, encoding = running.popleft()
                self._hand_over_made(index, plan.spans[index], encoding.result)

    def _has_room(self, *, may_wait: bool) -> bool:
        """Wait for room only while none of it is ours: what has been encoded must be handed over to be answered."""
        if not may_wait:
            return self.room.take_now()
        self.room.take()
        return True

    def _encode(self, making: Making, plan: KeptPlan, index: int) -> PreparedChunk:
        self.room.require_wanted()
        return making.encode(index, plan.spans[index], is_last=plan.spans[index].end_ms >= plan.duration_ms)

    def _hand_over_made(self, index: int, span: Span, make: Callable[[], PreparedChunk]) -> None:
        try:
            chunk = make()
        except EmptySpanError:
            self._offer_silence(index, span)
        else:
            self._hand_over(index, chunk)

    # --- shared ------------------------------------------------------------------------------------------------

    @property
    def _making(self) -> Making:
        return Making(assignment=self.assignment, source=self.source, tools=self.tools, hearing=self.hearing)

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
        # What was paid for before the voices were known counts as well: a missing name is no reason to pay twice.
        key, plain = self.key_of(span), self._plain_key(span)
        for each in (key, plain) if key != plain else (key,):
            kept = self.tools.results.find(each)
            if kept is not None:
                self.assignment.books(self.tools.ledger).make_up(each, kept)
                self.put(Reused(index=index, span=span, kept=kept))
                return True
        return False

    def _hand_over(self, index: int, chunk: PreparedChunk) -> None:
        # A chunk cut from a file that changed meanwhile must not be paid for under the old content's key.
        require_claimed(self.assignment.path, self.assignment.job)
        if chunk.shortfall_ms or chunk.complaint:
            log.warning("recording_damaged", chunk=index, missing_ms=chunk.shortfall_ms, decoder=chunk.complaint)
        announce(Step.CHUNK_PREPARED)
        self.put(Ready(index=index, chunk=chunk))
