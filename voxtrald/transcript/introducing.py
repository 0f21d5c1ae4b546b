"""The names that people gave the speakers, in place of the labels that engines give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from voxtrald.transcript.model import Segment, Transcript
from voxtrald.transcript.words import clean_text


def introduce(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """Show names instead of labels, where there is a name for exactly this label; the label is kept beside it."""
    known = {label: name for label, written in names.items() if (name := clean_text(written))}
    if not known:
        return transcript
    return replace(transcript, segments=tuple(_introduced(segment, known) for segment in transcript.segments))


def _introduced(segment: Segment, names: Mapping[str, str]) -> Segment:
    name = names.get(segment.speaker) if segment.speaker is not None else None
    return segment if name is None else replace(segment, speaker=name, speaker_label=segment.speaker)
