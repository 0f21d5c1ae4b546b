"""Does the inspection find what is wrong with a transcript, and does it leave good transcripts alone?

Good transcripts are made by a local recogniser from real speech, and by hand from tone-coded speech. What is found in
them is a false alarm. Then faults are planted into them, and each has to be found at its place, under its name, and
asked again: repaired is what has four in five of its wrong words right after that. Where recordings are cut is measured
by the words that the recogniser gets wrong afterwards, before and after the repairs.

    python -m benchmarks.quality --cache /var/tmp/voxtrald-benchmarks --write docs/quality.md [--multilingual FOLDER]

Needs what `make local` installs, and beyond Python the packages of `speech_map`. `--multilingual` names a folder with
a Whisper model for faster-whisper that knows more than English, such as base; without it other languages are left out.
The first run listens to an hour of audio, some ten minutes on two cores; what was heard is kept in the cache.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.good_transcripts import MINUTES, Good, heard, noise, toned
from benchmarks.planting import FAULTS, Planted
from benchmarks.quality_page import options, put
from benchmarks.recognising import Recogniser
from benchmarks.repairs import is_right_again, mend, wrong_words
from benchmarks.reporting import write
from benchmarks.speech_map import map_of
from benchmarks.speech_material import RATE_HZ, Samples, Talk, compose, decode, fetch, mixed, over, prompts
from tests.speech import sample, word_error_rate
from tests.speech.weights import NEEDS, model_folder
from voxtrald.audio.quiet import quietest
from voxtrald.transcript.inspecting import Kind, inspect
from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Answer, Cut, PlacedAnswer, Span, Transcript
from voxtrald.transcript.planning import ChunkLimits, plan_spans
from voxtrald.transcript.spans import length_within, union, widened

TRIES: Final = 6
CUT_EVERY_MS: Final = 30_000
SEARCH_MS: Final = 5_000
OVERLAP_MS: Final = 3_000
HOLES: Final = frozenset({Kind.HOLE, Kind.ENDS_EARLY})
PLANTED: Final = (
    *("planted", "times", "found", "by its name", "share"),
    *("repaired", "wrong words", "after repair", "asked again, s each"),
)
CUTS: Final = ("", "cut", "cuts", "wrong words %", "holes found by the inspection", "after repair %", "asked again, s")


# --- faults -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of one fault that was planted; words are counted against the good transcript."""

    is_found: bool
    is_named: bool
    wrong: int
    wrong_after: int
    asked_ms: int


def plant_all(goods: Sequence[Good]) -> list[tuple[object, ...]]:
    """Plant every fault into every transcript a few times; count how many were found, named right, and repaired."""
    rows = []
    for name, (title, plant) in FAULTS.items():
        chance = random.Random(name)
        planted = [
            (good, fault)
            for good in goods
            for _ in range(TRIES)
            if good.transcript.segments and (fault := plant(good.transcript, good.speech, chance))
        ]
        rows.append(_row(title, [_try(good, fault) for good, fault in planted]))
    return rows


def _row(title: str, tried: Sequence[Tried]) -> tuple[object, ...]:
    found, named = sum(one.is_found for one in tried), sum(one.is_named for one in tried)
    wrong, after = sum(one.wrong for one in tried), sum(one.wrong_after for one in tried)
    again = sum(is_right_again(before=one.wrong, after=one.wrong_after) for one in tried)
    share = f"{100 * found / max(1, len(tried)):.0f} %"
    asked_s = f"{sum(one.asked_ms for one in tried) / 1000 / max(1, len(tried)):.0f}"
    return title, len(tried), found, named, share, again if wrong else "-", wrong, after, asked_s


def _try(good: Good, fault: Planted) -> Tried:
    """Say whether anything was found at the place, whether it has a right name, and what asking again has mended."""
    findings = inspect(fault.transcript, speech=good.speech, answers=fault.answers)
    place = union([widened(fault.where, 1)])
    there = [finding for finding in findings if length_within(place, widened(finding.span, 1))]
    mended = mend(fault.transcript, speech=good.speech, answers=fault.answers, ask=good.ask)
    return Tried(
        is_found=bool(there),
        is_named=any(finding.kind in fault.kinds for finding in there),
        wrong=wrong_words(good.transcript.text, fault.transcript.text),
        wrong_after=wrong_words(good.transcript.text, mended.transcript.text),
        asked_ms=mended.asked_ms,
    )


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
    room = over(talk, np.resize(noise("pink", root), len(talk.sound)), level_db=-65).sound
    noisy = mixed(talk, np.resize(noise("pink", root), len(talk.sound)), below_db=10).sound
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
            speech = map_of(sound)
            holes = [one for one in inspect(transcript, speech=speech, answers=answers) if one.kind in HOLES]
            told = ", ".join(f"{one.span.length_ms / 1000:.0f} s" for one in holes) or "none"
            mended = mend(transcript, speech=speech, answers=answers, ask=partial(_asked, sound, recogniser))
            wrong_after = 100 * word_error_rate(text, mended.transcript.text)
            rows.append((name, way, len(cuts), wrong, told, wrong_after, f"{mended.asked_ms / 1000:.0f}"))
    return rows


def _asked(sound: Samples, recogniser: Recogniser, span: Span) -> Answer:
    return recogniser.answer(sound[span.start_ms * 16 : span.end_ms * 16])


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
    chunks = [(span, _asked(sound, recogniser, span)) for span in plan_spans(duration_ms, cuts, limits=limits)]
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
    put(
        chosen.write,
        "quality-false",
        "Found in good transcripts: each is a false alarm, or the recogniser's own fault",
        ("transcript", "minutes", "segments", "found"),
        alarms,
    )
    planted, planted_tone = plant_all(goods), plant_all(tone)
    put(chosen.write, "quality-planted", "Faults planted into the recogniser's transcripts", PLANTED, planted)
    title = "Faults planted into transcripts of tone-coded speech"
    put(chosen.write, "quality-planted-tone", title, PLANTED, planted_tone)
    cuts = cut_rows(root, recogniser)
    title = f"Wrong words, {recogniser.folder.name}, cut about every {CUT_EVERY_MS // 1000} s"
    put(chosen.write, "quality-cuts", title, CUTS, cuts)
    write(chosen.json, {"alarms": alarms, "planted": planted, "planted_tone": planted_tone, "cuts": cuts})


if __name__ == "__main__":
    main()
