"""What is said of a text once everything was asked that is asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.concluding import conclude
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.document import Repair
from voxtrald.transcript.inspecting import Finding, Kind, Severity, inspect
from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.spans import length_within, union

LENGTH_MS = 120_000


def span(start_s, end_s):
    """A span in seconds."""
    return Span(start_ms=start_s * 1000, end_ms=end_s * 1000)


def spoken(*spans):
    """A map with sure speech in these spans."""
    return SpeechMap(duration_ms=LENGTH_MS, maybe=spans, surely=spans)


def text(*parts, missing=()):
    """A text with ordinary words in these spans; every five seconds is a segment."""
    segments = [
        Segment(start_ms=at * 1000, end_ms=(at + 5) * 1000, text=f"word{at} " * 2 + "and something that fills the time")
        for start, end in parts
        for at in range(start, end, 5)
    ]
    return Transcript(text="", language=None, segments=tuple(segments), duration_ms=LENGTH_MS, missing=missing)


def repair(kept, where):
    """A repair of a hole."""
    return Repair(span=where, kinds=(Kind.HOLE,), kept=kept)


def test_a_hole_that_was_filled_is_repaired():
    """A finding with a new text that fits is repaired, and nothing is missing."""
    speech = spoken(span(0, 120))
    found = inspect(text((0, 40), (80, 120)), speech=speech)
    concluded = conclude(text((0, 120)), found=found, speech=speech, repairs=[repair("new", span(35, 85))])

    assert [one.repaired for one in concluded.inspection.findings] == [True]
    assert concluded.transcript.missing == concluded.inspection.coverage.missing == ()
    assert concluded.inspection.coverage.covered_ms == concluded.inspection.coverage.speech_ms == LENGTH_MS


def test_a_hole_that_stays_is_missing():
    """A finding that is still there is missing in the text, whoever was asked."""
    speech = spoken(span(0, 120))
    holed = text((0, 40), (80, 120))
    (found,) = inspect(holed, speech=speech)
    concluded = conclude(holed, found=[found], speech=speech, repairs=[repair("old", span(35, 85))])

    assert [one.repaired for one in concluded.inspection.findings] == [False]
    assert concluded.transcript.missing == (found.span,)
    assert concluded.inspection.coverage.covered_ms == LENGTH_MS - found.span.length_ms


def test_a_hole_that_was_filled_in_part_is_missing_for_the_rest():
    """What of a hole a new text does not fill is missing, and the finding is not repaired."""
    speech = spoken(span(0, 120))
    found = inspect(text((0, 40), (80, 120)), speech=speech)
    concluded = conclude(text((0, 60), (80, 120)), found=found, speech=speech, repairs=[repair("new", span(35, 85))])

    assert [one.repaired for one in concluded.inspection.findings] == [False]
    assert [(one.start_ms, one.end_ms) for one in concluded.transcript.missing] == [(60_500, 79_500)]


def test_a_hole_in_which_two_answers_are_silent_is_not_missing():
    """Where two answers agree that nobody speaks, the finding says so, and nothing is missing."""
    speech = spoken(span(0, 120))
    holed = text((0, 40), (80, 120))
    (found,) = inspect(holed, speech=speech)
    concluded = conclude(
        holed, found=[found], speech=speech, repairs=[repair("none", span(35, 85))], silent=[found.span]
    )
    (judged,) = concluded.inspection.findings

    assert concluded.transcript.missing == ()
    assert not judged.repaired
    assert judged.finding.evidence == f"{found.evidence}; asked again, and no text either"


def test_what_only_the_second_look_finds_is_told():
    """A finding that a new text has brought stands beside those of the first look."""
    spoilt = text((0, 120))
    silent = Segment(start_ms=60_000, end_ms=65_000, text="thank you very much")
    speech = spoken(span(0, 50), span(80, 120))
    calm = [one for one in spoilt.segments if one.end_ms <= 50_000 or one.start_ms >= 80_000]
    holed = Transcript(text="", language=None, segments=(*calm, silent), duration_ms=LENGTH_MS)

    concluded = conclude(holed, found=[], speech=speech, repairs=[repair("new", span(55, 70))])

    assert [(one.finding.kind, one.repaired) for one in concluded.inspection.findings] == [
        (Kind.TEXT_ON_SILENCE, False)
    ]


def test_a_suspicion_makes_nothing_missing():
    """Only speech that has no text is missing: loops and odd times are told and no more."""
    loop = Finding(kind=Kind.LOOP, span=span(10, 20), severity=Severity.SUSPECT, evidence="")
    concluded = conclude(text((0, 120)), found=[loop], speech=None)

    assert concluded.transcript.missing == ()
    assert concluded.inspection.coverage is None


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(1, 12)), max_size=6))
def test_all_that_is_found_missing_is_shown(parts):
    """Whatever parts have text: a conclusion without repairs shows just the holes that the inspection finds."""
    told = text(*((5 * first, min(120, 5 * (first + many))) for first, many in parts))
    speech = spoken(span(0, 120))
    holes = [one.span for one in inspect(told, speech=speech) if one.kind in {Kind.HOLE, Kind.ENDS_EARLY}]
    concluded = conclude(told, found=inspect(told, speech=speech), speech=speech)

    assert concluded.transcript.missing == union(holes)
    assert concluded.inspection.coverage.covered_ms <= LENGTH_MS - length_within(union(holes), span(0, 120))
