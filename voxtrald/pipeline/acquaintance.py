"""The speakers whom the first chunks of a recording introduce to the engine.

Engines count speakers anew in every chunk. One that compares voices is sent clips of those it has met, and calls them
by the clips' names. So the first two chunks are asked one after the other, and all others wait for them; which clips a
chunk goes with stands in the key of its answer, and is found out again from the kept answers after a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from voxtrald.audio.prepare import EmptySpanError, PreparedChunk
from voxtrald.engines.base import Delivery, Engine
from voxtrald.errors import RecordingError
from voxtrald.pipeline.assignment import Assignment
from voxtrald.pipeline.making import Making
from voxtrald.pipeline.room import TURN_S, Room
from voxtrald.pipeline.sending import audio_chunk
from voxtrald.store.results import ResultKey, Results
from voxtrald.transcript.clips import choose_clips, read_name
from voxtrald.transcript.model import Answer, PlacedAnswer, Span

_LEADING: Final = 2
"""With the usual lengths sixteen minutes: nearly everybody has spoken by then, and each more would cost its time."""

_VOICES: Final = "voices"

log = structlog.get_logger()


class Acquaintance:
    """Keeps chunks waiting for the voices of the first ones, where the engine can know them by clips."""

    def __init__(self, *, assignment: Assignment, results: Results, room: Room) -> None:
        self._assignment = assignment
        self._results = results
        self._room = room
        self._settled = [threading.Event() for _ in range(_LEADING)]
        self._clips: Mapping[str, Span] = {}
        self._earlier: dict[Span, Mapping[str, Span]] = {}
        self._files: dict[str, Path] = {}
        self._engine: Engine = assignment.engine

    def leading(self, spans: Sequence[Span]) -> Sequence[Span]:
        """Choose the chunks that are asked one after the other before all others; none where no voices are compared."""
        capabilities = self._assignment.capabilities
        is_sought = self._assignment.settings.engine.diarize and capabilities.diarize and capabilities.voice_clips > 0
        return spans[: min(_LEADING, len(spans) - 1)] if is_sought else ()

    def heed(self, index: int) -> None:
        """Hear that a chunk was answered or given up."""
        if index < len(self._settled):
            self._settled[index].set()

    def meet(self, index: int, plain: ResultKey) -> None:
        """Wait for the answer about a leading chunk, and choose clips of those who are new in it.

        None are chosen where there is no answer, or where nobody in it is known: then it may have been given without
        the clips, and whoever seems new may be known under another name.

        Raises:
            Cancelled: nobody wants chunks any more.
            StorageUnavailable: the kept answer cannot be read.
        """
        while not self._settled[index].wait(TURN_S):
            self._room.require_wanted()
        kept = self._results.find(self.key(plain))
        self._earlier[plain.span] = self._clips
        if kept is not None and (not self._clips or _knows_somebody(kept.answer)):
            placed = PlacedAnswer(span=plain.span, offset_ms=kept.offset_ms, answer=kept.answer)
            most = self._assignment.capabilities.voice_clips - len(self._clips)
            names = self._assignment.settings.engine.speaker_references
            self._clips = {**self._clips, **choose_clips(placed, most=most, names=names)}

    def key(self, plain: ResultKey) -> ResultKey:
        """Give the key of an answer that is asked for with the clips, where there are any."""
        clips = self._earlier.get(plain.span, self._clips)
        if not clips:
            return plain
        places = {name: [span.start_ms, span.end_ms] for name, span in clips.items()}
        return replace(plain, parameters={**plain.parameters, _VOICES: places})

    def record(self, making: Making) -> None:
        """Make the clips that are not there yet, before a chunk leaves that goes with them.

        Where that fails, the chunks go without: names matter less than the text.

        Raises:
            StopRequested, StorageUnavailable, RecordingChanged: see `encode_chunk`.
        """
        fresh = {name: span for name, span in self._clips.items() if name not in self._files}
        for number, (name, span) in enumerate(fresh.items(), start=len(self._files)):
            try:
                self._files[name] = making.clip(number, span)
            except (RecordingError, EmptySpanError) as error:
                log.warning("voice_not_recorded", reason=error.slug)
        if self._files:
            self._engine = self._assignment.engine.with_voices(dict(self._files))

    def deliver(self, chunk: PreparedChunk, key: ResultKey) -> Delivery:
        """Begin the delivery of a chunk, with the clips where its key says so."""
        engine = self._engine if _VOICES in key.parameters else self._assignment.engine
        return engine.deliver(audio_chunk(chunk, key=key))


def _knows_somebody(answer: Answer) -> bool:
    return any(read_name(segment.speaker or "") is not None for segment in answer.segments)
