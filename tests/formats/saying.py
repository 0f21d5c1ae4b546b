"""The words that recordings of every kind say, at the beginning, in the middle and close to the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tests.sound.speech import RATE, PlacedWord, place, speak, write_wav

SAYING: Final = (("gahan", 0), ("forab", 460), ("gumif", 820), ("kogub", 1_500), ("sidoz", 1_900))
"""Words that survive the narrowest codecs, and when each begins."""

SAYING_MS: Final = 2_180
LEAD_MS: Final = 500
"""The silence before the saying in the small files beside this module."""

_BEFORE_END_MS: Final = 6_000
_NOISE: Final = 4
"""Samples are off by so much: a room is never quite silent, and encoders treat digital silence in ways of their own."""


def places_ms(length_ms: int) -> tuple[int, ...]:
    """Say when the saying begins: multiples of 20 ms, so that codecs made of such frames can be put together."""
    return (1_000, length_ms * 9 // 400 * 20, length_ms - _BEFORE_END_MS)


def spoken(length_ms: int) -> tuple[PlacedWord, ...]:
    """Give every word of a recording of this length."""
    return tuple(place(text, start_ms + after_ms) for start_ms in places_ms(length_ms) for text, after_ms in SAYING)


def write_base(path: Path, *, length_ms: int) -> Path:
    """Write the recording that all others are made from: mono, 16 bits, `RATE`."""
    samples = speak(spoken(length_ms), length_ms)
    second = np.random.default_rng(1).integers(-_NOISE, _NOISE, RATE, dtype=np.int16, endpoint=True)
    for first in range(0, len(samples), RATE):
        samples[first : first + RATE] += second[: len(samples) - first]
    return write_wav(path, samples)


def texts(words: Sequence[PlacedWord]) -> list[str]:
    """Keep only what was said."""
    return [word.text for word in words]
