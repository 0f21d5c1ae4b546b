"""One chunk's answer in the recording's own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise

from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Segment
from voxtrald.transcript.words import clean_text


def place(placed: PlacedAnswer, *, duration_ms: int) -> tuple[Segment, ...]:
    """Shift an answer's segments to the recording's time, in the order of their starts.

    Times an engine left out are filled in from the neighbours by share of the characters; without any times
    the text is one segment over the chunk. All times are clamped to the chunk: text heard in it was spoken in
    it.

    Args:
        placed: the answer and its place.
        duration_ms: how long the recording is.
    """
    spoken = _spoken(placed.answer)
    first_ms = max(placed.span.start_ms, 0)
    last_ms = max(min(placed.span.end_ms, duration_ms), first_ms)
    edges_ms = [min(max(at_ms, first_ms), last_ms) for at_ms in _fill_edges(spoken, placed=placed)]
    segments = [
        Segment(
            start_ms=start_ms,
            end_ms=max(start_ms, end_ms),
            text=segment.text,
            speaker=clean_text(segment.speaker or "") or None,
        )
        for segment, start_ms, end_ms in zip(spoken, edges_ms[::2], edges_ms[1::2], strict=True)
    ]
    return tuple(sorted(segments, key=lambda segment: segment.start_ms))


def _spoken(answer: Answer) -> list[AnswerSegment]:
    cleaned = [replace(segment, text=clean_text(segment.text)) for segment in answer.segments]
    spoken = [segment for segment in cleaned if segment.text]
    whole = clean_text(answer.text)
    return spoken or ([AnswerSegment(text=whole)] if whole else [])


def _fill_edges(spoken: Sequence[AnswerSegment], *, placed: PlacedAnswer) -> list[int]:
    """Return start and end of every segment, one after the other, in the recording's time."""
    positions = [0, *accumulate(len(segment.text) for segment in spoken)]
    edge_positions = [0, *chain.from_iterable(pairwise(positions)), positions[-1]]
    told = chain.from_iterable((segment.start_ms, segment.end_ms) for segment in spoken)
    shifted = (None if at_ms is None else at_ms + placed.offset_ms for at_ms in told)
    edges_ms = [placed.span.start_ms, *shifted, placed.span.end_ms]
    return _interpolate(edges_ms, edge_positions)[1:-1]


def _interpolate(values: Sequence[int | None], positions: Sequence[int]) -> list[int]:
    """Fill the gaps between known values in proportion to the positions; the first and the last are known."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    filled = [known[0][1]]
    for (left, left_value), (right, right_value) in pairwise(known):
        width = max(positions[right] - positions[left], 1)
        for index in range(left + 1, right):
            share = positions[index] - positions[left]
            filled.append(left_value + (right_value - left_value) * share // width)
        filled.append(right_value)
    return filled
