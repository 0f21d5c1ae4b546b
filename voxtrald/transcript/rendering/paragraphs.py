"""The transcript as paragraphs, for every format that is read rather than played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.rendering.clocks import missing_note
from voxtrald.transcript.words import ends_sentence, join_texts

NOTHING_SAID = "[no speech]"

_PAUSE_MS = 2_000
# A lecture without a pause would be one paragraph of an hour: after so much a sentence's end is enough.
_LONG_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Something said by one speaker, or a note about a stretch without transcript."""

    start_ms: int
    text: str
    speaker: str | None = None
    is_note: bool = False


def paragraphs(transcript: Transcript) -> tuple[Paragraph, ...]:
    """Divide a transcript where the speaker changes, at pauses, at missing stretches, and where it gets long.

    Returns:
        Paragraphs and notes in the order of their starts; at least one note, also where nothing was said.
    """
    spoken = [
        Paragraph(
            start_ms=group[0].start_ms,
            text=join_texts(segment.text for segment in group),
            speaker=group[0].shown_speaker,
        )
        for group in _group(transcript.segments, gaps=transcript.missing)
    ]
    notes = [Paragraph(start_ms=gap.start_ms, text=missing_note(gap), is_note=True) for gap in transcript.missing]
    found = sorted((*notes, *spoken), key=lambda paragraph: paragraph.start_ms)
    return tuple(found) or (Paragraph(start_ms=0, text=NOTHING_SAID, is_note=True),)


def _group(segments: Sequence[Segment], *, gaps: Sequence[Span]) -> list[list[Segment]]:
    groups = [[segment] for segment in segments[:1]]
    for before, after in pairwise(segments):
        if _is_break(groups[-1][0], before, after, gaps=gaps):
            groups.append([after])
        else:
            groups[-1].append(after)
    return groups


def _is_break(first: Segment, before: Segment, after: Segment, *, gaps: Sequence[Span]) -> bool:
    return (
        before.speaker != after.speaker
        or not after.is_speaker_sure
        or after.start_ms - before.end_ms >= _PAUSE_MS
        or (before.end_ms - first.start_ms >= _LONG_MS and ends_sentence(before.text))
        or any(before.start_ms < gap.start_ms <= after.start_ms for gap in gaps)
    )
