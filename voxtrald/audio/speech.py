"""Finds where in a recording somebody speaks: sound goes in piece by piece, two bytes are kept of every 20 ms. Pure.

Two questions are answered, which err in opposite directions. *May somebody be speaking?* has to be right about every
word, since what is denied may be left out of what is sent: whatever rises above the quietest sound of the
surroundings counts. *Is that surely speech?* has to be right about music and noise, since text is missed there. Two
traits tell them apart, over three seconds each:

- the loudness of speech swings at the speed of syllables, 2 to 8 times a second (Houtgast and Steeneken, "A review of
  the MTF concept", 1985); noise, clicks, typing and applause swing faster than that at least as much;
- its spectrum's centre wanders, from vowel to consonant (Saunders, "Real-time discrimination of broadcast
  speech/music", 1996); that of music, whose notes are held, wanders less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from voxtrald.audio import commands
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.model import Span
from voxtrald.transcript.spans import union

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

FRAME_MS: Final = 20
RATE_HZ: Final = commands.HEARD_RATE_HZ

RISE_DB: Final = 6.0
"""How far a frame lies above its surroundings' quietest where somebody may be speaking."""

WANDER_HZ: Final = 156.0
"""How far the spectrum's centre wanders in speech, as a standard deviation. Measured in nine tenths of all stretches
of three seconds: noise up to 170, yet without syllables; instruments up to 130, bands up to 235; speech from 230,
with music 10 dB below it from 110."""

SWING: Final = 0.15
"""How far loudness swings at the speed of syllables, as a root mean square of its mean."""

_FLOOR_PERCENT: Final = 2
_FLOOR_REACH: Final = 10  # minutes on either side
_FLOOR_DB: Final = 9.0  # over one step of 16-bit sound: digital silence has no floor of its own
_ACTIVE_OF_FIVE: Final = 3
_SMOOTH: Final = 10  # frames: the quietest 200 ms, not the quietest dip

_PER_S: Final = 1000 // FRAME_MS
_MINUTE: Final = 60 * _PER_S
_STEP: Final = RATE_HZ * FRAME_MS // 1000
_WINDOW: Final = 256
_LOWEST_BIN: Final = 4  # 125 Hz: below are hum and steps
_HIGHEST_BIN: Final = 124
_BIN_HZ: Final = RATE_HZ / _WINDOW
_LEVELS_PER_DB: Final = 2
_CENTRES_PER_BIN: Final = 2
_UNKNOWN: Final = 255

_LOOK_S: Final = 3
_SLOW_HZ: Final = (2, 8)
_BLOCK: Final = 600 * _PER_S
_MARGIN: Final = _LOOK_S * _PER_S
_GAP_MS: Final = 600

_HANN: Final = np.hanning(_WINDOW).astype(np.float32)
_BINS: Final = np.arange(_LOWEST_BIN, _HIGHEST_BIN, dtype=np.float32)
_LOOK_HANN: Final = np.hanning(_LOOK_S * _PER_S).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is kept of a stretch of sound, a byte of each for every 20 ms.

    Attributes:
        start_ms: where in the recording it begins.
        levels: half decibels over one step of 16-bit sound, between 125 and 3900 Hz.
        centres: where in the spectrum the middle of the power lies, in steps of 15.6 Hz.
    """

    start_ms: int
    levels: bytes
    centres: bytes

    @property
    def end_ms(self) -> int:
        """Where in the recording it ends."""
        return self.start_ms + len(self.levels) * FRAME_MS


class Meter:
    """Listens to mono sound that comes in pieces of any size, and keeps little of it: 8.6 MB for a day."""

    def __init__(self, *, rate_hz: int = RATE_HZ, start_ms: int = 0) -> None:
        """Begin at `start_ms` of the recording; `rate_hz` is 8000 or a multiple of it."""
        if rate_hz % RATE_HZ:
            raise ValueError(f"{rate_hz} Hz is no multiple of {RATE_HZ} Hz")
        self._thinning = rate_hz // RATE_HZ
        self._start_ms = start_ms
        self._rest = np.empty(0, np.int16)
        self._window = np.empty(0, np.float32)
        self._levels = bytearray()
        self._centres = bytearray()
        self._count = 0

    @property
    def heard_ms(self) -> int:
        """How much sound has come in."""
        return self._count * 1000 // (RATE_HZ * self._thinning)

    def feed(self, samples: Samples) -> None:
        """Take the next piece."""
        self._count += samples.size
        whole = np.concatenate([self._rest, samples])
        usable = whole.size // self._thinning * self._thinning
        self._rest = whole[usable:].copy()
        thinned = whole[:usable].reshape(-1, self._thinning).mean(axis=1, dtype=np.float32)
        self._measure(np.concatenate([self._window, thinned]))

    def feed_bytes(self, piece: bytes) -> None:
        """Take the next piece as little-endian 16-bit samples; it holds whole samples only."""
        self.feed(np.frombuffer(piece, dtype="<i2"))

    def profile(self) -> Profile:
        """Give what was heard so far; the last 20 ms need not be whole."""
        # The last windows reach beyond the end, where it is silent.
        frames = -(-self._window.size // _STEP)
        padded = np.zeros((frames + 1) * _STEP + _WINDOW, np.float32)
        padded[: self._window.size] = self._window
        levels, centres = _describe(padded, frames)
        return Profile(
            start_ms=self._start_ms, levels=bytes(self._levels + levels), centres=bytes(self._centres + centres)
        )

    def _measure(self, sound: Floats) -> None:
        frames = max(0, (sound.size - _WINDOW) // _STEP + 1)
        levels, centres = _describe(sound, frames)
        self._levels += levels
        self._centres += centres
        self._window = sound[frames * _STEP :].copy()


def _describe(sound: Floats, frames: int) -> tuple[bytes, bytes]:
    """Give level and spectral centre of so many frames."""
    if not frames:
        return b"", b""
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[: frames * _STEP : _STEP]
    spectrum = np.fft.rfft(windows * _HANN, axis=1)[:, _LOWEST_BIN:_HIGHEST_BIN]
    powers = np.square(spectrum.real) + np.square(spectrum.imag)
    total = powers.sum(axis=1)
    # 8/3 undoes what the window takes away, and 2 / n**2 makes a mean square of a sum over half a spectrum.
    levels_db = 10 * np.log10(total * (2 * 8 / 3 / _WINDOW**2) + 1)
    centres = powers @ _BINS / np.maximum(total, 1e-3)
    return _bytes(levels_db * _LEVELS_PER_DB), _bytes(centres * _CENTRES_PER_BIN)


def _bytes(values: npt.NDArray[np.floating]) -> bytes:
    rounded: Bytes = np.clip(np.rint(values), 0, _UNKNOWN - 1).astype(np.uint8)
    return rounded.tobytes()


# --- judging ----------------------------------------------------------------------------------------------------------


def find_speech(profiles: Iterable[Profile], *, duration_ms: int) -> SpeechMap:
    """Say where in a recording there is speech, given what was kept of its parts. Pure.

    Parts may come in any order and overlap, as chunks do; of what none of them covers nothing is known, so that
    somebody may be speaking there.
    """
    levels, centres = _lay(profiles, frames=-(-duration_ms // FRAME_MS))
    floors_db = _floors_db(levels)
    maybe, surely = np.zeros(levels.size, np.bool_), np.zeros(levels.size, np.bool_)
    for first in range(0, levels.size, _BLOCK):
        begin, end = max(0, first - _MARGIN), min(first + _BLOCK + _MARGIN, levels.size)
        inner = slice(first - begin, min(first + _BLOCK, levels.size) - begin)
        active = _active(levels[begin:end], floors_db=floors_db[np.arange(begin, end) // _MINUTE])
        speaking = _is_speech_like(levels[begin:end], centres[begin:end])
        # In noise as loud as the voice, little rises above the floor, and the traits still tell.
        maybe[first : first + _BLOCK] = (active | speaking)[inner]
        surely[first : first + _BLOCK] = (active & speaking)[inner]
    return SpeechMap(
        duration_ms=duration_ms,
        maybe=_spans(maybe, duration_ms=duration_ms),
        surely=_spans(surely, duration_ms=duration_ms),
    )


def _lay(profiles: Iterable[Profile], *, frames: int) -> tuple[Bytes, Bytes]:
    """Put the parts in their places; unknown levels are `_UNKNOWN`."""
    levels, centres = np.full(frames, _UNKNOWN, np.uint8), np.zeros(frames, np.uint8)
    for profile in profiles:
        first = round(profile.start_ms / FRAME_MS)
        skipped = max(0, -first)
        place = slice(max(first, 0), max(first, 0) + max(0, len(profile.levels) - skipped))
        room = levels[place].size
        levels[place] = np.frombuffer(profile.levels, np.uint8)[skipped : skipped + room]
        centres[place] = np.frombuffer(profile.centres, np.uint8)[skipped : skipped + room]
    return levels, centres


def _floors_db(levels: Bytes) -> Floats:
    """Give for each minute the level of the quietest 200 ms in the ten minutes around it, the rarest left out."""
    minutes = -(-levels.size // _MINUTE)
    counts = np.array([_count(levels[minute * _MINUTE : (minute + 1) * _MINUTE]) for minute in range(minutes)])
    floors = np.empty(minutes, np.float32)
    for minute in range(minutes):
        sums = counts[max(0, minute - _FLOOR_REACH) : minute + _FLOOR_REACH + 1].sum(axis=0).cumsum()
        floors[minute] = np.searchsorted(sums, sums[-1] * _FLOOR_PERCENT / 100)
    return np.maximum(floors / _LEVELS_PER_DB, _FLOOR_DB)


def _count(levels: Bytes) -> npt.NDArray[np.int64]:
    """Count how often each level comes, averaged over 200 ms; unknown ones are left out."""
    powers = _power(levels[levels != _UNKNOWN])
    width = min(_SMOOTH, powers.size)
    smooth = np.convolve(powers, np.full(width, 1 / width), "valid") if width else powers
    return np.bincount(np.rint(10 * np.log10(smooth + 1) * _LEVELS_PER_DB).astype(np.int64), minlength=_UNKNOWN + 1)


def _power(levels: Bytes) -> Floats:
    table = (10 ** (np.arange(256) / (10 * _LEVELS_PER_DB))).astype(np.float32)
    return table[levels]


def _active(levels: Bytes, *, floors_db: Floats) -> Flags:
    """Say of each frame whether it and its neighbours rise above the floor; unknown ones do."""
    rises = levels > (floors_db + RISE_DB) * _LEVELS_PER_DB
    active: Flags = np.convolve(rises, np.ones(5))[2 : 2 + levels.size] >= _ACTIVE_OF_FIVE
    return active


def _is_speech_like(levels: Bytes, centres: Bytes) -> Flags:
    """Say of each frame whether the three seconds around its second have the traits of speech."""
    length = _LOOK_S * _PER_S
    speech_like = np.zeros(levels.size, np.bool_)
    if levels.size < length:
        return speech_like
    loudness = np.lib.stride_tricks.sliding_window_view(np.sqrt(_power(levels)), length)[::_PER_S]
    colours = np.lib.stride_tricks.sliding_window_view(centres, length)[::_PER_S]
    wanders = colours.std(axis=1, dtype=np.float32) * (_BIN_HZ / _CENTRES_PER_BIN) >= WANDER_HZ
    unknown = np.lib.stride_tricks.sliding_window_view(levels == _UNKNOWN, length)[::_PER_S].any(axis=1)
    seconds = wanders & _swings(loudness) & ~unknown
    middle = np.repeat(seconds, _PER_S)
    speech_like[_PER_S : _PER_S + middle.size] = middle[: levels.size - _PER_S]
    # The first and the last second of a recording have no three seconds around them.
    speech_like[:_PER_S], speech_like[_PER_S + middle.size :] = seconds[0], seconds[-1]
    return speech_like


def _swings(loudness: Floats) -> Flags:
    """Say of each stretch whether its loudness swings at the speed of syllables more than faster."""
    relative = loudness / np.maximum(loudness.mean(axis=1, keepdims=True), 1e-3) - 1
    powers = np.abs(np.fft.rfft(relative * _LOOK_HANN, axis=1)) ** 2
    slow_from, slow_to = (hertz * _LOOK_S for hertz in _SLOW_HZ)
    slow, fast = powers[:, slow_from:slow_to].sum(axis=1), powers[:, slow_to:].sum(axis=1)
    depth = np.sqrt(2 * slow / (len(_LOOK_HANN) * np.square(_LOOK_HANN).sum()))
    swings: Flags = (depth >= SWING) & (slow >= fast)
    return swings


def _spans(flags: Flags, *, duration_ms: int) -> tuple[Span, ...]:
    return union(_runs(flags, duration_ms=duration_ms), gap_ms=_GAP_MS)


def _runs(flags: Flags, *, duration_ms: int) -> Iterator[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield Span(start_ms=first * FRAME_MS, end_ms=min(last * FRAME_MS, duration_ms))
