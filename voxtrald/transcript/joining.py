"""Joining a sentence that the cut between two chunks has broken in two.

Where a cut fell is nothing a reader should see. A recogniser that hears a chunk begin writes its first word as the
beginning of a sentence, or not; what tells is the end of the chunk before, and small letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voxtrald.transcript.model import Segment
from voxtrald.transcript.words import ends_sentence, join_texts, split_words

_PAUSE_MS = 2_000
# Engines that tell no times give a chunk as one segment. Two of these are no sentence.
_LONGEST_MS = 30_000


def join(left: Sequence[Segment], right: Sequence[Segment]) -> tuple[Segment, ...]:
    """Put the segments of two neighbouring chunks in a row; a sentence they share becomes one segment."""
    if not left or not right or not _is_one_sentence(left, right[0]):
        return (*left, *right)
    before, after = left[-1], right[0]
    whole = replace(before, end_ms=max(before.end_ms, after.end_ms), text=join_texts([before.text, after.text]))
    return (*left[:-1], whole, *right[1:])


def _is_one_sentence(left: Sequence[Segment], after: Segment) -> bool:
    before = left[-1]
    if before.speaker != after.speaker or after.start_ms - before.end_ms >= _PAUSE_MS:
        return False
    if after.end_ms - before.start_ms > _LONGEST_MS:
        return False
    if any(len(split_words(segment.text)) == 1 for segment in (before, after)):
        return False  # where each word has a time of its own, none may lose it
    return _begins_small(after.text) or _is_left_open(left)


def _begins_small(text: str) -> bool:
    letter = next((character for character in text if character.isalnum()), "")
    return letter.islower()


def _is_left_open(segments: Sequence[Segment]) -> bool:
    """Tell whether the last sentence has no end. It means nothing where no sentence before it has one either."""
    return not ends_sentence(segments[-1].text) and any(ends_sentence(segment.text) for segment in segments[:-1])
