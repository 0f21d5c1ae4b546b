"""Tone-coded speech: what is spoken is heard, and what is damaged is said to be damaged."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sound.formats import FORMATS
from tests.sound.hearing import BROKEN, hear
from tests.sound.speech import RATE, WORD_MS, compose, give_voices, place, speak, write_wav
from tests.sound.vocabulary import VOCABULARY, index_from, index_of, symbols_of, word_of
from tests.standin.transcribing import Ears

indices = st.integers(min_value=0, max_value=VOCABULARY - 1)


def texts(words):
    """The words alone."""
    return [word.text for word in words]


def damage(samples, *, start_ms, end_ms):
    """Silence a stretch."""
    samples = samples.copy()
    samples[start_ms * RATE // 1000 : end_ms * RATE // 1000] = 0
    return samples


@given(indices)
def test_a_word_and_its_number_are_the_same_thing(index):
    """Every number spells a word of its own, and the word gives the number back."""
    assert index_of(word_of(index)) == index


@given(indices)
def test_symbols_carry_the_number(index):
    """The seven symbols of a word give its number back."""
    assert index_from(symbols_of(index)) == index


@given(indices, st.integers(min_value=0, max_value=6), st.integers(min_value=1, max_value=15))
def test_one_wrong_symbol_is_always_noticed(index, position, change):
    """A word with one symbol replaced is no word."""
    symbols = list(symbols_of(index))
    symbols[position] = (symbols[position] + change) % 16

    assert index_from(tuple(symbols)) is None


def test_a_word_that_is_none_is_refused():
    """What is not in the vocabulary has no number."""
    with pytest.raises(ValueError, match="vocabulary"):
        index_of("hello!")


@given(
    st.lists(st.tuples(indices, st.integers(min_value=60, max_value=700)), max_size=12),
    st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    st.booleans(),
)
def test_what_is_spoken_is_heard(said, rate, never_quiet):
    """Any words with pauses between them come back in order, each within 15 ms, at any rate and over any hum."""
    words, at_ms = [], 0
    for index, pause_ms in said:
        words.append(place(word_of(index), at_ms + pause_ms))
        at_ms = words[-1].end_ms

    heard = hear(speak(words, at_ms + 100, rate, never_quiet=never_quiet), rate)

    assert texts(heard) == texts(words)
    assert all(abs(one.start_ms - other.start_ms) <= 15 for one, other in zip(heard, words, strict=True))


@given(indices, st.integers(min_value=0, max_value=WORD_MS))
def test_a_word_that_is_cut_is_never_another_word_nor_lost(index, cut_ms):
    """Cut anywhere, its pieces are the whole word or a broken one, and at least one of them is noticed."""
    samples = speak([place(word_of(index), 200)], 700)
    place_of_cut = (200 + cut_ms) * RATE // 1000

    pieces = texts(hear(samples[:place_of_cut], RATE)) + texts(hear(samples[place_of_cut:], RATE))

    assert pieces
    assert set(pieces) <= {word_of(index), BROKEN}


@given(indices, st.integers(min_value=0, max_value=WORD_MS - 60))
def test_a_hole_in_a_word_breaks_it(index, hole_ms):
    """A word with 60 ms of silence in it is broken, and said to be so where it is."""
    samples = damage(speak([place(word_of(index), 200)], 700), start_ms=200 + hole_ms, end_ms=260 + hole_ms)

    heard = hear(samples, RATE)

    assert set(texts(heard)) == {BROKEN}
    assert all(150 <= word.start_ms <= 200 + WORD_MS for word in heard)


@example(18, 16, 120)
@given(indices, indices, st.integers(min_value=0, max_value=240))
def test_words_over_one_another_are_broken(one, other, shift_ms):
    """Two words at once are never heard as a third one, and never as nothing."""
    both = speak([place(word_of(one), 200)], 900) // 2 + speak([place(word_of(other), 200 + shift_ms)], 900) // 2

    assert set(texts(hear(both, RATE))) <= {word_of(one), word_of(other), BROKEN}
    assert hear(both, RATE)


def test_silence_and_noise_say_nothing():
    """Neither silence nor noise is heard as words."""
    noise = np.random.default_rng(1).normal(0, 1000, RATE * 20).astype(np.int16)

    assert (hear(np.zeros(RATE * 5, np.int16), RATE), hear(noise, RATE), hear(noise[:0], RATE)) == ((), (), ())


def test_noise_does_not_hide_words():
    """Words stay readable in noise of -45 dB below full scale."""
    words = compose(60_000, seed=4)
    noise = np.random.default_rng(2).normal(0, 32768 * 10 ** (-45 / 20), 60 * RATE).astype(np.int16)

    assert texts(hear(speak(words, 60_000) + noise, RATE)) == texts(words)


def test_composed_speech_has_sentences():
    """Words count up without repeating, and every 8 to 15 of them a longer pause follows."""
    words = compose(600_000, seed=5, start_index=700)
    pauses = [after.start_ms - before.end_ms for before, after in pairwise(words)]
    sentences = np.diff([at for at, pause in enumerate(pauses) if pause >= 400])

    assert [index_of(word.text) for word in words] == list(range(700, 700 + len(words)))
    assert all(60 <= pause <= 200 or 400 <= pause <= 1200 for pause in pauses)
    assert set(sentences) <= set(range(8, 16))


@pytest.mark.parametrize(("name", "never_quiet"), [("wav", True), ("mp3-lean", True), ("amr", False), ("opus", False)])
def test_voices_are_told_apart_in_every_format(name, never_quiet, tmp_path):
    """A word is heard with the voice that said it, in lean formats and over the hum; a word without one has none."""
    words = give_voices(compose(12_000, seed=9, sentence_words=(3, 5)), [0, 1, 2, 3])
    words = (*words[:-2], *(replace(word, voice=None) for word in words[-2:]))
    wav = write_wav(tmp_path / "speech.wav", speak(words, 12_000, never_quiet=never_quiet))

    heard = Ears().listen(FORMATS[name].write(wav, tmp_path / "made"), name)

    assert heard is not None
    assert [(word.text, word.voice) for word in heard.words] == [(word.text, word.voice) for word in words]
    assert {word.voice for word in words} == {0, 1, 2, 3, None}


def test_the_hum_leaves_no_quiet_place():
    """With never_quiet the quietest 200 ms are within 6 dB of the loudest."""
    samples = speak(compose(60_000, seed=6), 60_000, never_quiet=True).astype(float)
    levels = np.sqrt((samples.reshape(-1, RATE // 5) ** 2).mean(axis=1))

    assert levels.max() / levels.min() < 2


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_words_survive_every_format(name, tmp_path):
    """Every format of the table gives every word back, each within 50 ms of where it was said."""
    words = compose(20_000, seed=7, start_index=40_000)
    made = FORMATS[name].write(write_wav(tmp_path / "speech.wav", speak(words, 20_000)), tmp_path / "made")

    heard = Ears().listen(made, name)

    if name == "mkv-second-track":  # a listener who takes the first track hears nothing
        assert heard is not None
        assert heard.words == ()
        return
    assert heard is not None
    assert texts(heard.words) == texts(words)
    assert all(abs(one.start_ms - other.start_ms) <= 50 for one, other in zip(heard.words, words, strict=True))
