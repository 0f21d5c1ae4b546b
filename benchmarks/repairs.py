"""Asks again what an inspection finds wrong with a transcript, as the program does, and says what it made better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import jiwer

from voxtrald.transcript.coverage import SpeechMap, covered
from voxtrald.transcript.inspecting import inspect
from voxtrald.transcript.model import Answer, PlacedAnswer, Span, Transcript
from voxtrald.transcript.repairing import asked_ms, budget_of, plan_repairs
from voxtrald.transcript.splicing import splice

SHARE: Final = 1.0
"""How much may be asked again. The recordings have three minutes; a fifth of an hour is longer than all of one."""

LONGEST_MS: Final = 14 * 60_000
RIGHT_AGAIN: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A transcript after its repairs, and how much was asked for them."""

    transcript: Transcript
    asked_ms: int


def mend(
    transcript: Transcript,
    *,
    speech: SpeechMap,
    answers: Sequence[PlacedAnswer],
    ask: Callable[[Span], Answer],
) -> Mended:
    """Inspect a transcript, ask once more for what is wrong, and put in what is better."""
    requests = plan_repairs(
        inspect(transcript, speech=speech, answers=answers),
        speech=speech,
        texted=covered(transcript),
        chunks=[answer.span for answer in answers],
        duration_ms=transcript.duration_ms,
        budget_ms=budget_of(transcript.duration_ms, share=SHARE),
        max_ms=LONGEST_MS,
    )
    for request in requests:
        answer = PlacedAnswer(span=request.span, offset_ms=request.span.start_ms, answer=ask(request.span))
        transcript = splice(transcript, request, answer=answer, speech=speech).transcript
    return Mended(transcript=transcript, asked_ms=sum(asked_ms(request.span) for request in requests))


def wrong_words(reference: str, text: str) -> int:
    """Count the words that are wrong, missing or too many; case and punctuation do not count."""
    plain = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.RemoveMultipleSpaces(), jiwer.Strip()])
    counted = jiwer.process_words(plain(reference), plain(text))
    return counted.substitutions + counted.deletions + counted.insertions


def is_right_again(*, before: int, after: int) -> bool:
    """Tell whether four in five of the wrong words are right: a recogniser never hears quite the same twice."""
    return before > 0 and after <= (1 - RIGHT_AGAIN) * before
