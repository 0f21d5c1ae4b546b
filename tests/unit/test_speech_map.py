"""Where somebody speaks, from two bytes for every 20 ms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sound.speech import compose, speak
from tests.speech import sample
from tests.speech.decoded import decoded
from voxtrald.audio.speech import FRAME_MS, Meter, Profile, find_speech
from voxtrald.transcript.coverage import silences
from voxtrald.transcript.model import Span
from voxtrald.transcript.spans import length_within

RATE_HZ = 8_000
SECOND = RATE_HZ


def noise(seconds, *, level, seed=0):
    """White noise of a standard deviation."""
    samples = np.random.default_rng(seed).normal(0, level, int(seconds * RATE_HZ))
    return np.clip(samples, -32768, 32767).astype(np.int16)


def mixed(*sounds):
    """Sounds of equal length, one over the other."""
    return np.clip(sum(sound.astype(np.int32) for sound in sounds), -32768, 32767).astype(np.int16)


def chords(seconds):
    """An organ: four notes at a time, held for a second."""
    time = np.arange(RATE_HZ) / RATE_HZ
    pitches = [220 * 2 ** (step / 12) for step in (0, 4, 7, 12, 5, 9, 14, 16)]
    bars = [
        sum(np.sin(2 * np.pi * pitches[(bar + voice * 3) % 8] * time * (1 + voice)) for voice in range(4))
        for bar in range(seconds)
    ]
    return (np.concatenate(bars) * 2_000).astype(np.int16)


def typing(seconds):
    """Strokes, five a second, each 10 ms long."""
    sound = noise(seconds, level=10)
    for at in np.random.default_rng(3).integers(0, sound.size - 80, seconds * 5):
        sound[at : at + 80] += noise(0.01, level=3000, seed=int(at))
    return sound


def heard(sound, *, start_ms=0, rate_hz=RATE_HZ, piece=10_007):
    """What is kept of a sound that comes in pieces."""
    meter = Meter(rate_hz=rate_hz, start_ms=start_ms)
    for first in range(0, len(sound), piece):
        meter.feed(sound[first : first + piece])
    return meter.profile()


def mapped(sound):
    """The map of a sound."""
    return find_speech([heard(sound)], duration_ms=len(sound) * 1000 // RATE_HZ)


@pytest.fixture(scope="module")
def meeting():
    """Sound of the demo's sample: synthetic voices with pauses."""
    return decoded(sample()[0], RATE_HZ)


# --- what is kept --------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=12))
def test_pieces_of_any_size_are_heard_as_one(sizes):
    """How a pipe divides the sound changes nothing."""
    sound = mixed(speak(compose(3_000, seed=1), 3_000, RATE_HZ), noise(3, level=50))[: sum(sizes)]
    meter = Meter()
    at = 0
    for size in sizes:
        meter.feed(sound[at : at + size])
        at += size

    assert meter.profile() == heard(sound, piece=1 << 20)


def test_a_day_takes_a_few_megabytes():
    """Two bytes are kept for each 20 ms: 8.6 MB for 24 hours."""
    profile = heard(noise(60, level=100))

    assert (len(profile.levels) + len(profile.centres)) * 24 * 60 < 9_000_000


def test_looking_at_what_was_heard_changes_nothing():
    """A profile may be taken in between."""
    sound = noise(5, level=100)
    meter = Meter()
    meter.feed(sound[:12_345])
    meter.profile()
    meter.feed(sound[12_345:])

    assert meter.profile() == heard(sound)


def test_sound_at_16_khz_gives_the_same_map():
    """Twice the samples are the same speech."""
    words = compose(30_000, seed=2)
    twice = find_speech([heard(speak(words, 30_000, 16_000), rate_hz=16_000)], duration_ms=30_000)

    assert [len(twice.maybe), len(twice.surely)] == [
        len(mapped(speak(words, 30_000, RATE_HZ)).maybe),
        len(mapped(speak(words, 30_000, RATE_HZ)).surely),
    ]


def test_an_odd_rate_is_refused():
    """Only multiples of 8 kHz can be thinned out."""
    with pytest.raises(ValueError, match="44100"):
        Meter(rate_hz=44_100)


# --- the map -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 3, 100, 700, 2_500])
def test_every_word_may_be_speech(level):
    """In silence and in noise nothing of any word may be left out."""
    words = compose(120_000, seed=3, sentence_pause_ms=(400, 9_000))
    sound = mixed(speak(words, 120_000, RATE_HZ), noise(120, level=level))

    left_out = silences(mapped(sound), over_ms=0)

    assert all(length_within(left_out, Span(start_ms=word.start_ms, end_ms=word.end_ms)) == 0 for word in words)


def test_a_single_word_in_a_long_silence_is_kept():
    """One word within two minutes, 13 dB above the noise, is not left out."""
    (word,) = compose(900, seed=8)[:1]
    alone = np.concatenate([np.zeros(60 * RATE_HZ, np.int16), speak([word], 60_000, RATE_HZ)])
    left_out = silences(mapped(mixed((alone * 0.2).astype(np.int16), noise(120, level=400))), over_ms=0)

    spoken = Span(start_ms=60_000 + word.start_ms, end_ms=60_000 + word.end_ms)
    assert length_within(left_out, spoken) == 0
    assert sum(span.length_ms for span in left_out) > 110_000


def test_speech_in_noise_as_loud_as_itself_is_kept():
    """Where a soft voice rises above the noise too little, its traits still tell."""
    words = compose(120_000, seed=9)
    sound = mixed((speak(words, 120_000, RATE_HZ) * 0.36).astype(np.int16), noise(120, level=2_000))

    left_out = silences(mapped(sound), over_ms=1_500)

    assert left_out == ()


def test_words_are_surely_speech_and_pauses_are_not():
    """Tone-coded words have the traits of speech; the silence between sentences, a second and a half away, has not."""
    words = compose(60_000, seed=4, sentence_pause_ms=(4_500, 6_000))
    speech = mapped(mixed(speak(words, 60_000, RATE_HZ), noise(60, level=5)))

    spoken = [length_within(speech.surely, Span(start_ms=one.start_ms, end_ms=one.end_ms)) for one in words]
    pauses = [
        Span(start_ms=left.end_ms + 1_600, end_ms=right.start_ms - 1_600)
        for left, right in pairwise(words)
        if right.start_ms - left.end_ms > 1_000
    ]
    assert sum(spoken) > 0.97 * sum(word.end_ms - word.start_ms for word in words)
    assert pauses
    assert sum(length_within(speech.maybe, pause) for pause in pauses) == 0


@pytest.mark.parametrize("name", ["silence", "white noise", "chords", "typing", "hum", "tremolo"])
def test_what_is_no_speech_is_not_surely_speech(name):
    """Noise, notes and strokes lack syllables or a wandering spectrum."""
    hum = (3_000 * np.sin(2 * np.pi * 150 * np.arange(60 * RATE_HZ) / RATE_HZ)).astype(np.int16)
    sounds = {
        "silence": np.zeros(60 * RATE_HZ, np.int16),
        "white noise": noise(60, level=2_000),
        "chords": chords(60),
        "typing": typing(60),
        "hum": hum,
        "tremolo": (hum * (1 + 0.9 * np.sin(2 * np.pi * 3 * np.arange(hum.size) / RATE_HZ)) / 2).astype(np.int16),
    }

    assert sum(span.length_ms for span in mapped(sounds[name]).surely) <= 3_000


@pytest.mark.parametrize("level", [0, 5, 2_000])
def test_an_empty_room_may_be_left_out(level):
    """Silence and even noise, however loud, are no speech."""
    assert silences(mapped(noise(60, level=level)), over_ms=10_000) == (Span(start_ms=0, end_ms=60_000),)


def test_sure_speech_is_always_possible_speech():
    """The strict map never claims what the generous one denies."""
    sound = np.concatenate([chords(20), speak(compose(20_000, seed=5), 20_000, RATE_HZ), typing(20)])
    speech = mapped(mixed(sound, noise(60, level=200)))

    assert speech.surely
    assert all(length_within(speech.maybe, span) == span.length_ms for span in speech.surely)


def test_a_voice_is_found(meeting):
    """Of a meeting of a minute, most is speech for sure, and the pauses between speakers are not."""
    speech = mapped(meeting)

    share = sum(span.length_ms for span in speech.surely) / speech.duration_ms
    assert 0.75 < share < 0.97
    assert len(speech.surely) >= 5


def test_a_voice_that_is_rare_and_soft_is_kept(meeting):
    """A sentence every half a minute, 36 dB below full scale, loses nothing, and the rest may be left out."""
    sentence = (meeting[: 4 * SECOND] * 0.1).astype(np.int16)
    sound = noise(600, level=30)
    for at in range(10, 590, 30):
        place = slice(at * SECOND, at * SECOND + sentence.size)
        sound[place] = mixed(sound[place], sentence)
    alone = mapped(np.concatenate([sentence, noise(56, level=0)])).maybe

    left_out = silences(mapped(sound), over_ms=5_000)

    for at in range(10, 590, 30):
        said = Span(start_ms=at * 1000 + alone[0].start_ms, end_ms=at * 1000 + alone[-1].end_ms)
        assert length_within(left_out, said) == 0
    assert sum(span.length_ms for span in left_out) > 400_000


# --- parts ---------------------------------------------------------------------------------------------------------


def test_chunks_give_the_map_of_the_whole():
    """Parts that were heard separately, overlapping or not, in any order, give the same speech."""
    sound = mixed(speak(compose(90_000, seed=6), 90_000, RATE_HZ), noise(90, level=20))
    whole = find_speech([heard(sound)], duration_ms=90_000)
    parts = [heard(sound[at * SECOND : (at + 33) * SECOND], start_ms=at * 1000) for at in (60, 0, 30)]

    pieced = find_speech(parts, duration_ms=90_000)

    for ours, theirs in ((pieced.maybe, whole.maybe), (pieced.surely, whole.surely)):
        common = sum(length_within(theirs, span) for span in ours)
        assert common == pytest.approx(sum(span.length_ms for span in theirs), abs=300)
        assert common == pytest.approx(sum(span.length_ms for span in ours), abs=300)


def test_what_nobody_heard_is_kept():
    """A chunk that was not listened to may hold speech, and is no sure speech."""
    quiet = heard(noise(30, level=5))

    speech = find_speech([quiet], duration_ms=90_000)

    assert silences(speech, over_ms=10_000) == (Span(start_ms=0, end_ms=speech.maybe[0].start_ms - 600),)
    assert speech.maybe[-1].end_ms == 90_000
    assert speech.maybe[0].start_ms == pytest.approx(30_000, abs=100)
    assert speech.surely == ()


@given(
    st.lists(st.tuples(st.integers(-5_000, 20_000), st.binary(max_size=900)), max_size=5),
    st.integers(0, 90_000),
)
@settings(deadline=None, max_examples=40)
def test_any_profiles_give_a_map_of_the_recording(parts, duration_ms):
    """Whatever is put together, spans are in order, apart and within the recording."""
    profiles = [Profile(start_ms=start_ms, levels=kept, centres=kept[::-1]) for start_ms, kept in parts]

    speech = find_speech(profiles, duration_ms=duration_ms)

    for spans in (speech.maybe, speech.surely):
        edges = [edge for span in spans for edge in (span.start_ms, span.end_ms)]
        assert edges == sorted(set(edges))
        assert all(0 <= edge <= duration_ms for edge in edges)
    assert profiles == [] or profiles[0].end_ms == profiles[0].start_ms + len(profiles[0].levels) * FRAME_MS
