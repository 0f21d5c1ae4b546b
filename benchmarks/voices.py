"""How surely speakers are found again, by how much two chunks share and how many people talk.

    python -m benchmarks.voices

Conversations are drawn by chance: turns of six seconds in the middle, some of them only a word, a breath between them,
now and then two at once. Both chunks tell the times of each turn wrong by two tenths of a second. No sound is made:
what is measured is `transcript.voices` and the length of the overlap.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Span
from voxtrald.transcript.voices import name_speakers

CHUNK_MS = 840_000
OVERLAPS_S = (3, 5, 10, 20, 30, 60)
PEOPLE = (1, 2, 3, 4, 6)
JOINTS = 200
JITTER_MS = 200
TURN_MS = 6_000
SHORTEST_TURN_MS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Somebody speaks."""

    person: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of the joints, how many are sure; of the labels, how many are found again, and how many are sure and wrong."""

    sure: float
    found: float
    wrong: float


def converse(people: int, *, length_ms: int, chance: random.Random) -> Iterator[Turn]:
    """Draw a conversation."""
    at_ms, person = 0, 0
    while at_ms < length_ms:
        end_ms = at_ms + max(SHORTEST_TURN_MS, round(chance.expovariate(1 / TURN_MS)))
        yield Turn(person=person, start_ms=at_ms, end_ms=end_ms)
        at_ms = max(at_ms, end_ms + round(chance.gauss(400, 400)))
        person = chance.choice([other for other in range(people) if other != person] or [person])


def hear(turns: list[Turn], span: Span, *, chance: random.Random) -> tuple[PlacedAnswer, list[int]]:
    """Say what an engine would say about a stretch, and whom it means."""
    heard = [turn for turn in turns if turn.end_ms > span.start_ms and turn.start_ms < span.end_ms]
    labels: dict[int, str] = {}
    segments = tuple(
        AnswerSegment(
            text="w",
            start_ms=max(0, round(max(turn.start_ms, span.start_ms) + chance.gauss(0, JITTER_MS)) - span.start_ms),
            end_ms=max(0, round(min(turn.end_ms, span.end_ms) + chance.gauss(0, JITTER_MS)) - span.start_ms),
            speaker=labels.setdefault(turn.person, f"speaker_{len(labels) + 1}"),
        )
        for turn in heard
    )
    answer = Answer(text="", segments=segments)
    return PlacedAnswer(span=span, offset_ms=span.start_ms, answer=answer), [turn.person for turn in heard]


def score(people: int, *, overlap_ms: int) -> Score:
    """Join two chunks again and again."""
    chance = random.Random(f"{people}-{overlap_ms}")
    sure = found = wrong = labels = 0
    for _ in range(JOINTS):
        turns = list(converse(people, length_ms=2 * CHUNK_MS, chance=chance))
        left, who_left = hear(turns, Span(start_ms=0, end_ms=CHUNK_MS), chance=chance)
        right, who_right = hear(turns, Span(start_ms=CHUNK_MS - overlap_ms, end_ms=2 * CHUNK_MS), chance=chance)
        named = name_speakers([left, right])
        (join,) = named.joins
        before, after = ([one.speaker for one in placed.answer.segments] for placed in named.answers)
        meant = dict(zip(before, who_left, strict=True))
        pairs = set(zip(after, who_right, strict=True))
        sure += join.is_sure
        labels += len(pairs)
        found += sum(meant.get(label) == person for label, person in pairs)
        wrong += sum(meant.get(label, -1) != person for label, person in pairs if label not in join.unsure)
    return Score(sure=sure / JOINTS, found=found / labels, wrong=wrong / labels)


def main() -> None:
    """Print a row for each overlap."""
    print("| overlap | more audio | " + " | ".join(f"{people} people" for people in PEOPLE) + " |")
    print("|---|---|" + "---|" * len(PEOPLE))
    for overlap_s in OVERLAPS_S:
        scores = [score(people, overlap_ms=overlap_s * 1000) for people in PEOPLE]
        told = (f"{one.found:.0%} found, {one.sure:.0%} sure, {one.wrong:.1%} wrong" for one in scores)
        print(f"| {overlap_s} s | {overlap_s * 1000 / CHUNK_MS:.1%} | " + " | ".join(told) + " |")


if __name__ == "__main__":
    main()
