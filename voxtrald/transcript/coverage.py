"""Where there is speech in a recording, and how much of it has text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from voxtrald.transcript.model import Span, Transcript
from voxtrald.transcript.spans import length_within, union, widened, without

EDGE_MS: Final = 500
"""How far the times of a segment may be off: recognisers round them, and begin late and end early."""

LEAD_MS: Final = 600
"""What is kept of the silence before somebody speaks: breath, and consonants too soft to be told from the room."""

TRAIL_MS: Final = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechMap:
    """Where in a recording there is speech, told in two ways that err in opposite directions.

    Attributes:
        maybe: everything that could be speech; what lies outside may be left out. Music and noise may be in it.
        surely: what sounds like speech and nothing else; its absence says nothing. Always within `maybe`.
    """

    duration_ms: int
    maybe: tuple[Span, ...]
    surely: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the speech has text.

    Attributes:
        speech_ms: of sure speech.
        covered_ms: how much of that lies under a segment.
        missing: spans whose text is missing: without an answer, or with a hole in it.
    """

    speech_ms: int
    covered_ms: int
    missing: tuple[Span, ...]


def covered(transcript: Transcript) -> tuple[Span, ...]:
    """Give the spans that have text, each widened by what its times may be off."""
    return union(
        widened(Span(start_ms=segment.start_ms, end_ms=max(segment.end_ms, segment.start_ms + 1)), EDGE_MS)
        for segment in transcript.segments
    )


def measure_coverage(transcript: Transcript, speech: SpeechMap, *, holes: Iterable[Span] = ()) -> Coverage:
    """Say how much of the speech has text; `holes` are the spans that an inspection has found."""
    whole = Span(start_ms=0, end_ms=transcript.duration_ms)
    missing = union([*transcript.missing, *holes])
    texted = [part for span in covered(transcript) for part in without(span, missing)]
    sounding = union(speech.surely)
    return Coverage(
        speech_ms=length_within(sounding, whole),
        covered_ms=sum(length_within(sounding, span) for span in union(texted)),
        missing=missing,
    )


def silences(speech: SpeechMap, *, over_ms: int) -> tuple[Span, ...]:
    """Give the stretches that may be left out: nobody may be speaking there for longer than `over_ms`.

    A little of the silence before and after speech is kept.
    """
    whole = Span(start_ms=0, end_ms=speech.duration_ms)
    kept = union(Span(start_ms=max(0, span.start_ms - LEAD_MS), end_ms=span.end_ms + TRAIL_MS) for span in speech.maybe)
    return tuple(span for span in without(whole, kept) if span.length_ms > over_ms)
