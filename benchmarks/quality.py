"""Does the inspection find what is wrong with a transcript, and does it leave good transcripts alone?

Good transcripts are made by a local recogniser from real speech, and by hand from tone-coded speech. What is found in
them is a false alarm. Then faults are planted into them, and each has to be found at its place, under its name. Where
recordings are cut is measured by the words that the recogniser gets wrong afterwards.

    python -m benchmarks.quality --cache /var/tmp/voxtrald-benchmarks --write docs/quality.md [--multilingual FOLDER]

Needs what `make local` installs, and beyond Python the packages of `speech_map`. `--multilingual` names a folder with
a Whisper model for faster-whisper that knows more than English, such as base; without it other languages are left out.
The first run listens to an hour of audio, some ten minutes on two cores; what was heard is kept in the cache.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import speech_noises
from benchmarks.planting import FAULTS, Planted
from benchmarks.quality_page import options, put
from benchmarks.recognising import Recogniser
from benchmarks.reporting import write
from benchmarks.speech_map import map_of
from benchmarks.speech_material import (
    HUMAN,
    RATE_HZ,
    Samples,
    Talk,
    compose,
    decode,
    fetch,
    mixed,
    over,
    prompts,
    readings,
    voices,
)
from tests.sound import speech as tones
from tests.speech import sample, word_error_rate
from tests.speech.weights import NEEDS, model_folder
from voxtrald.audio.quiet import quietest
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import Finding, Kind, inspect
from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Cut, PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.planning import ChunkLimits, plan_spans
from voxtrald.transcript.spans import length_within, union, widened
from voxtrald.transcript.words import join_texts

MINUTES: Final = 3
TRIES: Final = 6
CUT_EVERY_MS: Final = 30_000
SEARCH_MS: Final = 5_000
OVERLAP_MS: Final = 3_000
TONE_PIECES: Final = 4
HOLES: Final = frozenset({Kind.HOLE, Kind.ENDS_EARLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A transcript that is right, as far as its maker could hear, with the answer it was made from."""

    name: str
    transcript: Transcript
    answers: tuple[PlacedAnswer, ...]
    speech: SpeechMap

    def findings(self) -> tuple[Finding, ...]:
        """Inspect it."""
        return inspect(self.transcript, speech=self.speech, answers=self.answers)


# --- good transcripts -------------------------------------------------------------------------------------------------


def recordings(root: Path) -> Iterator[tuple[str, str, Samples]]:
    """Give names, languages and sounds to transcribe."""
    people = prompts(root, "en")
    talk = compose([clip for clip in people if clip.text], minutes=MINUTES, seed=21)
    calm = over(talk, _noise("pink", root), level_db=-65)
    yield "people, a quiet room", "en", calm.sound
    for below_db in (15, 10, 5):
        yield f"people, noise {below_db} dB below", "en", mixed(talk, _noise("pink", root), below_db=below_db).sound
    for number in (1, 3):
        yield (
            f"people, music {number} 10 dB below",
            "en",
            mixed(talk, _noise(f"music {number}", root), below_db=10).sound,
        )
    rare = compose(people, minutes=2 * MINUTES, seed=22, every_s=20)
    yield "people, seldom", "en", over(rare, np.resize(_noise("pink", root), len(rare.sound)), level_db=-60).sound
    half = compose([clip for clip in people if clip.text], minutes=MINUTES / 2, seed=23)
    yield "people, then music 2", "en", np.concatenate([half.sound, _loud("music 2", root, minutes=MINUTES / 2)])
    yield "people, then music 3", "en", np.concatenate([half.sound, _loud("music 3", root, minutes=MINUTES / 2)])
    yield (
        "a novel, read",
        "en",
        over(compose(readings(root), minutes=1, seed=5), _noise("pink", root), level_db=-65).sound,
    )
    yield "a meeting, synthetic", "en", decode("-i", str(sample()[0]))
    whispered = compose([*voices(root, "en+whisper"), *voices(root, "en+whisperf")], minutes=1, seed=5)
    yield "whispered, synthetic", "en", over(whispered, _noise("pink", root), level_db=-65).sound
    for language in HUMAN[1:]:
        foreign = compose(prompts(root, language), minutes=MINUTES / 2, seed=24)
        yield f"people, {language}", language, over(foreign, _noise("pink", root), level_db=-65).sound


def _noise(name: str, root: Path) -> speech_noises.Floats:
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
        yield Good(name=title, transcript=transcript, answers=(answer,), speech=speech)


def toned() -> Iterator[Good]:
    """Write down tone-coded speech, sentence by sentence."""
    for seed in range(TONE_PIECES):
        duration_ms = MINUTES * 60_000
        pause_ms = (400, 1200) if seed % 2 else (400, 14_000)
        words = tones.compose(duration_ms, seed=seed, sentence_pause_ms=pause_ms)
        sentences: list[list[tones.PlacedWord]] = []
        for word in words:
            if not sentences or word.start_ms - sentences[-1][-1].end_ms >= 400:
                sentences.append([])
            sentences[-1].append(word)
        segments = tuple(
            Segment(start_ms=said[0].start_ms, end_ms=said[-1].end_ms, text=" ".join(word.text for word in said))
            for said in sentences
        )
        text = join_texts(segment.text for segment in segments)
        transcript = Transcript(text=text, language=None, segments=segments, duration_ms=duration_ms)
        speech = map_of(tones.speak(words, duration_ms))
        yield Good(name=f"tone-coded {seed + 1}", transcript=transcript, answers=(), speech=speech)


# --- faults -----------------------------------------------------------------------------------------------------------


def plant_all(goods: Sequence[Good]) -> list[tuple[object, ...]]:
    """Plant every fault into every transcript a few times; count how many were planted, found, and named right."""
    rows = []
    for name, (title, plant) in FAULTS.items():
        chance = random.Random(name)
        planted = [
            (good, fault)
            for good in goods
            for _ in range(TRIES)
            if good.transcript.segments and (fault := plant(good.transcript, good.speech, chance))
        ]
        seen = [_is_found(good, fault) for good, fault in planted]
        found, named = sum(any_kind for any_kind, _ in seen), sum(is_named for _, is_named in seen)
        rows.append(
            (title, len(planted), found, named, f"{100 * found / max(1, len(planted)):.0f} %", "not measured yet")
        )
    return rows


def _is_found(good: Good, fault: Planted) -> tuple[bool, bool]:
    """Say whether anything was found at the place, and whether it has a right name."""
    answers = fault.answers or good.answers if fault.answers else ()
    findings = inspect(fault.transcript, speech=good.speech, answers=answers)
    there = [
        finding for finding in findings if length_within(union([widened(fault.where, 1)]), widened(finding.span, 1))
    ]
    return bool(there), any(finding.kind in fault.kinds for finding in there)


def false_alarms(goods: Sequence[Good]) -> list[tuple[object, ...]]:
    """List for each transcript what was found in it."""
    rows: list[tuple[object, ...]] = []
    for good in goods:
        findings = good.findings()
        kinds = Counter(str(finding.kind) for finding in findings)
        share = good.transcript.duration_ms / 60_000
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
        rows.append((good.name, f"{share:.1f}", len(good.transcript.segments), told))
    return rows


# --- cuts -------------------------------------------------------------------------------------------------------------


def cut_rows(root: Path, recogniser: Recogniser) -> list[tuple[object, ...]]:
    """Count wrong words by where the recording was cut."""
    talk = compose([clip for clip in prompts(root, "en") if clip.text], minutes=MINUTES, seed=31)
    room = over(talk, np.resize(_noise("pink", root), len(talk.sound)), level_db=-65).sound
    noisy = mixed(talk, np.resize(_noise("pink", root), len(talk.sound)), below_db=10).sound
    recordings = (
        ("people, a quiet room", room, _text(talk)),
        ("people, noise 10 dB below", noisy, _text(talk)),
        ("a meeting, synthetic", decode("-i", str(sample()[0])), sample()[1]),
    )
    rows: list[tuple[object, ...]] = []
    for name, sound, text in recordings:
        for way, cuts in cut_ways(sound).items():
            transcript, answers = _transcribed(sound, cuts, recogniser)
            wrong = 100 * word_error_rate(text, transcript.text)
            holes = [one for one in inspect(transcript, speech=map_of(sound), answers=answers) if one.kind in HOLES]
            told = ", ".join(f"{one.span.length_ms / 1000:.0f} s" for one in holes) or "none"
            rows.append((name, way, len(cuts), wrong, told))
    return rows


def cut_ways(sound: Samples) -> dict[str, list[Cut]]:
    """Give for each way to cut where it cuts."""
    marks_ms = range(CUT_EVERY_MS, len(sound) * 1000 // RATE_HZ - SEARCH_MS, CUT_EVERY_MS)
    fixed = [Cut(at_ms=at_ms, quiet=True) for at_ms in marks_ms]
    return {
        "not cut": [],
        "at fixed marks": fixed,
        "at fixed marks, with overlaps": [Cut(at_ms=cut.at_ms, quiet=False) for cut in fixed],
        "where it is quiet": [_quiet_cut(sound, at_ms) for at_ms in marks_ms],
    }


def _quiet_cut(sound: Samples, at_ms: int) -> Cut:
    first_ms = at_ms - SEARCH_MS
    window = sound[first_ms * 16 : (at_ms + SEARCH_MS) * 16]
    found = quietest(window, rate_hz=RATE_HZ)
    return Cut(at_ms=first_ms + found.at_ms, quiet=found.is_quiet)


def _transcribed(
    sound: Samples, cuts: Sequence[Cut], recogniser: Recogniser
) -> tuple[Transcript, tuple[PlacedAnswer, ...]]:
    duration_ms = len(sound) * 1000 // RATE_HZ
    limits = ChunkLimits(max_ms=60_000, first_ms=60_000, search_ms=SEARCH_MS, overlap_ms=OVERLAP_MS)
    chunks = [
        (span, recogniser.answer(sound[span.start_ms * 16 : span.end_ms * 16]))
        for span in plan_spans(duration_ms, cuts, limits=limits)
    ]
    answers = tuple(PlacedAnswer(span=span, offset_ms=span.start_ms, answer=answer) for span, answer in chunks)
    return merge(answers, duration_ms=duration_ms), answers


def _text(talk: Talk) -> str:
    return " ".join(said.text for said in talk.said)


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--multilingual", type=Path, help="a folder with a Whisper model that knows other languages")
    chosen = parser.parse_args()
    english = model_folder()
    if english is None:
        raise SystemExit(NEEDS)
    root = fetch(chosen.cache)
    recogniser = Recogniser(folder=english, cache=chosen.cache)
    other = Recogniser(folder=chosen.multilingual, cache=chosen.cache) if chosen.multilingual else None
    goods, tone = list(heard(root, english=recogniser, multilingual=other)), list(toned())
    alarms = false_alarms([*goods, *tone])
    columns = ("transcript", "minutes", "segments", "found")
    put(
        chosen.write,
        "quality-false",
        "Found in good transcripts: each is a false alarm, or the recogniser's own fault",
        columns,
        alarms,
    )
    columns = ("planted", "times", "found", "by its name", "share", "repaired")
    planted = plant_all(goods)
    put(chosen.write, "quality-planted", "Faults planted into the recogniser's transcripts", columns, planted)
    planted_tone = plant_all(tone)
    put(
        chosen.write,
        "quality-planted-tone",
        "Faults planted into transcripts of tone-coded speech",
        columns,
        planted_tone,
    )
    cuts = cut_rows(root, recogniser)
    title = f"Wrong words, {recogniser.folder.name}, cut about every {CUT_EVERY_MS // 1000} s"
    columns = ("", "cut", "cuts", "wrong words %", "holes found by the inspection")
    put(chosen.write, "quality-cuts", title, columns, cuts)
    write(chosen.json, {"alarms": alarms, "planted": planted, "planted_tone": planted_tone, "cuts": cuts})


if __name__ == "__main__":
    main()
