"""Plants faults into good transcripts, as recognisers make them, and says which findings would be right."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import Kind
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.spans import length_within, union, without
from voxtrald.transcript.words import join_texts

PHRASE: Final = "Thank you very much for watching."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A transcript with one fault in it.

    Attributes:
        where: the place of the fault.
        kinds: what it may be called.
    """

    transcript: Transcript
    where: Span
    kinds: frozenset[Kind]
    answers: tuple[PlacedAnswer, ...] = ()


Plant = Callable[[Transcript, SpeechMap, random.Random], Planted | None]


def _rebuilt(transcript: Transcript, segments: Sequence[Segment]) -> Transcript:
    ordered = tuple(sorted(segments, key=lambda segment: segment.start_ms))
    return replace(transcript, segments=ordered, text=join_texts(segment.text for segment in ordered))


def _outside(transcript: Transcript, span: Span) -> list[Segment]:
    return [one for one in transcript.segments if one.end_ms <= span.start_ms or one.start_ms >= span.end_ms]


def _stretch(transcript: Transcript, chance: random.Random, *, speech_ms: int) -> Span | None:
    """Choose neighbouring segments that hold just about so much speech; speech is where the segments say it is."""
    first = chance.randrange(len(transcript.segments))
    length_ms = 0
    for number in range(first, len(transcript.segments)):
        length_ms += transcript.segments[number].end_ms - transcript.segments[number].start_ms
        if length_ms >= speech_ms:
            return Span(start_ms=transcript.segments[first].start_ms, end_ms=transcript.segments[number].end_ms)
    return None


def hole(speech_ms: int) -> Plant:
    """Leave out the segments that hold so much speech, in the middle."""

    def plant(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
        del speech
        span = _stretch(transcript, chance, speech_ms=speech_ms)
        if span is None:
            return None
        changed = _rebuilt(transcript, _outside(transcript, span))
        return Planted(transcript=changed, where=span, kinds=frozenset({Kind.HOLE, Kind.ENDS_EARLY}))

    return plant


def early_end(speech_ms: int) -> Plant:
    """Leave out the last segments."""

    def plant(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
        del speech, chance
        kept = list(transcript.segments)
        left_ms = speech_ms
        while kept and left_ms > 0:
            last = kept.pop()
            left_ms -= last.end_ms - last.start_ms
        if not kept:
            return None
        where = Span(start_ms=kept[-1].end_ms, end_ms=transcript.duration_ms)
        return Planted(transcript=_rebuilt(transcript, kept), where=where, kinds=frozenset({Kind.ENDS_EARLY}))

    return plant


def loop(*, times: int) -> Plant:
    """Put a phrase, said many times, into the place of ten seconds of speech: far more text than there is time."""

    def plant(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
        del speech
        span = _stretch(transcript, chance, speech_ms=10_000)
        if span is None:
            return None
        said = Segment(start_ms=span.start_ms, end_ms=span.end_ms, text=" ".join([PHRASE] * times))
        changed = _rebuilt(transcript, [*_outside(transcript, span), said])
        return Planted(transcript=changed, where=span, kinds=frozenset({Kind.LOOP, Kind.TOO_FAST}))

    return plant


def repeated(*, each_ms: int) -> Plant:
    """Put the same sentence into the place of a minute of speech, again and again, so long each time."""

    def plant(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
        del speech
        span = _stretch(transcript, chance, speech_ms=50_000)
        if span is None:
            return None
        places = range(span.start_ms, span.end_ms - each_ms + 1, each_ms)
        said = [Segment(start_ms=at_ms, end_ms=at_ms + each_ms, text=PHRASE) for at_ms in places]
        kinds = frozenset({Kind.REPEATED_SEGMENT, Kind.LOOP})
        return Planted(transcript=_rebuilt(transcript, [*_outside(transcript, span), *said]), where=span, kinds=kinds)

    return plant


def invented(*, times: int) -> Plant:
    """Say something, once or several times, where there are some seconds of silence."""

    def plant(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
        whole = Span(start_ms=0, end_ms=transcript.duration_ms)
        quiet = [gap for gap in without(whole, union(speech.maybe)) if gap.length_ms >= 8_000]
        quiet = [gap for gap in quiet if not length_within(_texted(transcript), gap)]
        if not quiet:
            return None
        gap = chance.choice(quiet)
        start_ms, each_ms = gap.start_ms + 2_000, (gap.length_ms - 4_000) // times
        said = [
            Segment(start_ms=start_ms + number * each_ms, end_ms=start_ms + (number + 1) * each_ms, text=PHRASE)
            for number in range(times)
        ]
        kinds = frozenset({Kind.TEXT_ON_SILENCE, Kind.REPEATED_SEGMENT, Kind.LOOP})
        where = Span(start_ms=start_ms, end_ms=gap.end_ms - 2_000)
        return Planted(transcript=_rebuilt(transcript, [*transcript.segments, *said]), where=where, kinds=kinds)

    return plant


def _texted(transcript: Transcript) -> tuple[Span, ...]:
    return union(Span(start_ms=one.start_ms, end_ms=one.end_ms) for one in transcript.segments)


def squeezed(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
    """Have half a minute of text said within five seconds, and the rest of its time without text."""
    del speech
    span = _stretch(transcript, chance, speech_ms=30_000)
    if span is None:
        return None
    inside = [one for one in transcript.segments if span.start_ms <= one.start_ms < span.end_ms]
    text = join_texts(one.text for one in inside)
    said = Segment(start_ms=span.start_ms, end_ms=span.start_ms + 5_000, text=text)
    changed = _rebuilt(transcript, [*_outside(transcript, span), said])
    where = Span(start_ms=said.start_ms, end_ms=said.end_ms)
    return Planted(transcript=changed, where=where, kinds=frozenset({Kind.TOO_FAST}))


def swallowed(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
    """Take an engine that gives no times, chunks of half a minute, and leave out three quarters of one chunk's text."""
    count = transcript.duration_ms // 30_000
    chunks = [Span(start_ms=at * 30_000, end_ms=(at + 1) * 30_000) for at in range(count)]
    full = [number for number, chunk in enumerate(chunks) if length_within(speech.surely, chunk) > 20_000]
    if len(full) < 4:
        return None
    hit = chance.choice(full)
    segments = []
    for number, chunk in enumerate(chunks):
        inside = [one.text for one in transcript.segments if chunk.start_ms <= one.start_ms < chunk.end_ms]
        kept = inside[: len(inside) // 4] if number == hit else inside
        segments.append(Segment(start_ms=chunk.start_ms, end_ms=chunk.end_ms, text=join_texts(kept) or "Yes."))
    return Planted(transcript=_rebuilt(transcript, segments), where=chunks[hit], kinds=frozenset({Kind.HOLE}))


def shifted(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
    """Have an answer's times run on beyond its chunk, by half of its length."""
    del speech, chance
    return _answered(transcript, late_ms=transcript.duration_ms // 2, swap=False, kind=Kind.TIMES_BEYOND)


def turned_back(transcript: Transcript, speech: SpeechMap, chance: random.Random) -> Planted | None:
    """Have an answer's times begin anew in its middle."""
    del speech, chance
    return _answered(transcript, late_ms=0, swap=True, kind=Kind.TIMES_BACKWARDS)


def _answered(transcript: Transcript, *, late_ms: int, swap: bool, kind: Kind) -> Planted:
    told = [
        AnswerSegment(start_ms=one.start_ms + late_ms, end_ms=one.end_ms + late_ms, text=one.text)
        for one in transcript.segments
    ]
    middle = len(told) // 2
    segments = tuple([*told[middle:], *told[:middle]] if swap else told)
    whole = Span(start_ms=0, end_ms=transcript.duration_ms)
    answer = PlacedAnswer(span=whole, offset_ms=0, answer=Answer(text=transcript.text, segments=segments))
    return Planted(transcript=transcript, where=whole, kinds=frozenset({kind}), answers=(answer,))


FAULTS: Final[dict[str, tuple[str, Plant]]] = {
    "hole 6": ("6 s of speech left out", hole(6_000)),
    "hole 10": ("10 s of speech left out", hole(10_000)),
    "hole 20": ("20 s of speech left out", hole(20_000)),
    "hole 60": ("60 s of speech left out", hole(60_000)),
    "end": ("the last 15 s of speech left out", early_end(15_000)),
    "swallowed": ("three quarters of a chunk of 30 s without times left out", swallowed),
    "silence 1": ("a sentence on silence", invented(times=1)),
    "silence 6": ("a sentence six times on silence", invented(times=6)),
    "loop": ("a phrase fifty times in ten seconds", loop(times=50)),
    "fast": ("a sentence every 300 ms for a minute", repeated(each_ms=300)),
    "slow": ("a sentence every 15 s for a minute", repeated(each_ms=15_000)),
    "even": ("a sentence every 2.5 s for a minute, in the place of other speech", repeated(each_ms=2_500)),
    "squeezed": ("half a minute of text within 5 s", squeezed),
    "beyond": ("times late by half of the recording", shifted),
    "backwards": ("times that begin anew", turned_back),
}
