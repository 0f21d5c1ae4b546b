"""When recordings come, and what they are: four kinds of people. Pure: the same seed gives the same recordings."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.capacity import SOUNDS, Sound

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S
_WEEK_S: Final = 7 * _DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A recording that is dropped."""

    at_s: float
    duration_s: float
    sound: Sound


def interviews(count: int = 200, *, seed: int = 1) -> list[Arrival]:
    """Drop interviews all at once: m4a, an hour each as the median, two thirds between 40 and 90 minutes."""
    luck = random.Random(seed)
    lengths_s = (luck.lognormvariate(math.log(_HOUR_S), 0.4) for _ in range(count))
    return [Arrival(at_s=0.0, duration_s=length_s, sound=SOUNDS["m4a"]) for length_s in lengths_s]


def sermons(weeks: int = 8) -> list[Arrival]:
    """Drop one sermon of 35 minutes a week, as mp3."""
    return [Arrival(at_s=week * _WEEK_S, duration_s=35 * _MINUTE_S, sound=SOUNDS["mp3"]) for week in range(weeks)]


def clips(hours: int = 24, *, per_hour: float = 60.0, seed: int = 1) -> list[Arrival]:
    """Drop clips of 20 seconds to 10 minutes, half of them in the ten minutes before each full hour."""
    luck = random.Random(seed)
    moments_s = sorted(_moment_s(hour, luck) for hour in range(hours) for _ in range(round(per_hour)))
    return [Arrival(at_s=at_s, duration_s=_clip_s(luck), sound=SOUNDS["m4a"]) for at_s in moments_s]


def archive(hours: int = 400) -> list[Arrival]:
    """Drop an archive at once: mp3, an hour each."""
    return [Arrival(at_s=0.0, duration_s=_HOUR_S, sound=SOUNDS["mp3"]) for _ in range(hours)]


def memos(count: int = 1000) -> list[Arrival]:
    """Drop memos at once: m4a, ten seconds each."""
    return [Arrival(at_s=0.0, duration_s=10.0, sound=SOUNDS["m4a"]) for _ in range(count)]


def dropped_at_once(durations: Sequence[tuple[float, Sound]]) -> list[Arrival]:
    """Drop these, in this order."""
    return [Arrival(at_s=0.0, duration_s=duration_s, sound=sound) for duration_s, sound in durations]


def _moment_s(hour: int, luck: random.Random) -> float:
    is_rushed = luck.random() < 0.5
    return hour * _HOUR_S + (luck.uniform(50, 60) if is_rushed else luck.uniform(0, 50)) * _MINUTE_S


def _clip_s(luck: random.Random) -> float:
    return min(600.0, max(20.0, luck.lognormvariate(math.log(90), 0.8)))
