"""One transcript from the answers about a recording's chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from voxtrald.transcript.joining import join
from voxtrald.transcript.model import PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.placing import place
from voxtrald.transcript.spans import union, within, without
from voxtrald.transcript.stitching import stitch
from voxtrald.transcript.voices import mark_joins, name_speakers
from voxtrald.transcript.words import join_texts


def merge(
    answers: Sequence[PlacedAnswer], *, duration_ms: int, missing: Sequence[Span] = (), names: Collection[str] = ()
) -> Transcript:
    """Join the chunks' answers in the recording's time.

    Starts never decrease, everything lies in `[0, duration_ms]`, what two chunks heard in their overlap is kept
    once, and a sentence that a cut broke is whole. `missing` names the chunks without an answer; what their
    neighbours heard of them is not missing. A speaker has one label in all chunks, see `name_speakers`; `names` are
    those of configured voices.
    """
    named = name_speakers(answers, names=names)
    ordered = named.answers
    segments: tuple[Segment, ...] = ()
    heard_to_ms = 0
    for placed in ordered:
        following = place(placed, duration_ms=duration_ms)
        overlap = Span(start_ms=placed.span.start_ms, end_ms=min(heard_to_ms, placed.span.end_ms))
        is_shared = overlap.length_ms > 0
        segments = join(*stitch(segments, following, overlap=overlap)) if is_shared else join(segments, following)
        heard_to_ms = max(heard_to_ms, placed.span.end_ms)
    segments = in_order(segments)
    transcript = Transcript(
        text=join_texts(segment.text for segment in segments),
        language=_main_language(ordered),
        segments=segments,
        duration_ms=duration_ms,
        missing=_unheard(missing, heard=[placed.span for placed in ordered], duration_ms=duration_ms),
    )
    return mark_joins(transcript, named.joins)


def in_order(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Lift the rare start that lies before its predecessor's: a joint is found by words, not by time."""
    starts_ms = accumulate((segment.start_ms for segment in segments), max)
    return tuple(
        replace(segment, start_ms=start_ms, end_ms=max(start_ms, segment.end_ms))
        for segment, start_ms in zip(segments, starts_ms, strict=True)
    )


def _main_language(answers: Iterable[PlacedAnswer]) -> str | None:
    """Return the language told for most of the time; of equals the one told first."""
    spoken_ms: Counter[str] = Counter()
    for placed in answers:
        if placed.answer.language:
            spoken_ms[placed.answer.language] += placed.span.length_ms
    return spoken_ms.most_common(1)[0][0] if spoken_ms else None


def _unheard(missing: Iterable[Span], *, heard: Sequence[Span], duration_ms: int) -> tuple[Span, ...]:
    """Return the parts of `missing` that no answered chunk covers, joined where they touch."""
    whole = Span(start_ms=0, end_ms=duration_ms)
    covered = union(heard)
    return tuple(part for gap in within(union(missing), whole) for part in without(gap, covered))
