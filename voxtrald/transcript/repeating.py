"""Finds what is said again and again without anything in between."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import eq
from typing import Final

LONGEST_PERIOD: Final = 64
"""The longest phrase, in words, whose repetition is looked for; whole sentences are also compared as segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A phrase said several times in a row.

    Attributes:
        first: index of its first token.
        end: index behind its last one; the last repetition may be incomplete.
        period: how many tokens the phrase has.
    """

    first: int
    end: int
    period: int

    @property
    def times(self) -> int:
        """How often the whole phrase is there."""
        return (self.end - self.first) // self.period


def find_runs(tokens: Sequence[Hashable], *, least_times: int, longest_period: int = LONGEST_PERIOD) -> list[Run]:
    """Find phrases that are said at least `least_times` in a row; in order, none within another.

    Of several periods the shortest is told: a word said twelve times is not a phrase of two words said six times.
    """
    numbers: dict[Hashable, int] = {}
    coded = [numbers.setdefault(token, len(numbers)) for token in tokens]
    found: list[Run] = []
    for period in range(1, min(longest_period, len(coded) // max(least_times, 2)) + 1):
        for run in _runs_of(coded, period):
            if run.times >= least_times and not any(_is_within(run, other) for other in found):
                found.append(run)
    return sorted(found, key=lambda run: (run.first, run.end))


def _runs_of(coded: Sequence[int], period: int) -> Iterator[Run]:
    """Give the stretches in which every token is the one a period before it."""
    at = 0
    for is_same, group in groupby(map(eq, coded, coded[period:])):
        length = sum(1 for _ in group)
        if is_same:
            yield Run(first=at, end=at + length + period, period=period)
        at += length


def _is_within(run: Run, other: Run) -> bool:
    """Whether most of a run is part of another, of a shorter period."""
    shared = min(run.end, other.end) - max(run.first, other.first)
    return 2 * shared > run.end - run.first
