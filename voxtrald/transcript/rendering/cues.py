"""The transcript as subtitle cues: what is shown, from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from voxtrald.transcript.model import Segment, Transcript
from voxtrald.transcript.rendering.breaking import LONGEST_MS, SHORTEST_MS, break_cues, break_lines
from voxtrald.transcript.rendering.clocks import missing_note
from voxtrald.transcript.words import TimedWord, blank_between, time_words

GAP_MS = 80  # two frames of film: without it an eye does not notice that the text has changed
_FLASH_MS = 200  # the least a cue is shown where speakers interrupt one another
_JOINED_PAUSE_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What a player shows from `start_ms` to `end_ms`: one or two lines, and who says it."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str | None = None


def plan_cues(transcript: Transcript, *, label_speakers: bool) -> tuple[Cue, ...]:
    """Divide a transcript into cues that can be read in time.

    Args:
        transcript: what was said; each missing stretch becomes a cue of its own.
        label_speakers: write `speaker: ` before the first words of every speaker's turn.

    Returns:
        Cues that never overlap and never last longer than 7 s.
    """
    cues = [_note(gap.start_ms, gap.end_ms, missing_note(gap)) for gap in transcript.missing]
    labelled: str | None = None
    for passage in _passages(_untangle(transcript.segments)):
        speaker, shown = passage[0].speaker, passage[0].shown_speaker
        is_told = speaker == labelled and passage[0].is_speaker_sure
        label = f"{shown}: " if label_speakers and shown and not is_told else ""
        labelled = speaker
        cues.extend(_cues_of(_words_of(passage, label=label), speaker=shown))
    cues.sort(key=lambda cue: cue.start_ms)
    return tuple(_space_out(cues))


def _note(start_ms: int, end_ms: int, text: str) -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, lines=(text,))


def _untangle(segments: Sequence[Segment]) -> list[Segment]:
    """End a speaker's segment where the same speaker's next one begins, or their cues would change places."""
    next_ms: dict[str | None, int] = {}
    untangled: list[Segment] = []
    for segment in reversed(segments):
        end_ms = min(segment.end_ms, next_ms.get(segment.speaker, segment.end_ms))
        untangled.append(replace(segment, end_ms=end_ms))
        next_ms[segment.speaker] = segment.start_ms
    return untangled[::-1]


def _passages(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Join neighbours too short to be read alone: some engines give a segment for every word."""
    passages = [[segment] for segment in segments[:1]]
    for before, after in pairwise(segments):
        is_short = min(before.end_ms - before.start_ms, after.end_ms - after.start_ms) < SHORTEST_MS
        pause_ms = after.start_ms - before.end_ms
        is_same = before.speaker == after.speaker and after.is_speaker_sure
        if is_short and is_same and 0 <= pause_ms < _JOINED_PAUSE_MS:
            passages[-1].append(after)
        else:
            passages.append([after])
    return passages


def _words_of(passage: Sequence[Segment], *, label: str) -> list[TimedWord]:
    words: list[TimedWord] = []
    for segment in passage:
        if words:
            blank = blank_between(words[-1].text, segment.text)
            words[-1] = replace(words[-1], text=words[-1].text + blank)
        words.extend(time_words(segment.text, start_ms=segment.start_ms, end_ms=segment.end_ms))
    words[0] = replace(words[0], text=label + words[0].text)
    return words


def _cues_of(words: Sequence[TimedWord], *, speaker: str | None) -> Iterable[Cue]:
    for part in break_cues(words):
        lines = break_lines([word.text for word in part])
        yield Cue(start_ms=part[0].start_ms, end_ms=part[-1].end_ms, lines=lines, speaker=speaker)


def _space_out(cues: Sequence[Cue]) -> Iterable[Cue]:
    """Give every cue time to be read and keep it clear of the next; where there is no room, be late."""
    free_ms = 0
    for index, cue in enumerate(cues):
        start_ms = max(cue.start_ms, free_ms)
        wanted_ms = min(max(cue.end_ms, start_ms + SHORTEST_MS), start_ms + LONGEST_MS)
        room_ms = cues[index + 1].start_ms - GAP_MS if index + 1 < len(cues) else wanted_ms
        end_ms = max(min(wanted_ms, room_ms), start_ms + _FLASH_MS)
        free_ms = end_ms + GAP_MS
        yield replace(cue, start_ms=start_ms, end_ms=end_ms)
