"""Composes and sounds tone-coded speech.

A word lasts 280 ms: a marker tone, then seven symbols, each one of 16 tones for 35 ms. All tones lie between
700 and 2800 Hz, so they survive speech codecs and every resampling down to 8 kHz. A speaker's voice is one more
tone below them, under the whole word.
"""

from __future__ import annotations

import random
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.sound.vocabulary import SYMBOLS, index_of, symbols_of, word_of

Samples = npt.NDArray[np.int16]

RATE: Final = 16_000
SYMBOL_MS: Final = 35
RAMP_MS: Final = 5
WORD_MS: Final = SYMBOL_MS * (1 + SYMBOLS)
MARKER_HZ: Final = 2800.0
TONES_HZ: Final = tuple(700.0 + 125.0 * symbol for symbol in range(16))
SENTENCE_PAUSE_MS: Final = 400
LOUDNESS: Final = 0.4
"""Amplitude of a tone, full scale being 1."""

VOICES_HZ: Final = (340.0, 410.0, 480.0, 550.0)
"""By what a word is known for the word of one speaker or another."""

VOICE_LOUDNESS: Final = 0.1

_BED_HZ: Final = (130.0, 190.0, 250.0)
_BED_LOUDNESS: Final = 0.16


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedWord:
    """A word and when it is said, in milliseconds from the start of the sound; `voice` is which speaker says it."""

    text: str
    start_ms: int
    end_ms: int
    voice: int | None = None


def place(text: str, start_ms: int) -> PlacedWord:
    """Say `text` at `start_ms`."""
    return PlacedWord(text=text, start_ms=start_ms, end_ms=start_ms + WORD_MS)


def compose(
    duration_ms: int,
    *,
    seed: int,
    start_index: int = 0,
    lead_ms: int = 300,
    word_pause_ms: tuple[int, int] = (60, 200),
    sentence_pause_ms: tuple[int, int] = (SENTENCE_PAUSE_MS, 1200),
    sentence_words: tuple[int, int] = (8, 15),
) -> tuple[PlacedWord, ...]:
    """Fill `duration_ms` with sentences whose words count up from `start_index`.

    Numbers in sequence make loss, doubling and wrong order visible; no word comes twice within 65,536. The
    last word ends at least `lead_ms` before the end.
    """
    random_source = random.Random(seed)
    words: list[PlacedWord] = []
    at_ms, left = lead_ms, random_source.randint(*sentence_words)
    while at_ms + WORD_MS + lead_ms <= duration_ms:
        words.append(place(word_of(start_index + len(words)), at_ms))
        left -= 1
        pause = word_pause_ms if left else sentence_pause_ms
        left = left or random_source.randint(*sentence_words)
        at_ms += WORD_MS + random_source.randint(*pause)
    return tuple(words)


def give_voices(words: Sequence[PlacedWord], turns: Sequence[int]) -> tuple[PlacedWord, ...]:
    """Have the sentences said by speakers who take turns in this order, again and again."""
    said: list[PlacedWord] = []
    sentence = 0
    for at, word in enumerate(words):
        if at and word.start_ms - words[at - 1].end_ms >= SENTENCE_PAUSE_MS:
            sentence += 1
        said.append(replace(word, voice=turns[sentence % len(turns)]))
    return tuple(said)


def speak(words: Iterable[PlacedWord], duration_ms: int, rate: int = RATE, *, never_quiet: bool = False) -> Samples:
    """Sound the words as mono int16 samples.

    Args:
        words: what to say; only text, start and voice count, every word lasts `WORD_MS`.
        duration_ms: length of the sound; what lies beyond is cut off.
        rate: samples per second.
        never_quiet: lay a loud hum below the tones under everything, so that no quiet place exists and yet
            every word stays readable.
    """
    total = duration_ms * rate // 1000
    samples = _bed(total, rate) if never_quiet else np.zeros(total, np.int16)
    for word in words:
        first = word.start_ms * rate // 1000
        room = samples[first:]
        sound = _sound_of(index_of(word.text), rate)
        if word.voice is not None:
            sound = sound + _voice(VOICES_HZ[word.voice], len(sound), rate)
        sound = sound[: len(room)]
        room[: len(sound)] += sound
    return samples


def write_wav(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """Write mono or (frames, channels) int16 samples as a WAV file and return its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        for piece in _pieces(samples, rate * 60):
            file.writeframesraw(piece.astype("<i2", copy=False).tobytes())
    return path


def _pieces(samples: Samples, length: int) -> Iterator[Samples]:
    return (samples[at : at + length] for at in range(0, len(samples), length))


def _sound_of(index: int, rate: int) -> Samples:
    symbols: Sequence[int] = symbols_of(index)
    return np.concatenate([_tone(MARKER_HZ, rate), *(_tone(TONES_HZ[symbol], rate) for symbol in symbols)])


@cache
def _tone(frequency_hz: float, rate: int) -> Samples:
    """One symbol: a tone with raised-cosine flanks, which keep its energy from spilling into other tones."""
    count = SYMBOL_MS * rate // 1000
    ramp = RAMP_MS * rate // 1000
    flank = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / ramp)
    envelope = np.concatenate([flank, np.ones(count - 2 * ramp), flank[::-1]])
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(count) / rate)
    return np.round(LOUDNESS * 32767 * envelope * tone).astype(np.int16)


@cache
def _voice(frequency_hz: float, count: int, rate: int) -> Samples:
    """A tone as long as a word, softly begun and ended."""
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(count) / rate) * np.hanning(count) ** 0.25
    return np.round(VOICE_LOUDNESS * 32767 * tone).astype(np.int16)


def _bed(total: int, rate: int) -> Samples:
    """A hum as loud as the words, made of whole hertz so that one second of it repeats without a seam."""
    seconds = np.arange(rate) / rate
    hum = sum(_BED_LOUDNESS * np.sin(2 * np.pi * frequency * seconds) for frequency in _BED_HZ)
    second = np.round(32767 * np.asarray(hum)).astype(np.int16)
    return np.resize(second, total)
