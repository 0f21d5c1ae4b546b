"""The quietest place among samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sound.speech import compose, speak
from voxtrald.audio.quiet import PAUSE_MS, pause_levels_db, quietest

RATE = 16_000


def noise(duration_ms: int, *, level: float, seed: int = 0) -> np.ndarray:
    """White noise of a standard deviation."""
    samples = np.random.default_rng(seed).normal(0, level, duration_ms * RATE // 1000)
    return np.clip(samples, -32768, 32767).astype(np.int16)


def add(*sounds: np.ndarray) -> np.ndarray:
    """Mix sounds of equal length."""
    return np.clip(sum(sound.astype(np.int32) for sound in sounds), -32768, 32767).astype(np.int16)


@given(st.integers(0, 9_000), st.integers(0, 2**16))
def test_the_one_pause_is_found(at_ms, seed):
    """In steady sound the only silence is where the cut goes, to a frame."""
    at_ms = at_ms // 10 * 10
    sound = noise(10_000, level=3000, seed=seed)
    sound[at_ms * RATE // 1000 : (at_ms + PAUSE_MS) * RATE // 1000] = 0

    found = quietest(sound, rate_hz=RATE)

    assert found.is_quiet
    assert found.at_ms == pytest.approx(at_ms + PAUSE_MS // 2, abs=10)


@pytest.mark.parametrize("noise_level", [0, 5, 500, 1200])
def test_a_cut_through_speech_lies_between_words(noise_level):
    """Also in noise, 15 dB below the words and less, no word is cut."""
    words = compose(20_000, seed=3)
    sound = add(speak(words, 20_000), noise(20_000, level=noise_level))

    found = quietest(sound, rate_hz=RATE)

    assert found.is_quiet
    assert not [word for word in words if word.start_ms + 5 < found.at_ms < word.end_ms - 5]


def test_unbroken_sound_has_no_quiet_place():
    """Where a loud hum lies under the words, a cut must be covered by an overlap."""
    words = compose(20_000, seed=4)

    assert not quietest(speak(words, 20_000, never_quiet=True), rate_hz=RATE).is_quiet


@pytest.mark.parametrize("level", [0, 1, 30, 3000])
def test_where_nobody_speaks_everything_is_quiet(level):
    """Silence and even noise, however loud, lose nothing by a cut."""
    assert quietest(noise(20_000, level=level), rate_hz=RATE).is_quiet


def test_a_few_words_in_a_quiet_room_are_not_cut():
    """Speech that is rarer than the loudness percentile does not make its own pauses seem loud."""
    words = compose(800, seed=5)
    sound = noise(20_000, level=20)
    sound[: 800 * RATE // 1000] = add(sound[: 800 * RATE // 1000], speak(words, 800))

    found = quietest(sound, rate_hz=RATE)

    assert found.is_quiet
    assert found.at_ms > 800


def test_full_silence_is_cut_in_its_middle():
    """Of equally quiet places the middle is taken, farthest from words on either side."""
    found = quietest(np.zeros(10 * RATE, np.int16), rate_hz=RATE)

    assert found.at_ms == pytest.approx(5_000, abs=20)


def test_too_little_sound_is_cut_in_its_middle():
    """Less than a pause has no levels; the middle is as good as any, and not called quiet."""
    found = quietest(noise(100, level=100), rate_hz=RATE)

    assert (found.at_ms, found.is_quiet) == (50, False)


@given(st.integers(0, 5_000))
def test_the_cut_lies_inside(samples):
    """However short the sound, the cut is not outside of it."""
    sound = noise(5_000, level=1000)[:samples]

    assert 0 <= quietest(sound, rate_hz=RATE).at_ms <= samples * 1000 / RATE


def test_levels_do_not_overflow():
    """The loudest 16-bit sound has the highest level, 90 dB over one step."""
    loudest = np.full(RATE, -32768, np.int16)

    assert pause_levels_db(loudest, rate_hz=RATE) == pytest.approx(90.3, abs=0.1)
