"""Whose voice is whose: labels of speakers that hold for the whole recording.

Engines count speakers anew in every chunk. Who goes on behind a cut is found out in two ways: by names, where the
engine was given clips of the voices, and by the stretch that two neighbouring chunks have both heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from voxtrald.transcript.clips import read_name
from voxtrald.transcript.model import Answer, PlacedAnswer, Segment, Span, SpeakerJoin, Transcript
from voxtrald.transcript.placing import place
from voxtrald.transcript.spans import length_within, union, within
from voxtrald.transcript.words import clean_text

# Times of turns are good to some tenths of a second: what two labels share by that alone is no evidence.
_LEAST_SHARED_MS = 300
_SURE_SHARED_MS = 1_000
_MARGIN = 2
_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d+)")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Person = int | str
"""Somebody in the recording: a number of ours, or the name under which the engine knows the voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Answers whose labels hold for the whole recording, and how sure that is at each joint."""

    answers: tuple[PlacedAnswer, ...]
    joins: tuple[SpeakerJoin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One chunk: who speaks when, in the recording's time, in the order in which they begin."""

    span: Span
    talk: Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cast:
    """Who the labels of one chunk are, and of which of them that is not sure."""

    people: Mapping[str, Person]
    unsure: tuple[str, ...] = ()


def name_speakers(answers: Sequence[PlacedAnswer], *, names: Collection[str] = ()) -> Named:
    """Give every speaker one label in all chunks.

    A label that was sent with a clip of a voice is that speaker. The others are matched over the overlap with the
    chunk before, by the time in which both say that somebody speaks; whoever is not found again gets a new label.
    Labels are numbered by first appearance, in the engine's own style; a single answer stays as it is.

    A joint is sure where everybody behind it was known by a clip, or shares at least a second and twice as much as
    with anybody else, or must be new because all who were met before are there as well.

    Args:
        answers: the chunks' answers; where one is missing nothing can be matched.
        names: of speakers whose voices were configured.
    """
    ordered = tuple(sorted(answers, key=lambda placed: placed.span.start_ms))
    parts = [_part(placed) for placed in ordered]
    if len(parts) <= 1 or not any(part.talk for part in parts):
        return Named(answers=ordered)
    casts = _identify(parts, names=frozenset(names))
    own = [label for part in parts for label in part.talk if label not in names and read_name(label) is None]
    labels = _labels(casts, like=own, names=names)
    shown = [{label: labels[person] for label, person in cast.people.items()} for cast in casts]
    return Named(
        answers=tuple(_relabelled(placed, one) for placed, one in zip(ordered, shown, strict=True)),
        joins=tuple(
            SpeakerJoin(at_ms=part.span.start_ms, unsure=tuple(one[label] for label in cast.unsure))
            for part, cast, one in list(zip(parts, casts, shown, strict=True))[1:]
        ),
    )


def mark_joins(transcript: Transcript, joins: Sequence[SpeakerJoin]) -> Transcript:
    """Mark where a speaker of whom a joint is not sure is first named behind it."""
    segments = list(transcript.segments)
    for join in joins:
        for label in join.unsure:
            behind = (at for at, one in enumerate(segments) if one.speaker == label and one.start_ms >= join.at_ms)
            if (first := next(behind, None)) is not None:
                segments[first] = replace(segments[first], is_speaker_sure=False)
    return replace(transcript, segments=tuple(segments), joins=tuple(joins))


# --- who is who -------------------------------------------------------------------------------------------------


def _part(placed: PlacedAnswer) -> _Part:
    talk: dict[str, list[Span]] = {}
    for segment in place(placed, duration_ms=placed.span.end_ms):
        if segment.speaker is not None:
            talk.setdefault(segment.speaker, []).append(_span_of(segment))
    return _Part(span=placed.span, talk={label: union(spans) for label, spans in talk.items()})


def _span_of(segment: Segment) -> Span:
    return Span(start_ms=segment.start_ms, end_ms=segment.end_ms)


def _identify(parts: Sequence[_Part], *, names: frozenset[str]) -> list[_Cast]:
    casts: list[_Cast] = []
    numbers = count()
    for index, part in enumerate(parts):
        told = _told(
            part, names=names, met={before.span.start_ms: cast for before, cast in zip(parts, casts, strict=False)}
        )
        matched = _match(parts[index - 1], part, before=casts[-1].people, told=told) if casts else {}
        everyone = {person for cast in casts for person in cast.people.values()}
        casts.append(_cast(part, told=told, matched=matched, everyone=everyone, numbers=numbers))
    return casts


def _told(part: _Part, *, names: frozenset[str], met: Mapping[int, _Cast]) -> dict[str, Person]:
    """Say whom the engine itself has recognised, by configured names and by clips of chunks, by their starts."""
    told: dict[str, Person] = {label: label for label in part.talk if label in names}
    for label in part.talk:
        start_ms, known = read_name(label) or (-1, "")
        if label not in told and start_ms in met and known in met[start_ms].people:
            told[label] = met[start_ms].people[known]
    return told


def _match(
    left: _Part, right: _Part, *, before: Mapping[str, Person], told: Mapping[str, Person]
) -> dict[str, tuple[Person, bool]]:
    """Find who of the chunk before goes on, and whether that is sure.

    The pair that shares most is taken first. Where a pair is sure that is also the assignment which shares most in
    sum: whoever takes one of the two elsewhere loses more than both could gain.
    """
    shared = {
        (old, new): shared_ms
        for old, new, shared_ms in _shared(left, right)
        if new not in told and before[old] not in told.values()
    }
    matched: dict[str, tuple[Person, bool]] = {}
    taken: set[str] = set()
    for (old, new), shared_ms in sorted(shared.items(), key=lambda pair: -pair[1]):
        if new in matched or old in taken or shared_ms < _LEAST_SHARED_MS:
            continue
        rivals_ms = [ms for pair, ms in shared.items() if pair != (old, new) and (pair[0] == old or pair[1] == new)]
        sure = shared_ms >= _SURE_SHARED_MS and shared_ms >= _MARGIN * max(rivals_ms, default=0)
        matched[new] = before[old], sure
        taken.add(old)
    return matched


def _shared(left: _Part, right: _Part) -> Iterator[tuple[str, str, int]]:
    """Add up for each pair of labels how long both chunks say that they speak."""
    overlap = Span(start_ms=right.span.start_ms, end_ms=max(right.span.start_ms, left.span.end_ms))
    for old, old_talk in left.talk.items():
        heard = within(old_talk, overlap)
        for new, new_talk in right.talk.items():
            yield old, new, sum(length_within(new_talk, span) for span in heard)


def _cast(
    part: _Part,
    *,
    told: Mapping[str, Person],
    matched: Mapping[str, tuple[Person, bool]],
    everyone: Collection[Person],
    numbers: Iterator[int],
) -> _Cast:
    sure = {*told.values(), *(person for person, is_sure in matched.values() if is_sure)}
    are_all_here = sure.issuperset(everyone)  # then whoever else speaks has not been met
    people: dict[str, Person] = {}
    unsure: list[str] = []
    for label in part.talk:
        if label in told:
            people[label] = told[label]
            continue
        person, is_sure = matched.get(label) or (next(numbers), are_all_here)
        people[label] = person
        if not is_sure:
            unsure.append(label)
    return _Cast(people=people, unsure=tuple(unsure))


# --- what they are called -----------------------------------------------------------------------------------------


def _labels(casts: Sequence[_Cast], *, like: Sequence[str], names: Collection[str]) -> dict[Person, str]:
    people = dict.fromkeys(person for cast in casts for person in cast.people.values())
    fresh = (label for label in map(_style(like), count()) if label not in names)
    return {person: person if isinstance(person, str) else next(fresh) for person in people}


def _style(labels: Sequence[str]) -> Callable[[int], str]:
    """Find out how the engine counts speakers: from which number on, with how many digits, or in letters."""
    numbered = [match for label in labels if (match := _NUMBERED.fullmatch(label))]
    if numbered:
        head, digits = numbered[0]["head"], numbered[0]["number"]
        first = min([1, *(int(match["number"]) for match in numbered if match["head"] == head)])
        width = len(digits) if digits.startswith("0") else 1
        return lambda number: f"{head}{number + first:0{width}d}"
    if labels and all(label in _LETTERS for label in labels):
        return lambda number: _LETTERS[number] if number < len(_LETTERS) else f"A{number}"
    return lambda number: f"speaker_{number + 1}"


def _relabelled(placed: PlacedAnswer, labels: Mapping[str, str]) -> PlacedAnswer:
    segments = tuple(
        replace(segment, speaker=labels.get(clean_text(segment.speaker or ""))) for segment in placed.answer.segments
    )
    answer: Answer = replace(placed.answer, segments=segments)
    return replace(placed, answer=answer)
