"""Putting the answer to a second request into the text, where it is better than what stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from voxtrald.transcript.coverage import EDGE_MS, SpeechMap, covered
from voxtrald.transcript.document import Kept
from voxtrald.transcript.inspecting import Finding, Kind, Severity, inspect
from voxtrald.transcript.joining import join
from voxtrald.transcript.merging import in_order
from voxtrald.transcript.model import PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.placing import place
from voxtrald.transcript.repairing import Request
from voxtrald.transcript.spans import length_within, union, widened, within, without
from voxtrald.transcript.stitching import stitch
from voxtrald.transcript.voices import mark_joins
from voxtrald.transcript.words import TimedWord, join_texts, key_of, split_words, time_words

HOLES: Final = frozenset({Kind.HOLE, Kind.ENDS_EARLY})


SURE_SHARE: Final = 0.8
SURE_MS: Final = 60_000
"""A hole that is so much sure speech, or so long, stays missing whatever a second answer says.

Songs with drums and a melody are taken for speech in stretches of 10 to 50 s, five of six of which are below that
share; talk in a quiet room, or with noise 10 dB below it, is above (`benchmarks/quality.py` has the recordings). A
service that leaves out the same talk twice is believed only where the talk can hardly be told from music.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spliced:
    """What a second answer has changed.

    Attributes:
        transcript: with the better of both answers.
        kept: new or old, by whose text stands there; none where both have nothing to say in all that was missing.
        silent: the holes in which both have nothing to say, and that are not surely speech.
    """

    transcript: Transcript
    kept: Kept
    silent: tuple[Span, ...] = ()


def splice(transcript: Transcript, request: Request, *, answer: PlacedAnswer, speech: SpeechMap | None) -> Spliced:
    """Put a second answer in place of what was found wrong, if the text is better with it; of equals the old stays.

    Around the place both answers have the same words, and they are joined there as neighbouring chunks are. An answer
    with words of elsewhere, which would cost the text some outside of the place, is not taken. A text is the better,
    the more sure speech it covers without repeating itself, hurrying or speaking on silence.
    """
    new = place(answer, duration_ms=transcript.duration_ms)
    near = [segment for segment in transcript.segments if _length_in(segment, request.span) > 0]
    changed = _with(transcript, request, _named(new, near))
    silent = _silent(request, speech, old=near, new=new)
    is_better = _worth(changed, request.span, speech) > _worth(transcript, request.span, speech)
    if is_better and _leaves_the_rest(transcript, changed, request.span):
        return Spliced(transcript=changed, kept="new", silent=silent)
    kept: Kept = "none" if len(silent) == len(request.findings) else "old"
    return Spliced(transcript=transcript, kept=kept, silent=silent)


# --- which is better --------------------------------------------------------------------------------------------------


def _worth(transcript: Transcript, span: Span, speech: SpeechMap | None) -> int:
    """Weigh the text of a span: the ms of sure speech with a good text, less those of a text that cannot be right."""
    near = widened(span, EDGE_MS)
    whole = Span(start_ms=0, end_ms=transcript.duration_ms)
    segments = tuple(one for one in transcript.segments if one.start_ms < near.end_ms and near.start_ms <= one.end_ms)
    part = replace(transcript, segments=segments, missing=without(whole, (near,)))
    wrong = [finding for finding in inspect(part, speech=speech) if _is_wrong(finding)]
    holes = union(finding.span for finding in wrong if finding.kind in HOLES)
    said = union(finding.span for finding in wrong if finding.kind not in HOLES)
    good = [piece for text in within(covered(part), span) for piece in without(text, union([*holes, *said]))]
    sure = union(speech.surely) if speech else (span,)
    return sum(length_within(sure, piece) for piece in good) - length_within(said, span)


def _is_wrong(finding: Finding) -> bool:
    return finding.severity is Severity.REPAIRABLE or finding.kind is Kind.TEXT_ON_SILENCE


def _leaves_the_rest(old: Transcript, new: Transcript, span: Span) -> bool:
    """Tell whether every word outside of a span is still there."""
    equal = zip(old.segments, new.segments, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], equal))
    words = [
        word
        for segment in old.segments[same:]
        for word in time_words(segment.text, start_ms=segment.start_ms, end_ms=segment.end_ms)
    ]
    before = _keys(word.text for word in words if word.end_ms <= span.start_ms)
    after = _keys(word.text for word in words if word.start_ms >= span.end_ms)
    told = _keys(word for segment in new.segments[same:] for word in split_words(segment.text))
    return told[: len(before)] == before and told[len(told) - len(after) :] == after


def _keys(words: Iterable[str]) -> list[str]:
    return [key for word in words if (key := key_of(word))]


# --- nothing to say ---------------------------------------------------------------------------------------------------


def _silent(
    request: Request, speech: SpeechMap | None, *, old: Sequence[Segment], new: Sequence[Segment]
) -> tuple[Span, ...]:
    """Find the holes in which two answers agree that nobody speaks.

    Only an answer that was at work says so: it has some of the words that the old one has beside the holes.
    """
    edges = without(request.span, (request.core,))
    is_expected = any(_length_in(segment, edge) > EDGE_MS for segment in old for edge in edges)
    is_at_work = any(_length_in(segment, edge) > 0 for segment in new for edge in edges)
    if speech is None or (is_expected and not is_at_work):
        return ()
    holes = [finding.span for finding in request.findings if finding.kind in HOLES]
    said = [*old, *new]
    return tuple(
        hole
        for hole in holes
        if not _is_surely_speech(hole, speech) and all(_length_in(segment, hole) <= EDGE_MS for segment in said)
    )


def _is_surely_speech(hole: Span, speech: SpeechMap) -> bool:
    sure_ms = length_within(union(speech.surely), hole)
    return sure_ms >= SURE_MS or sure_ms >= SURE_SHARE * hole.length_ms


def _length_in(segment: Segment, span: Span) -> int:
    return min(segment.end_ms, span.end_ms) - max(segment.start_ms, span.start_ms)


# --- putting it in ----------------------------------------------------------------------------------------------------


def _with(transcript: Transcript, request: Request, new: Sequence[Segment]) -> Transcript:
    core = request.core
    before, after = _outside(transcript.segments, core)
    left = Span(start_ms=request.span.start_ms, end_ms=core.start_ms)
    right = Span(start_ms=core.end_ms, end_ms=request.span.end_ms)
    segments = in_order(_joined(_joined(before, new, overlap=left), after, overlap=right))
    changed = replace(transcript, segments=segments, text=join_texts(segment.text for segment in segments))
    return mark_joins(changed, transcript.joins)  # the words that bore a mark may be others now


def _joined(left: Sequence[Segment], right: Sequence[Segment], *, overlap: Span) -> tuple[Segment, ...]:
    return join(*stitch(left, right, overlap=overlap)) if overlap.length_ms > 0 else join(left, right)


def _outside(segments: Sequence[Segment], core: Span) -> tuple[list[Segment], list[Segment]]:
    """Give what is said before and after a span; a segment that reaches into it is cut between two words."""
    before: list[Segment] = []
    after: list[Segment] = []
    for segment in segments:
        if segment.end_ms <= core.start_ms:
            before.append(segment)
        elif segment.start_ms >= core.end_ms:
            after.append(segment)
        else:
            words = time_words(segment.text, start_ms=segment.start_ms, end_ms=segment.end_ms)
            before += _part(segment, [word for word in words if word.start_ms < core.start_ms])
            after += _part(segment, [word for word in words if word.start_ms >= core.end_ms])
    return before, after


def _part(segment: Segment, words: Sequence[TimedWord]) -> list[Segment]:
    text = "".join(word.text for word in words).strip()
    return [replace(segment, start_ms=words[0].start_ms, end_ms=words[-1].end_ms, text=text)] if words else []


# --- speakers ---------------------------------------------------------------------------------------------------------


def _named(new: Sequence[Segment], old: Sequence[Segment]) -> tuple[Segment, ...]:
    """Name the speakers of a second answer by whom the text has where both were heard; who was not has no name.

    Engines count speakers anew in every answer, so the labels themselves say nothing.
    """
    shared: Counter[tuple[str, str]] = Counter()
    for segment in new:
        span = Span(start_ms=segment.start_ms, end_ms=segment.end_ms)
        for other in old:
            if segment.speaker and other.speaker and (common_ms := _length_in(other, span)) > 0:
                shared[segment.speaker, other.speaker] += common_ms
    names: dict[str, str] = {}
    for (label, name), _ in shared.most_common():
        if label not in names and name not in names.values():
            names[label] = name
    return tuple(replace(one, speaker=names.get(one.speaker) if one.speaker else None) for one in new)
