"""Transcripts to trust: a local recogniser's of real speech, and those of tone-coded speech, whose words are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import speech_noises
from benchmarks.recognising import Recogniser
from benchmarks.speech_map import map_of
from benchmarks.speech_material import (
    HUMAN,
    RATE_HZ,
    Samples,
    compose,
    decode,
    mixed,
    over,
    prompts,
    readings,
    voices,
)
from tests.sound import speech as tones
from tests.speech import sample
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import Finding, inspect
from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.words import join_texts

MINUTES: Final = 3
TONE_PIECES: Final = 4
SENTENCE_PAUSE_MS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A transcript that is right, as far as its maker could hear, with the answer it was made from.

    Attributes:
        ask: has the same maker listen to a span once more; times are those from the span's start.
    """

    name: str
    transcript: Transcript
    answers: tuple[PlacedAnswer, ...]
    speech: SpeechMap
    ask: Callable[[Span], Answer]

    def findings(self) -> tuple[Finding, ...]:
        """Inspect it."""
        return inspect(self.transcript, speech=self.speech, answers=self.answers)


def recordings(root: Path) -> Iterator[tuple[str, str, Samples]]:
    """Give names, languages and sounds to transcribe."""
    people = prompts(root, "en")
    talk = compose([clip for clip in people if clip.text], minutes=MINUTES, seed=21)
    calm = over(talk, noise("pink", root), level_db=-65)
    yield "people, a quiet room", "en", calm.sound
    for below_db in (15, 10, 5):
        yield f"people, noise {below_db} dB below", "en", mixed(talk, noise("pink", root), below_db=below_db).sound
    for number in (1, 3):
        yield (
            f"people, music {number} 10 dB below",
            "en",
            mixed(talk, noise(f"music {number}", root), below_db=10).sound,
        )
    rare = compose(people, minutes=2 * MINUTES, seed=22, every_s=20)
    yield "people, seldom", "en", over(rare, np.resize(noise("pink", root), len(rare.sound)), level_db=-60).sound
    half = compose([clip for clip in people if clip.text], minutes=MINUTES / 2, seed=23)
    yield "people, then music 2", "en", np.concatenate([half.sound, _loud("music 2", root, minutes=MINUTES / 2)])
    yield "people, then music 3", "en", np.concatenate([half.sound, _loud("music 3", root, minutes=MINUTES / 2)])
    yield (
        "a novel, read",
        "en",
        over(compose(readings(root), minutes=1, seed=5), noise("pink", root), level_db=-65).sound,
    )
    yield "a meeting, synthetic", "en", decode("-i", str(sample()[0]))
    whispered = compose([*voices(root, "en+whisper"), *voices(root, "en+whisperf")], minutes=1, seed=5)
    yield "whispered, synthetic", "en", over(whispered, noise("pink", root), level_db=-65).sound
    for language in HUMAN[1:]:
        foreign = compose(prompts(root, language), minutes=MINUTES / 2, seed=24)
        yield f"people, {language}", language, over(foreign, noise("pink", root), level_db=-65).sound


def noise(name: str, root: Path) -> speech_noises.Floats:
    """Give three minutes of a noise, or of music."""
    return speech_noises.noise(name, MINUTES * 60, root=root)


def _loud(name: str, root: Path, *, minutes: float) -> Samples:
    sound = speech_noises.noise(name, minutes * 60, root=root)
    return (sound * (1500 / float(np.sqrt(np.square(sound).mean())))).clip(-32768, 32767).astype(np.int16)


def heard(root: Path, *, english: Recogniser, multilingual: Recogniser | None) -> Iterator[Good]:
    """Have everything transcribed that a recogniser knows the language of."""
    for name, language, sound in recordings(root):
        recogniser = english if language == "en" else multilingual
        if recogniser is None:
            continue
        speech = map_of(sound)
        whole = Span(start_ms=0, end_ms=speech.duration_ms)
        answer = PlacedAnswer(span=whole, offset_ms=0, answer=recogniser.answer(sound, language=language))
        transcript = merge([answer], duration_ms=speech.duration_ms)
        title = f"{name} ({recogniser.folder.name})"
        ask = partial(_listen, recogniser, sound, language)
        yield Good(name=title, transcript=transcript, answers=(answer,), speech=speech, ask=ask)


def _listen(recogniser: Recogniser, sound: Samples, language: str, span: Span) -> Answer:
    per_ms = RATE_HZ // 1000
    return recogniser.answer(sound[span.start_ms * per_ms : span.end_ms * per_ms], language=language)


def toned() -> Iterator[Good]:
    """Write down tone-coded speech, sentence by sentence."""
    for seed in range(TONE_PIECES):
        duration_ms = MINUTES * 60_000
        pause_ms = (400, 1200) if seed % 2 else (400, 14_000)
        words = tones.compose(duration_ms, seed=seed, sentence_pause_ms=pause_ms)
        segments = tuple(
            Segment(start_ms=said[0].start_ms, end_ms=said[-1].end_ms, text=" ".join(word.text for word in said))
            for said in _sentences(words)
        )
        text = join_texts(segment.text for segment in segments)
        transcript = Transcript(text=text, language=None, segments=segments, duration_ms=duration_ms)
        speech = map_of(tones.speak(words, duration_ms))
        ask = partial(_read_off, words)
        yield Good(name=f"tone-coded {seed + 1}", transcript=transcript, answers=(), speech=speech, ask=ask)


def _sentences(words: Iterable[tones.PlacedWord]) -> list[list[tones.PlacedWord]]:
    sentences: list[list[tones.PlacedWord]] = []
    for word in words:
        if not sentences or word.start_ms - sentences[-1][-1].end_ms >= SENTENCE_PAUSE_MS:
            sentences.append([])
        sentences[-1].append(word)
    return sentences


def _read_off(words: Sequence[tones.PlacedWord], span: Span) -> Answer:
    """Answer with the words that lie wholly in a span."""
    whole = [word for word in words if span.start_ms <= word.start_ms and word.end_ms <= span.end_ms]
    segments = tuple(
        AnswerSegment(
            start_ms=said[0].start_ms - span.start_ms,
            end_ms=said[-1].end_ms - span.start_ms,
            text=" ".join(word.text for word in said),
        )
        for said in _sentences(whole)
    )
    return Answer(text=join_texts(segment.text for segment in segments), segments=segments)
