"""Hears tone-coded speech: gives back exactly the words that are in a sound, and where words were damaged.

The sound is cut into 5 ms blocks; a window of four blocks slides over them. Each block meets a bank of 17
tones in one matrix product, and the windows are sums of its parts, so an hour takes about a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.sound.speech import (
    MARKER_HZ,
    RAMP_MS,
    SYMBOL_MS,
    TONES_HZ,
    VOICE_LOUDNESS,
    VOICES_HZ,
    WORD_MS,
    PlacedWord,
    Samples,
)
from tests.sound.vocabulary import SYMBOLS, index_from, word_of

Floats = npt.NDArray[np.float32]

BROKEN: Final = "<broken>"
LEFTOVER_MS: Final = 60
"""A remnant of tones longer than this is a broken word; a shorter one may be an encoder's smear."""

_BLOCKS_PER_S: Final = 200
_WINDOW: Final = 4
_PIECE: Final = 60 * _BLOCKS_PER_S
_AUDIBLE: Final = 0.06
_MARKER: Final = 0
_DIP: Final = 3
_INSIDE: Final = (-1, 0, 1)
_CLEAR: Final = 0.5
"""A symbol is clear where the second tone is at most this part of the first."""

_MARKER_TOLERANCE_MS: Final = 15.0
_INWARD_MS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tones:
    """What each window holds: the marker's amplitude, the loudest tone, its amplitude and the second's."""

    block_ms: float
    marker: Floats
    loudest: npt.NDArray[np.int8]
    first: Floats
    second: Floats

    def time_ms(self, window: float) -> float:
        """The middle of a window. Two windows of silence stand before the sound, see `_listen`."""
        return (window + _WINDOW / 2 - _WINDOW) * self.block_ms

    def window_at(self, time_ms: float) -> int:
        """The window whose middle is nearest to a time."""
        return round(time_ms / self.block_ms - _WINDOW / 2 + _WINDOW)


def hear(samples: Samples, rate: int) -> tuple[PlacedWord, ...]:
    """Read the words out of mono int16 samples; damaged ones are `BROKEN`. In order of time."""
    tones = _listen(samples, rate)
    free = tones.first > _AUDIBLE
    words: list[PlacedWord] = []
    for start_ms in _word_starts(tones):
        text = _read_word(tones, start_ms)
        if text is not None:
            word = _placed(text, start_ms, start_ms + WORD_MS)
            words.append(replace(word, voice=_voice_of(word, samples, rate)))
            free[tones.window_at(start_ms - 15) : tones.window_at(start_ms + WORD_MS + 15) + 1] = False
    words += _leftovers(tones, free)
    return tuple(sorted(words, key=lambda word: word.start_ms))


def _voice_of(word: PlacedWord, samples: Samples, rate: int) -> int | None:
    """Find out which speaker's tone lies under a word, if any does."""
    inside = samples[(word.start_ms + _INWARD_MS) * rate // 1000 : (word.end_ms - _INWARD_MS) * rate // 1000]
    window = np.hanning(len(inside))
    turns = np.exp(-2j * np.pi * np.outer(VOICES_HZ, np.arange(len(inside))) / rate)
    heights = np.abs(turns @ (inside * window)) * 2 / max(float(window.sum()), 1e-9) / 32768
    loudest = int(heights.argmax())
    others = np.delete(heights, loudest)
    is_clear = heights[loudest] > VOICE_LOUDNESS / 2 and others.max() < _CLEAR * heights[loudest]
    return loudest if is_clear else None


def _placed(text: str, start_ms: float, end_ms: float) -> PlacedWord:
    start = max(0, round(start_ms))
    return PlacedWord(text=text, start_ms=start, end_ms=max(start, round(end_ms)))


def _word_starts(tones: _Tones) -> Iterator[float]:
    """Times where a whole marker begins: it reaches half of its height and is as long as a marker is."""
    is_marker = (tones.loudest == _MARKER) & (tones.first > _AUDIBLE)
    for first, last in _runs(is_marker):
        half = float(tones.marker[first:last].max()) / 2
        rise = first + int(np.argmax(tones.marker[first:last] >= half))
        fall = last - 1 - int(np.argmax(tones.marker[first:last][::-1] >= half))
        start_ms = tones.time_ms(_crossing(tones.marker, rise - 1, rise, half))
        end_ms = tones.time_ms(_crossing(tones.marker, fall, fall + 1, half))
        if abs(end_ms - start_ms - SYMBOL_MS) <= _MARKER_TOLERANCE_MS:
            yield start_ms - RAMP_MS / 2


def _crossing(heights: Floats, before: int, after: int, level: float) -> float:
    """Where between two neighbouring windows a straight line passes `level`."""
    if before < 0 or after >= len(heights):
        return float(max(before, 0))
    low, high = float(heights[before]), float(heights[after])
    return before + (0.5 if low == high else min(1.0, max(0.0, (level - low) / (high - low))))


def _read_word(tones: _Tones, start_ms: float) -> str | None:
    """Read the seven symbols after a marker, or None where they are not one clear word.

    Of the windows that lie inside a symbol the clearest one counts: lossy encoders smear a few of them.
    """
    middles = [tones.window_at(start_ms + SYMBOL_MS * (position + 1.5)) for position in range(SYMBOLS)]
    windows = np.add.outer(middles, _INSIDE)
    if windows.max() >= len(tones.first):
        return None
    clearest = np.argmin(tones.second[windows] / (tones.first[windows] + 1e-9), axis=1)
    chosen = windows[np.arange(SYMBOLS), clearest]
    loudest, first, second = tones.loudest[chosen], tones.first[chosen], tones.second[chosen]
    clear = (first > _AUDIBLE) & (second < _CLEAR * first) & (loudest != _MARKER)
    index = index_from(tuple(int(tone) - 1 for tone in loudest)) if clear.all() else None
    return None if index is None else word_of(index)


def _leftovers(tones: _Tones, free: npt.NDArray[np.bool_]) -> Iterator[PlacedWord]:
    """Tones that belong to no word, long enough to have been one.

    Between two symbols a faint tone sinks below what is audible; such a dip does not end a remnant.
    """
    smear_ms = 2 * tones.block_ms
    for first, last in _joined(_runs(free), most=_DIP):
        start_ms, end_ms = tones.time_ms(first), tones.time_ms(last - 1)
        if end_ms - start_ms - smear_ms > LEFTOVER_MS:
            yield _placed(BROKEN, start_ms, end_ms)


def _joined(runs: Iterable[tuple[int, int]], *, most: int) -> Iterator[tuple[int, int]]:
    """Runs, neighbours with at most so many windows between them made one."""
    open_run: tuple[int, int] | None = None
    for first, last in runs:
        if open_run is not None and first - open_run[1] > most:
            yield open_run
            open_run = None
        open_run = (first if open_run is None else open_run[0], last)
    if open_run is not None:
        yield open_run


def _runs(flags: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Half-open index ranges in which `flags` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _listen(samples: Samples, rate: int) -> _Tones:
    """Measure the tones in every window, minute by minute so that memory stays small.

    A window of silence before and after the sound lets a word that touches the edge rise and fall like any
    other.
    """
    block = rate // _BLOCKS_PER_S
    count = -(-len(samples) // block) + 2 * _WINDOW
    measured = [
        _measure(_blocks(samples, block, first=first, count=min(_PIECE, count - first) + _WINDOW - 1), rate)
        for first in range(0, count, _PIECE)
    ]
    marker, loudest, first, second = (np.concatenate(parts) for parts in zip(*measured, strict=True))
    return _Tones(block_ms=1000 * block / rate, marker=marker, loudest=loudest, first=first, second=second)


def _blocks(samples: Samples, block: int, *, first: int, count: int) -> Floats:
    """`count` blocks from block `first` on; block 0 is one window before the sound, beyond it is silence."""
    start = (first - _WINDOW) * block
    inside = samples[max(start, 0) : max(start + count * block, 0)]
    blocks = np.zeros(count * block, np.float32)
    skip = max(-start, 0)
    blocks[skip : skip + len(inside)] = inside
    return blocks.reshape(count, block)


def _measure(blocks: Floats, rate: int) -> tuple[Floats, npt.NDArray[np.int8], Floats, Floats]:
    bank = _bank(rate)
    parts = (blocks @ bank).reshape(len(blocks), _WINDOW, -1)
    windows = len(blocks) - _WINDOW + 1
    waves = sum((parts[shift : shift + windows, shift] for shift in range(1, _WINDOW)), parts[:windows, 0].copy())
    tones = waves.shape[1] // 2
    heights = np.hypot(waves[:, :tones], waves[:, tones:])
    marker = heights[:, _MARKER].copy()
    loudest = heights.argmax(axis=1)
    rows = np.arange(windows)
    first = heights[rows, loudest]
    heights[rows, loudest] = 0
    return marker, loudest.astype(np.int8), first, heights.max(axis=1)


@cache
def _bank(rate: int) -> Floats:
    """The tone bank, (samples of a block) x (parts of a window, each with cosines and sines).

    Scaled so that the height of a tone is its amplitude, full scale being 1.
    """
    block = rate // _BLOCKS_PER_S
    count = block * _WINDOW
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(count) + 0.5) / count)
    scale = window * 2 / window.sum() / 32768
    angles = 2 * np.pi * np.outer(np.arange(count) / rate, (MARKER_HZ, *TONES_HZ))
    waves = np.hstack([np.cos(angles), np.sin(angles)]) * scale[:, None]
    return np.ascontiguousarray(waves.reshape(_WINDOW, block, -1).transpose(1, 0, 2).reshape(block, -1), np.float32)
