"""Where a transcript and its recording do not fit together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import HOLE_MS, Kind, Severity, inspect
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Segment, Span, Transcript
from voxtrald.transcript.spans import length_within, union

WORDS = (
    "the",
    "meeting",
    "of",
    "our",
    "parish",
    "council",
    "begins",
    "with",
    "an",
    "old",
    "playground",
    "behind",
    "it",
)


def span(start_s, end_s):
    """A span in seconds."""
    return Span(start_ms=round(start_s * 1000), end_ms=round(end_s * 1000))


def said(start_s, end_s, text=None):
    """A segment in seconds; without a text, ordinary words that fill the time."""
    at_ms = round(start_s * 1000)
    numbers = [at_ms // 7 + number for number in range(max(1, int((end_s - start_s) * 2.4)))]
    words = " ".join(f"{WORDS[number % len(WORDS)]}{'abcdefgh'[number % 8]}" for number in numbers)
    return Segment(start_ms=at_ms, end_ms=round(end_s * 1000), text=words if text is None else text)


def transcript(*segments, duration_s=120, missing=()):
    """A transcript of these segments."""
    return Transcript(text="", language=None, segments=segments, duration_ms=duration_s * 1000, missing=missing)


def spoken(*spans, maybe=None, duration_s=120):
    """A map with sure speech in these spans."""
    return SpeechMap(duration_ms=duration_s * 1000, maybe=spans if maybe is None else maybe, surely=spans)


def answer(*times_s, chunk=None):
    """An answer about a chunk with segments at these times."""
    segments = tuple(
        AnswerSegment(text="word", start_ms=round(start * 1000), end_ms=round(end * 1000)) for start, end in times_s
    )
    place = chunk or span(0, 60)
    return PlacedAnswer(span=place, offset_ms=place.start_ms, answer=Answer(text="", segments=segments))


def kinds(found):
    """What the findings are called."""
    return [str(finding.kind) for finding in found]


# --- speech without text -------------------------------------------------------------------------------------------


def test_a_transcript_that_fits_has_no_finding():
    """Ordinary talk with text for all of its speech is left alone."""
    parts = [(at, at + 4.5) for at in range(0, 120, 5)]
    text = transcript(*(said(*part) for part in parts))

    assert inspect(text, speech=spoken(*(span(*part) for part in parts))) == ()


def test_speech_without_text_is_a_hole():
    """Where segments are missing in the middle, the hole is told with the speech in it."""
    text = transcript(said(0, 10), said(40, 120))

    (found,) = inspect(text, speech=spoken(span(0, 12), span(15, 120)))

    assert (found.kind, found.severity) == (Kind.HOLE, Severity.REPAIRABLE)
    assert found.span == span(10.5, 39.5)
    assert found.evidence == "26.0 s of speech without text"


def test_a_pause_is_no_hole():
    """Silence and music have no text, and need none."""
    text = transcript(said(0, 10), said(100, 120))

    assert inspect(text, speech=spoken(span(0, 10), span(100, 120), maybe=(span(0, 120),))) == ()


def test_a_few_words_without_text_are_no_hole():
    """What nobody could understand for a moment is left out by the best of recognisers."""
    text = transcript(said(0, 10), said(14, 120))

    assert inspect(text, speech=spoken(span(0, 120))) == ()


def test_moments_that_sound_like_speech_are_no_hole():
    """Music sounds like speech for a second now and then; such seconds do not add up to speech."""
    moments = [span(at, at + 1) for at in range(20, 100, 4)]
    text = transcript(said(0, 10), said(110, 120))

    assert inspect(text, speech=spoken(span(0, 10), *moments, span(110, 120))) == ()


def test_an_answer_that_stops_before_its_chunk_ends_early():
    """A hole that reaches the end of a chunk is the end of an answer that was cut off."""
    text = transcript(said(0, 30), said(60, 120))
    answers = [answer(chunk=span(0, 60)), answer(chunk=span(60, 120))]

    (found,) = inspect(text, speech=spoken(span(0, 120)), answers=answers)

    assert (found.kind, found.span) == (Kind.ENDS_EARLY, span(30.5, 59.5))


def test_a_recording_without_any_text_is_a_hole():
    """Speech from the first second on that has no text at all does not end early: it never began."""
    assert kinds(inspect(transcript(), speech=spoken(span(0, 120)))) == ["hole"]


def test_what_is_known_to_be_missing_is_not_found_again():
    """A chunk without an answer is in the transcript's own list."""
    text = transcript(said(0, 60), missing=(span(60, 120),))

    assert inspect(text, speech=spoken(span(0, 120))) == ()


def test_a_long_segment_with_little_text_has_swallowed_something():
    """Times alone cover nothing: a minute of speech has more than three words."""
    text = transcript(said(0, 60), said(60, 120, "And so on."))

    (found,) = inspect(text, speech=spoken(span(0, 120)))

    assert (found.kind, found.span, found.severity) == (Kind.HOLE, span(60, 120), Severity.REPAIRABLE)


def test_a_chunk_without_times_is_weighed_against_the_others():
    """An engine that gives text only is judged by the text the other chunks have for their speech."""
    parts = [said(at, at + 30) for at in range(0, 150, 30)]
    thin = replace(parts[2], text=parts[2].text[: len(parts[2].text) // 3])
    text = transcript(*parts[:2], thin, *parts[3:], duration_s=150)

    (found,) = inspect(text, speech=spoken(span(0, 150), duration_s=150))

    assert (found.kind, found.span, found.severity) == (Kind.HOLE, span(60, 90), Severity.SUSPECT)


# --- text without speech -------------------------------------------------------------------------------------------


def test_text_where_there_is_silence_is_suspect():
    """A sentence nobody can have said is told, and may be right: a voice can be softer than the room."""
    text = transcript(said(0, 50), said(80, 83, "Thank you for watching."))

    (found,) = inspect(text, speech=spoken(span(0, 50)))

    assert (found.kind, found.span, found.severity) == (Kind.TEXT_ON_SILENCE, span(80, 83), Severity.SUSPECT)


def test_text_beside_its_speech_is_forgiven():
    """Times that are off by half a second are no invention."""
    text = transcript(said(10.5, 11.2, "Yes."))

    assert inspect(text, speech=spoken(span(9, 10.2))) == ()


def test_more_words_than_anybody_can_say_are_too_fast():
    """Half a minute of text in five seconds was not said there."""
    text = transcript(said(0, 30), replace(said(30, 90), end_ms=35_000))

    (found,) = inspect(text, speech=spoken(span(0, 35)))

    assert (found.kind, found.span, found.severity) == (Kind.TOO_FAST, span(30, 35), Severity.REPAIRABLE)


def test_haste_needs_nobody_to_listen():
    """Without a map of the speech the segments' times are what there is."""
    text = transcript(said(0, 30), replace(said(30, 90), end_ms=35_000))

    assert kinds(inspect(text, speech=None)) == ["too_fast"]


def test_a_short_answer_with_odd_times_is_not_too_fast():
    """Times of a word or two are rounded, to nothing sometimes."""
    assert inspect(transcript(said(5, 5, "Yes, of course.")), speech=spoken(span(4, 6))) == ()


# --- repetition ----------------------------------------------------------------------------------------------------


def test_a_phrase_without_time_for_it_is_a_loop():
    """What is said fifty times in ten seconds was said by a machine."""
    text = transcript(said(0, 30), said(30, 40, "I think that we should go. " * 50))

    (found,) = inspect(text, speech=spoken(span(0, 40)))

    assert (found.kind, found.severity) == (Kind.LOOP, Severity.REPAIRABLE)
    assert 30_000 <= found.span.start_ms < found.span.end_ms <= 40_000
    assert "the same 50 times in a row" in found.evidence


@pytest.mark.parametrize(
    "phrase", ["谢谢大家观看", "ご視聴ありがとうございました", "ขอบคุณครับ", "감사합니다 ", "धन्यवाद "]
)
def test_a_loop_is_found_in_any_script(phrase):
    """Also where words have no spaces between them."""
    text = transcript(said(0, 30), said(30, 36, phrase * 60))

    assert kinds(inspect(text, speech=spoken(span(0, 36)))) == ["loop"]


def test_one_sentence_in_many_segments_is_found_as_such():
    """The same segment again and again, faster than it can be said, is told once."""
    many = [said(30 + at / 4, 30.25 + at / 4, "Please subscribe to our channel.") for at in range(40)]
    text = transcript(said(0, 30), *many)

    (found,) = inspect(text, speech=spoken(span(0, 40)))

    assert (found.kind, found.span) == (Kind.REPEATED_SEGMENT, span(30, 40))


def test_a_sentence_repeated_on_silence_is_found():
    """Where there is no sound, there is no time for any repetition."""
    many = [said(30 + 3 * at, 33 + 3 * at, "Please subscribe to our channel.") for at in range(10)]

    assert kinds(inspect(transcript(said(0, 30), *many), speech=spoken(span(0, 30)))) == ["repeated_segment"]


def test_a_sentence_in_the_place_of_minutes_of_speech_is_suspect():
    """What is said five times in a minute and a half of talk stands for something else."""
    many = [said(30 + 18 * at, 48 + 18 * at, "Thank you.") for at in range(5)]

    found = inspect(transcript(said(0, 30), *many), speech=spoken(span(0, 120)))

    assert [(one.kind, one.severity) for one in found] == [(Kind.REPEATED_SEGMENT, Severity.SUSPECT)]


LITANY = [said(4 * at, 4 * at + 2.2, "Lord, have mercy.") for at in range(20)]
REFRAIN = [
    said(10 * at + part, 10 * at + part + 2.5, "Hallelujah, hallelujah") for at in range(3) for part in (0, 3, 6)
]
COUNTING = [said(0, 60, " ".join(str(number) for number in range(1, 80)))]
ROSARY = [
    said(9 * at, 9 * at + 8, "Holy Mary, mother of God, pray for us sinners, now and at the hour of our death. Amen.")
    for at in range(10)
]
CHANT = [said(0, 30, "la " * 60), said(40, 46, "no no no no, no no no no, no no no no")]
DRILL = [said(0, 40, "left, right, " * 30)]
CHINESE = [said(3 * at, 3 * at + 2, "求主垂怜") for at in range(20)]


@pytest.mark.parametrize("segments", [LITANY, REFRAIN, COUNTING, ROSARY, CHANT, DRILL, CHINESE])
def test_what_people_really_repeat_is_no_loop(segments):
    """Litanies, refrains, counting and prayers have as much sound as their repetitions need."""
    sound = [Span(start_ms=one.start_ms, end_ms=one.end_ms) for one in segments]

    assert inspect(transcript(*segments), speech=spoken(*union(sound))) == ()


def test_a_litany_that_is_far_too_long_for_its_sound_is_a_loop():
    """The same words as a litany's, in a tenth of its time, are a loop."""
    hurried = [replace(one, start_ms=one.start_ms // 20, end_ms=one.end_ms // 20) for one in LITANY]

    assert kinds(inspect(transcript(*hurried), speech=spoken(span(0, 4)))) == ["repeated_segment"]


# --- times ---------------------------------------------------------------------------------------------------------


def test_times_beyond_the_chunk_are_found():
    """Times that go on after the sound has ended belong to other sound."""
    (found,) = inspect(transcript(said(0, 60)), speech=None, answers=[answer((0, 5), (70, 75))])

    assert (found.kind, found.span, found.severity) == (Kind.TIMES_BEYOND, span(0, 60), Severity.SUSPECT)


def test_times_that_go_back_are_found():
    """A segment that begins long before its predecessor is out of place."""
    (found,) = inspect(transcript(said(0, 60)), speech=None, answers=[answer((30, 35), (5, 10))])

    assert (found.kind, found.span) == (Kind.TIMES_BACKWARDS, span(5, 30))


def test_speakers_who_interrupt_each_other_are_in_order():
    """Two segments may overlap a little, and end a second after the sound."""
    assert inspect(transcript(said(0, 60)), speech=None, answers=[answer((0, 5), (4.5, 8), (58, 61))]) == ()


# --- for every transcript ------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", "word", "so so so so so so", "谢谢" * 30, "…", "a" * 500, said(0, 20).text])


@st.composite
def segments(draw):
    """A segment at any place in two minutes, with any text."""
    start_ms = draw(st.integers(0, 120_000))
    return Segment(start_ms=start_ms, end_ms=draw(st.integers(start_ms, 120_000)), text=draw(TEXTS | st.text()))


@st.composite
def maps(draw):
    """Any map of two minutes."""
    edges = sorted(draw(st.lists(st.integers(0, 120_000), max_size=12)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    spans = union(Span(start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms in pairs)
    return spoken(*spans[::2], maybe=spans)


@given(st.lists(segments(), max_size=12), maps() | st.none(), st.lists(st.tuples(st.integers(-99, 999), st.integers())))
def test_whatever_comes_findings_lie_in_the_recording(parts, speech, times):
    """Nothing makes the inspection fail, and what it finds has a place and some evidence."""
    wild = answer(chunk=span(20, 80))
    odd = tuple(AnswerSegment(text="", start_ms=start, end_ms=end) for start, end in times)
    answers = [replace(wild, answer=replace(wild.answer, segments=odd))]

    for finding in inspect(transcript(*parts), speech=speech, answers=answers):
        assert 0 <= finding.span.start_ms <= finding.span.end_ms <= 120_000
        assert finding.evidence


@given(maps(), st.randoms(use_true_random=False))
def test_a_transcript_that_covers_all_speech_has_no_hole(speech, chance):
    """However the speech is divided into segments, text at a usual speed leaves nothing missing."""
    parts = []
    for one in speech.surely:
        at_ms = one.start_ms
        while at_ms < one.end_ms:
            end_ms = min(one.end_ms, at_ms + chance.randint(500, 15_000))
            parts.append(said(at_ms / 1000, end_ms / 1000))
            at_ms = end_ms

    assert not {"hole", "ends_early"} & set(kinds(inspect(transcript(*parts), speech=speech)))


@given(st.integers(0, 110), st.integers(0, 60))
def test_every_hole_over_sure_speech_is_found(start_s, length_s):
    """Wherever segments are taken out of running talk, the hole is found if it holds speech enough."""
    parts = [said(at, at + 1) for at in range(120) if not start_s <= at < start_s + length_s]
    left_ms = (min(start_s + length_s, 120) - start_s) * 1000
    edges = (start_s > 0) + (start_s + length_s < 120)  # half a second on either side may belong to a neighbour

    found = inspect(transcript(*parts), speech=spoken(span(0, 120)))

    holes = [one for one in found if one.kind in {Kind.HOLE, Kind.ENDS_EARLY}]
    assert len(holes) == (left_ms - 500 * edges >= HOLE_MS)
    assert all(length_within([span(start_s, start_s + length_s)], one.span) >= HOLE_MS for one in holes)


@given(st.lists(segments(), max_size=12), maps(), st.randoms(use_true_random=False))
def test_the_order_in_which_answers_come_does_not_matter(parts, speech, chance):
    """Answers arrive in any order; the findings are the same."""
    answers = [answer((0, 70), (3, 4), chunk=span(at, at + 30)) for at in range(0, 120, 30)]
    shuffled = chance.sample(answers, len(answers))
    text = transcript(*parts)

    assert inspect(text, speech=speech, answers=shuffled) == inspect(text, speech=speech, answers=answers)


@given(st.lists(segments(), max_size=8))
def test_no_evidence_holds_spoken_text(parts):
    """Evidence goes into logs and reports: figures only."""
    marked = [replace(one, text=one.text + " Xyzzy" * 9) for one in parts]

    assert "Xyzzy" not in str(inspect(transcript(*marked), speech=spoken(span(0, 120))))
