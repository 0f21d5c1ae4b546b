"""Clips of the speakers' voices, chosen in the answers about a recording's first chunks.

An engine that compares voices gets them with the following chunks, and names there whom it knows from an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from voxtrald.transcript.model import PlacedAnswer, Span
from voxtrald.transcript.spans import union, widened, within, without
from voxtrald.transcript.words import clean_text

# Services want 3 to 15 seconds (docs.mistral.ai, speech to text limits). An encoder adds up to a tenth of a second,
# and beyond some ten seconds a voice tells nothing new, while each request carries every clip.
LEAST_MS = 3_200
MOST_MS = 12_000
# Engines tell times to some tenths of a second; nearer to another voice, a clip would hold both.
_APART_MS = 250
_EDGE_MS = 500
_BREATH_MS = 700
# A speaker nobody knows may get the very label that another one had in an earlier chunk. So a clip's name tells whose
# voice it is: where that chunk begins, and the label there.
_KNOWN = re.compile(r"known_(\d+)_(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One timed segment with its speaker's label; empty where the engine named nobody."""

    label: str
    span: Span


def choose_clips(placed: PlacedAnswer, *, most: int, names: Collection[str] = ()) -> dict[str, Span]:
    """Choose the longest stretch in which each speaker is heard alone.

    Args:
        placed: the answer about a chunk.
        most: how many clips the engine takes; those who speak most get them.
        names: of speakers whom the engine knows already; whom it knew by a clip, needs no other.

    Returns:
        By the name under which it is sent (see `read_name`), where a clip lies in the recording: 3 to 12 seconds
        long, away from the chunk's edges and from other voices. Who has no such stretch gets no clip. The same answer
        gives the same clips.
    """
    turns = _turns(placed)
    spoken_ms: dict[str, int] = {}
    for turn in turns:
        spoken_ms[turn.label] = spoken_ms.get(turn.label, 0) + turn.span.length_ms
    by_speech = sorted(spoken_ms, key=lambda label: -spoken_ms[label])
    wanted = [label for label in by_speech if label and label not in names and read_name(label) is None]
    window = Span(start_ms=placed.span.start_ms + _EDGE_MS, end_ms=placed.span.end_ms - _EDGE_MS)
    alone = {label: _longest_alone(label, turns, window=window) for label in wanted}
    found = [(label, span) for label, span in alone.items() if span is not None]
    return {f"known_{placed.span.start_ms}_{label}": span for label, span in found[: max(most, 0)]}


def read_name(name: str) -> tuple[int, str] | None:
    """Say where the chunk of a clip begins and which label is meant there; None of what is no name of a clip."""
    match = _KNOWN.fullmatch(name)
    return (int(match[1]), match[2]) if match else None


def _turns(placed: PlacedAnswer) -> list[_Turn]:
    return [
        _Turn(
            label=clean_text(segment.speaker or ""),
            span=Span(start_ms=segment.start_ms + placed.offset_ms, end_ms=segment.end_ms + placed.offset_ms),
        )
        for segment in placed.answer.segments
        if segment.start_ms is not None and segment.end_ms is not None
    ]


def _longest_alone(label: str, turns: Sequence[_Turn], *, window: Span) -> Span | None:
    others = union(widened(turn.span, _APART_MS) for turn in turns if turn.label != label)
    own = union((turn.span for turn in turns if turn.label == label), gap_ms=_BREATH_MS)
    alone = [part for stretch in within(own, window) for part in without(stretch, others)]
    longest = max(alone, key=lambda part: min(part.length_ms, MOST_MS), default=None)
    if longest is None or longest.length_ms < LEAST_MS:
        return None
    return Span(start_ms=longest.start_ms, end_ms=min(longest.end_ms, longest.start_ms + MOST_MS))
