"""Looks for places where a transcript and its recording do not fit together.

Recognisers skip minutes of speech, make up sentences where nobody speaks, and get caught in loops, and their answers
look complete all the same. What is found is compared with the sound, where somebody has listened to it: a litany says
the same words twenty times, and its sound has time enough for twenty.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from voxtrald.transcript.coverage import EDGE_MS, SpeechMap, covered
from voxtrald.transcript.model import PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.pacing import FASTEST, SLOWEST, usual_ms
from voxtrald.transcript.repeating import Run, find_runs
from voxtrald.transcript.spans import length_within, union, widened, within, without
from voxtrald.transcript.words import key_of, time_words

HOLE_MS: Final = 5_000
"""How much sure speech without text is a hole. Good transcripts leave up to three seconds out: a question nobody
could understand, a stammer, a name called across the room."""

HOLE_SHARE: Final = 0.5
"""How much of a hole is sure speech, from its first to its last: music sounds like speech for moments only."""

LULL_MS: Final = 5_000
"""Speech with no longer silence inside is one hole."""

THIN_MS: Final = 20_000
"""How much sure speech a segment must have for its text to be weighed against it: shorter ones differ too much."""

THIN_SHARE: Final = 0.4
"""A long segment with less text for its speech than this share of what the others have is suspect."""

HASTE_MS: Final = 1_500
"""By how much a text must be too long for its time: segments of a few words have times that are off by half of it."""

SILENT_MS: Final = 300
"""Less sound than this is a click, and no word."""

LEAST_TIMES: Final = 4
"""People say things three times."""

BEYOND_MS: Final = 2_000
"""How far an answer's times may pass its chunk's end: services round up, and encoders add silence."""

BACKWARDS_MS: Final = 1_000
"""How far a segment may begin before its predecessor."""

_LEAST_PEERS: Final = 3


class Kind(StrEnum):
    """What does not fit."""

    HOLE = "hole"
    ENDS_EARLY = "ends_early"
    TEXT_ON_SILENCE = "text_on_silence"
    LOOP = "loop"
    REPEATED_SEGMENT = "repeated_segment"
    TOO_FAST = "too_fast"
    TIMES_BEYOND = "times_beyond"
    TIMES_BACKWARDS = "times_backwards"


class Severity(StrEnum):
    """What to do about it.

    `REPAIRABLE`: the text there is wrong or missing, and asking again is worth its price. `SUSPECT`: it may be right.
    """

    REPAIRABLE = "repairable"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that does not fit.

    Attributes:
        span: what to ask again, in recording time.
        evidence: a sentence with figures and without spoken text.
    """

    kind: Kind
    span: Span
    severity: Severity
    evidence: str


def inspect(
    transcript: Transcript, *, speech: SpeechMap | None, answers: Iterable[PlacedAnswer] = ()
) -> tuple[Finding, ...]:
    """Find everything in a merged transcript that does not fit its recording; ordered by place.

    Args:
        transcript: what was merged; spans in its `missing` are known and not found again.
        speech: where there is speech; None where nobody has listened, and then only text and times are judged.
        answers: what the transcript was merged from, in any order: their times are looked at as they came, and a hole
            up to the end of a chunk is an answer that ends early.
    """
    placed = sorted(answers, key=lambda answer: (answer.span.start_ms, answer.span.end_ms))
    ordered = replace(transcript, segments=tuple(sorted(transcript.segments, key=lambda one: one.start_ms)))
    repeated = [*_repeated_segments(ordered, speech), *_loops(ordered, speech)]
    found = [
        *_only_first(repeated),
        *_unless(_too_fast(ordered, speech), repeated),
        *(finding for answer in placed for finding in _odd_times(answer)),
    ]
    if speech is not None:
        chunks = [answer.span for answer in placed] or [Span(start_ms=0, end_ms=transcript.duration_ms)]
        found += [*_holes(ordered, speech, chunks=chunks), *_thin(ordered, speech)]
        found += _unless(_on_silence(ordered, speech), repeated)
    whole = Span(start_ms=0, end_ms=transcript.duration_ms)
    return tuple(sorted((_clipped(finding, whole) for finding in found), key=_place))


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.span.start_ms, finding.span.end_ms, finding.kind


def _clipped(finding: Finding, whole: Span) -> Finding:
    """Keep a finding's span in the recording; times from elsewhere may lie beyond it."""
    start_ms = min(max(finding.span.start_ms, whole.start_ms), whole.end_ms)
    end_ms = max(start_ms, min(finding.span.end_ms, whole.end_ms))
    return replace(finding, span=Span(start_ms=start_ms, end_ms=end_ms))


def _only_first(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what an earlier finding of the list says of the same place."""
    kept: list[Finding] = []
    for finding in findings:
        kept += _unless([finding], kept)
    return kept


def _unless(findings: Iterable[Finding], others: Sequence[Finding]) -> list[Finding]:
    """Leave out findings most of whose span is in one of `others`, which says more."""
    taken = union(other.span for other in others)
    return [one for one in findings if 2 * length_within(taken, one.span) <= one.span.length_ms or not taken]


def _s(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s"


# --- speech without text ----------------------------------------------------------------------------------------------


def _holes(transcript: Transcript, speech: SpeechMap, *, chunks: Sequence[Span]) -> Iterator[Finding]:
    whole = Span(start_ms=0, end_ms=transcript.duration_ms)
    for gap in without(whole, union([*covered(transcript), *transcript.missing])):
        is_end = any(chunk.start_ms + EDGE_MS < gap.start_ms < chunk.end_ms <= gap.end_ms + EDGE_MS for chunk in chunks)
        sure = within(speech.surely, gap)
        for stretch in union(sure, gap_ms=LULL_MS):
            sure_ms = length_within(sure, stretch)
            if sure_ms >= max(HOLE_MS, HOLE_SHARE * stretch.length_ms):
                yield Finding(
                    kind=Kind.ENDS_EARLY if is_end else Kind.HOLE,
                    span=_within_gap(stretch, gap),
                    severity=Severity.REPAIRABLE,
                    evidence=f"{_s(sure_ms)} of speech without text",
                )


def _within_gap(stretch: Span, gap: Span) -> Span:
    wide = widened(stretch, EDGE_MS)
    return Span(start_ms=max(gap.start_ms, wide.start_ms), end_ms=min(gap.end_ms, wide.end_ms))


def _thin(transcript: Transcript, speech: SpeechMap) -> Iterator[Finding]:
    """Weigh long segments: those of engines that give no times, and those that swallow what they skipped."""
    weighed = []
    for segment in transcript.segments:
        span = Span(start_ms=segment.start_ms, end_ms=segment.end_ms)
        sure_ms = length_within(speech.surely, span)
        if sure_ms >= THIN_MS:
            weighed.append((span, sure_ms, usual_ms(segment.text)))
    shares = [text_ms / sure_ms for _, sure_ms, text_ms in weighed]
    usual = statistics.median(shares) if len(shares) > _LEAST_PEERS else 0.0
    for (span, sure_ms, text_ms), share in zip(weighed, shares, strict=True):
        if share < max(1 / SLOWEST, THIN_SHARE * usual):
            severity = Severity.REPAIRABLE if share < 1 / SLOWEST else Severity.SUSPECT
            evidence = f"text for about {_s(text_ms)} in {_s(sure_ms)} of speech"
            yield Finding(kind=Kind.HOLE, span=span, severity=severity, evidence=evidence)


# --- text without speech ----------------------------------------------------------------------------------------------


def _on_silence(transcript: Transcript, speech: SpeechMap) -> Iterator[Finding]:
    for segment in transcript.segments:
        span = Span(start_ms=segment.start_ms, end_ms=segment.end_ms)
        heard_ms = length_within(speech.maybe, widened(span, 2 * EDGE_MS))
        if heard_ms < SILENT_MS and usual_ms(segment.text):
            evidence = f"text for about {_s(usual_ms(segment.text))} where {_s(heard_ms)} of sound can be heard"
            yield Finding(kind=Kind.TEXT_ON_SILENCE, span=span, severity=Severity.SUSPECT, evidence=evidence)


def _too_fast(transcript: Transcript, speech: SpeechMap | None) -> Iterator[Finding]:
    for segment in transcript.segments:
        span = Span(start_ms=segment.start_ms, end_ms=segment.end_ms)
        text_ms, room_ms = usual_ms(segment.text), _room_ms(span, speech)
        if _is_hasty(text_ms, room_ms):
            evidence = f"text for about {_s(text_ms)} in {_s(room_ms)}"
            yield Finding(kind=Kind.TOO_FAST, span=span, severity=Severity.REPAIRABLE, evidence=evidence)


def _room_ms(span: Span, speech: SpeechMap | None) -> int:
    """Say how much time there was to speak in a span, whose times may be off."""
    wide = widened(span, EDGE_MS)
    return wide.length_ms if speech is None else length_within(speech.maybe, wide)


def _is_hasty(text_ms: int, room_ms: int) -> bool:
    return text_ms / FASTEST > room_ms + HASTE_MS


# --- repetition -------------------------------------------------------------------------------------------------------


def _repeated_segments(transcript: Transcript, speech: SpeechMap | None) -> Iterator[Finding]:
    texts = ["".join(map(key_of, segment.text.split())) for segment in transcript.segments]
    told = [(text, segment) for text, segment in zip(texts, transcript.segments, strict=True) if text]
    for run in find_runs([text for text, _ in told], least_times=LEAST_TIMES):
        segments = [segment for _, segment in told[run.first : run.end]]
        finding = _repetition(segments, run, kind=Kind.REPEATED_SEGMENT, speech=speech)
        if finding:
            yield finding


def _loops(transcript: Transcript, speech: SpeechMap | None) -> Iterator[Finding]:
    spoken = [
        (key, Segment(start_ms=word.start_ms, end_ms=word.end_ms, text=word.text))
        for segment in transcript.segments
        for word in time_words(segment.text, start_ms=segment.start_ms, end_ms=segment.end_ms)
        if (key := key_of(word.text))
    ]
    for run in find_runs([key for key, _ in spoken], least_times=LEAST_TIMES):
        finding = _repetition([word for _, word in spoken[run.first : run.end]], run, kind=Kind.LOOP, speech=speech)
        if finding:
            yield finding


def _repetition(said: Sequence[Segment], run: Run, *, kind: Kind, speech: SpeechMap | None) -> Finding | None:
    """Judge a repetition by its time: with too little of it nobody said it, with far too much they said more.

    Where nobody has listened, the time is that of the segments.
    """
    span = Span(start_ms=min(one.start_ms for one in said), end_ms=max(one.end_ms for one in said))
    text_ms, room_ms = sum(usual_ms(one.text) for one in said), _room_ms(span, speech)
    sure_ms = length_within(speech.surely, span) if speech else 0
    evidence = f"the same {run.times} times in a row, for about {_s(text_ms)}, in {_s(room_ms)} of sound"
    if _is_hasty(text_ms, room_ms):
        return Finding(kind=kind, span=span, severity=Severity.REPAIRABLE, evidence=evidence)
    if sure_ms > HOLE_MS + SLOWEST * text_ms:
        return Finding(kind=kind, span=span, severity=Severity.SUSPECT, evidence=evidence)
    return None


# --- times ------------------------------------------------------------------------------------------------------------


def _odd_times(placed: PlacedAnswer) -> Iterator[Finding]:
    """Look at an answer's times as they came; merging has mended them since."""
    offset_ms, length_ms = placed.offset_ms, placed.span.end_ms - placed.offset_ms
    latest_ms = max((segment.end_ms or 0 for segment in placed.answer.segments), default=0)
    if latest_ms > length_ms + BEYOND_MS:
        evidence = f"times up to {_s(latest_ms)} in a part of {_s(length_ms)}"
        yield Finding(kind=Kind.TIMES_BEYOND, span=placed.span, severity=Severity.SUSPECT, evidence=evidence)
    reached_ms = 0
    for segment in placed.answer.segments:
        start_ms = reached_ms if segment.start_ms is None else segment.start_ms
        end_ms = start_ms if segment.end_ms is None else segment.end_ms
        back_ms = max(reached_ms - start_ms, start_ms - end_ms)
        if back_ms > BACKWARDS_MS:
            span = Span(start_ms=offset_ms + min(start_ms, end_ms), end_ms=offset_ms + max(reached_ms, start_ms))
            evidence = f"times go back by {_s(back_ms)}"
            yield Finding(kind=Kind.TIMES_BACKWARDS, span=span, severity=Severity.SUSPECT, evidence=evidence)
        reached_ms = max(reached_ms, start_ms)
