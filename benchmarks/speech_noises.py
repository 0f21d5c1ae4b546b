"""Sounds that are no speech: noise of many colours, music, bells, applause. Floats at 16 kHz, of any loudness."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.speech_material import RATE_HZ, decode

Floats = npt.NDArray[np.float32]

_BLOCK: Final = 1 << 16
NAMES: Final = (
    *("white", "pink", "fan", "drifting", "hum", "clicks", "typing", "applause", "traffic"),
    *("organ", "bells", "band", "guitar", "music 1", "music 2", "music 3", "music 4", "music 5"),
)


def noise(name: str, seconds: float, *, root: Path, seed: int = 1) -> Floats:
    """Make so many seconds of a sound by its name."""
    count = int(seconds * RATE_HZ)
    if name.startswith("music "):
        pieces = songs(root)
        return np.resize(pieces[(int(name[6:]) - 1) % len(pieces)], count)
    return _MAKERS[name](count, np.random.default_rng(seed))


@cache
def songs(root: Path) -> tuple[Floats, ...]:
    """Decode the music that telephone exchanges play to those who wait."""
    paths = sorted((root / "usr/share/asterisk/moh").glob("*.g722"))
    return tuple(decode("-f", "g722", "-i", str(path)).astype(np.float32) for path in paths)


def _white(count: int, random: np.random.Generator) -> Floats:
    return random.standard_normal(count, dtype=np.float32)


def _coloured(count: int, random: np.random.Generator, *, slope: float) -> Floats:
    """Noise whose power falls with the frequency to the power of `slope`."""
    blocks = random.standard_normal((-(-count // _BLOCK), _BLOCK), dtype=np.float32)
    spectrum = np.fft.rfft(blocks, axis=1) / np.maximum(np.arange(_BLOCK // 2 + 1), 20) ** (slope / 2)
    made: Floats = np.fft.irfft(spectrum, _BLOCK, axis=1).ravel()[:count].astype(np.float32)
    return made / made.std()


def _pink(count: int, random: np.random.Generator) -> Floats:
    return _coloured(count, random, slope=1)


def _fan(count: int, random: np.random.Generator) -> Floats:
    return _coloured(count, random, slope=2)


def _drifting(count: int, random: np.random.Generator) -> Floats:
    """Noise that becomes 20 dB louder and softer again within five minutes."""
    return _pink(count, random) * 10 ** (0.5 * np.sin(2 * np.pi * _time(count) / 300)).astype(np.float32)


def _hum(count: int, random: np.random.Generator) -> Floats:
    waves = sum(np.sin(2 * np.pi * 50 * k * _time(count)) / k for k in range(1, 12))
    return (waves + 0.05 * _white(count, random)).astype(np.float32)


def _bursts(count: int, random: np.random.Generator, *, per_s: float, decay_ms: float) -> Floats:
    made = 0.01 * _white(count, random)
    length = int(decay_ms * 8 * RATE_HZ / 1000)
    shape = np.exp(-np.arange(length) / (decay_ms * RATE_HZ / 1000))
    for at in random.integers(0, count - length, int(count / RATE_HZ * per_s)):
        made[at : at + length] += random.standard_normal(length) * shape * random.uniform(0.3, 1)
    return made.astype(np.float32)


def _clicks(count: int, random: np.random.Generator) -> Floats:
    return _bursts(count, random, per_s=0.2, decay_ms=5)


def _typing(count: int, random: np.random.Generator) -> Floats:
    return _bursts(count, random, per_s=5, decay_ms=8)


def _applause(count: int, random: np.random.Generator) -> Floats:
    return _bursts(count, random, per_s=60, decay_ms=12)


def _traffic(count: int, random: np.random.Generator) -> Floats:
    """Cars that come and go, ten seconds each."""
    envelope = 0.1 + np.clip(
        np.sin(2 * np.pi * _time(count) / 10) + 0.5 * np.sin(2 * np.pi * _time(count) / 7.3), 0, None
    )
    return (_fan(count, random) * envelope).astype(np.float32)


def _time(count: int) -> npt.NDArray[np.float64]:
    return np.arange(count) / RATE_HZ


def _tone(semitone: float, seconds: float, *, decay_s: float, partials: tuple[float, ...]) -> Floats:
    time = _time(int(seconds * RATE_HZ))
    pitch = 220 * 2 ** (semitone / 12)
    waves = sum(np.sin(2 * np.pi * pitch * part * time) / (1 + number) for number, part in enumerate(partials))
    flank = np.minimum(1, np.minimum(time, time[::-1]) / 0.02)
    return (waves * np.exp(-time / decay_s) * flank).astype(np.float32)


def _melody(
    count: int, random: np.random.Generator, *, step_s: float, ring_s: float, decay_s: float, voices: int
) -> Floats:
    made = np.zeros(count + int(ring_s * RATE_HZ) + 1, np.float32)
    scale = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16)
    for at in range(0, count, int(step_s * RATE_HZ)):
        for _ in range(voices):
            tone = _tone(scale[random.integers(len(scale))], ring_s, decay_s=decay_s, partials=(0.5, 1, 2, 3, 4, 6))
            made[at : at + len(tone)] += tone * random.uniform(0.4, 1)
    return made[:count]


def _organ(count: int, random: np.random.Generator) -> Floats:
    return _melody(count, random, step_s=1.2, ring_s=1.3, decay_s=50, voices=4)


def _guitar(count: int, random: np.random.Generator) -> Floats:
    return _melody(count, random, step_s=0.25, ring_s=0.8, decay_s=0.25, voices=1)


def _bells(count: int, random: np.random.Generator) -> Floats:
    """Strikes every 1.5 s, with the partials of a church bell (hum, prime, tierce, quint, nominal)."""
    made = np.zeros(count + 4 * RATE_HZ, np.float32)
    for at in range(0, count, int(1.5 * RATE_HZ)):
        tone = _tone(random.integers(3) * 2, 4, decay_s=1.2, partials=(0.5, 1, 1.19, 1.5, 2, 2.66, 4.1))
        made[at : at + len(tone)] += tone
    return made[:count]


def _band(count: int, random: np.random.Generator) -> Floats:
    """Chords, a melody and drums."""
    beat = np.zeros(count, np.float32)
    for number, at in enumerate(range(0, count - RATE_HZ // 4, int(0.27 * RATE_HZ))):
        length = RATE_HZ // 8
        fall = np.exp(-np.arange(length) / (0.02 * RATE_HZ))
        drum = np.sin(2 * np.pi * 60 * _time(length)) * 3 if number % 2 == 0 else random.standard_normal(length)
        beat[at : at + length] += drum * fall
    return beat + 0.5 * _organ(count, random) + _guitar(count, random)


_MAKERS: Final = {
    "white": _white,
    "pink": _pink,
    "fan": _fan,
    "drifting": _drifting,
    "hum": _hum,
    "clicks": _clicks,
    "typing": _typing,
    "applause": _applause,
    "traffic": _traffic,
    "organ": _organ,
    "bells": _bells,
    "band": _band,
    "guitar": _guitar,
}
