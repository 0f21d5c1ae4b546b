"""How many things were going on at once: shares, averages, percentiles and a chart over time. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Interval = tuple[float, float]

_BARS: Final = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time during which the number of open intervals stayed the same."""

    from_s: float
    until_s: float
    level: int

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.until_s - self.from_s


def stretches(intervals: Sequence[Interval]) -> list[Stretch]:
    """Cut the time from the first begin to the last end where an interval begins or ends."""
    changes = sorted([*((began_s, 1) for began_s, _ in intervals), *((ended_s, -1) for _, ended_s in intervals)])
    levels = itertools.accumulate(step for _, step in changes)
    return [
        Stretch(from_s=before_s, until_s=after_s, level=level)
        for ((before_s, _), (after_s, _)), level in zip(itertools.pairwise(changes), levels, strict=False)
    ]


def without_ramps(found: Sequence[Stretch], *, wanted: int, until_s: float) -> list[Stretch]:
    """Leave out what was before `wanted` were first open and after `until_s`, when the last one opened.

    The ramps at both ends belong to the number of memos, not to the program. Where never so many were open, all stays.
    """
    from_s = next((each.from_s for each in found if each.level >= wanted), found[0].from_s)
    return [each for each in found if from_s <= each.from_s and each.until_s <= until_s]


def share(found: Sequence[Stretch], *, wanted: int) -> float:
    """Give the share of the time with at least `wanted` open."""
    return sum(each.length_s for each in found if each.level >= wanted) / _total_s(found)


def average(found: Sequence[Stretch]) -> float:
    """Give how many were open on average."""
    return sum(each.length_s * each.level for each in found) / _total_s(found)


def percentile(found: Sequence[Stretch], percent: float) -> int:
    """Give the level below or at which the count was for `percent` of the time."""
    left_s = _total_s(found) * percent / 100
    ordered = sorted(found, key=lambda each: each.level)
    for each in ordered:
        left_s -= each.length_s
        if left_s <= 0:
            return each.level
    return ordered[-1].level


def chart(found: Sequence[Stretch], *, columns: int, full: int) -> str:
    """Draw the average level over time, one sign for each of `columns` equal parts; a full block means `full`."""
    first_s = found[0].from_s
    width_s = (found[-1].until_s - first_s) / columns
    averages = [
        sum(each.level * overlap_s(each, first_s + column * width_s, width_s) for each in found) / width_s
        for column in range(columns)
    ]
    return "".join(_BARS[min(len(_BARS) - 1, round(level / full * (len(_BARS) - 1)))] for level in averages)


def overlap_s(stretch: Stretch, from_s: float, length_s: float) -> float:
    """Say how much of a stretch lies within so many seconds from a moment on."""
    return max(0.0, min(stretch.until_s, from_s + length_s) - max(stretch.from_s, from_s))


def _total_s(found: Sequence[Stretch]) -> float:
    return sum(each.length_s for each in found)
