"""The answer to a second request in the text of the first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxtrald.transcript.coverage import SpeechMap, covered
from voxtrald.transcript.inspecting import Finding, Kind, Severity, inspect
from voxtrald.transcript.model import (
    Answer,
    AnswerSegment,
    PlacedAnswer,
    Segment,
    Span,
    SpeakerJoin,
    Transcript,
)
from voxtrald.transcript.repairing import Request, plan_repairs
from voxtrald.transcript.splicing import splice
from voxtrald.transcript.words import join_texts

WORD_MS = 400
SENTENCE = 10


def span(start_ms, end_ms):
    """A span."""
    return Span(start_ms=start_ms, end_ms=end_ms)


def word(number):
    """A word that comes once."""
    return "".join("bdfgklmnprst"[number // 12**place % 12] + "aiou"[(number + place) % 4] for place in range(3))


def talk(first, last, *, speaker=None):
    """The truth from one word to another, in sentences; word N is said at N times 400 ms."""
    told = []
    for number in range(first, last):
        if not told or number % SENTENCE == 0:
            told.append([])
        told[-1].append(number)
    return tuple(
        Segment(
            start_ms=numbers[0] * WORD_MS,
            end_ms=(numbers[-1] + 1) * WORD_MS,
            text=" ".join(map(word, numbers)),
            speaker=speaker,
        )
        for numbers in told
    )


def transcript(*segments, words=300):
    """A transcript of these segments, of a recording with so many words."""
    text = join_texts(segment.text for segment in segments)
    return Transcript(text=text, language="en", segments=segments, duration_ms=words * WORD_MS)


def spoken(words=300):
    """Everything is sure speech."""
    whole = (span(0, words * WORD_MS),)
    return SpeechMap(duration_ms=words * WORD_MS, maybe=whole, surely=whole)


def answered(asked, *segments):
    """An answer about a span with these segments of the recording's time."""
    told = tuple(
        AnswerSegment(
            text=one.text,
            start_ms=one.start_ms - asked.start_ms,
            end_ms=one.end_ms - asked.start_ms,
            speaker=one.speaker,
        )
        for one in segments
    )
    return PlacedAnswer(span=asked, offset_ms=asked.start_ms, answer=Answer(text="", segments=told))


def planned(text, speech):
    """What an inspection of the text would ask again."""
    findings = inspect(text, speech=speech)
    length_ms = text.duration_ms
    return plan_repairs(
        findings,
        speech=speech,
        texted=covered(text),
        chunks=(),
        duration_ms=length_ms,
        budget_ms=2 * length_ms,
        max_ms=length_ms,
    )


def truth(asked):
    """What is said in a span: its whole words."""
    return talk(-(-asked.start_ms // WORD_MS), asked.end_ms // WORD_MS)


# --- planted faults --------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(first=st.integers(0, 250), length=st.integers(17, 150))
def test_the_truth_fills_a_hole_exactly(first, length):
    """Wherever words are missing, splicing in what is said there gives the whole text, no word lost or doubled."""
    text = transcript(*talk(0, first), *talk(min(300, first + length), 300))
    (request,) = planned(text, spoken())

    spliced = splice(text, request, answer=answered(request.span, *truth(request.span)), speech=spoken())

    assert spliced.kept == "new"
    assert spliced.transcript.text == transcript(*talk(0, 300)).text


@settings(max_examples=25)
@given(first=st.integers(0, 250), length=st.integers(20, 40))
def test_the_truth_replaces_a_loop_exactly(first, length):
    """Wherever a phrase is repeated beyond what there is time for, the words that are really said come back."""
    end = min(300, first + length)
    loop = Segment(start_ms=first * WORD_MS, end_ms=end * WORD_MS, text=" ".join(["and so on"] * 3 * length))
    text = transcript(*talk(0, first), loop, *talk(end, 300))
    (request,) = planned(text, spoken())

    spliced = splice(text, request, answer=answered(request.span, *truth(request.span)), speech=spoken())

    assert spliced.kept == "new"
    assert spliced.transcript.text == transcript(*talk(0, 300)).text


answers = st.lists(
    st.tuples(st.integers(-20, 320), st.integers(0, 60), st.integers(0, 300), st.integers(0, 40)), max_size=6
)


@settings(max_examples=40)
@given(first=st.integers(60, 200), length=st.integers(20, 80), told=answers)
def test_no_answer_costs_a_word_outside(first, length, told):
    """Whatever a second answer says, all words of the text outside of what was asked stay, in order and once."""
    text = transcript(*talk(0, first), *talk(first + length, 300))
    (request,) = planned(text, spoken())
    segments = [
        Segment(start_ms=at * WORD_MS, end_ms=(at + long) * WORD_MS, text=" ".join(map(word, range(one, one + many))))
        for at, long, one, many in told
    ]

    spliced = splice(text, request, answer=answered(request.span, *segments), speech=spoken()).transcript
    before = request.span.start_ms // WORD_MS // SENTENCE * SENTENCE
    after = -(-request.span.end_ms // WORD_MS)
    starts = [segment.start_ms for segment in spliced.segments]

    assert spliced.text.startswith(join_texts(one.text for one in talk(0, before)))
    assert spliced.text.endswith(" ".join(map(word, range(after, 300))))
    assert starts == sorted(starts)
    assert all(0 <= one.start_ms <= one.end_ms <= spliced.duration_ms for one in spliced.segments)


def test_an_answer_that_brings_less_is_not_taken():
    """Where the second answer is no better, the first one stays as it was."""
    text = transcript(*talk(0, 100), *talk(200, 300))
    (request,) = planned(text, spoken())
    loop = Segment(start_ms=request.span.start_ms, end_ms=request.span.end_ms, text="so on " * 500)

    spliced = splice(text, request, answer=answered(request.span, loop), speech=spoken())

    assert (spliced.kept, spliced.transcript) == ("old", text)


def test_a_text_on_silence_gives_way_to_nothing():
    """What was repeated where nobody speaks goes, where the second answer has nothing to say there."""
    loop = Segment(start_ms=50_000, end_ms=60_000, text="thank you " * 60)
    text = transcript(*talk(0, 100), loop, *talk(200, 300))
    sound = (span(0, 40_000), span(80_000, 120_000))
    speech = SpeechMap(duration_ms=120_000, maybe=sound, surely=sound)
    (request,) = planned(text, speech)

    spliced = splice(text, request, answer=answered(request.span), speech=speech)

    assert spliced.kept == "new"
    assert spliced.transcript.text == transcript(*talk(0, 100), *talk(200, 300)).text


# --- when nobody has anything to say ---------------------------------------------------------------------------------


def holed(*, sure_share):
    """A text with a hole of 20 s, of which a share is sure speech, and the request for it."""
    text = transcript(*talk(0, 100), *talk(150, 300))
    sure = [span(0, 40_000), *(span(at, at + round(2_000 * sure_share)) for at in range(40_000, 60_000, 2_000))]
    speech = SpeechMap(duration_ms=120_000, maybe=(span(0, 120_000),), surely=(*sure, span(60_000, 120_000)))
    (request,) = planned(text, speech)
    return text, request, speech


def beside(request):
    """The words beside a hole, without any in it."""
    return [
        one for one in truth(request.span) if one.end_ms <= request.core.start_ms or one.start_ms >= request.core.end_ms
    ]


def test_two_answers_agree_that_nobody_speaks():
    """A hole that could be music is not missing, where a second answer has the words beside it and none in it."""
    text, request, speech = holed(sure_share=0.6)

    spliced = splice(text, request, answer=answered(request.span, *beside(request)), speech=speech)

    assert (spliced.kept, spliced.transcript) == ("none", text)
    assert spliced.silent == tuple(finding.span for finding in request.findings)


def test_an_answer_without_a_word_agrees_to_nothing():
    """An answer that has not even the words beside the hole was not at work."""
    text, request, speech = holed(sure_share=0.6)

    spliced = splice(text, request, answer=answered(request.span), speech=speech)

    assert (spliced.kept, spliced.silent) == ("old", ())


def test_speech_stays_missing_however_often_it_is_left_out():
    """A hole that is surely speech is missing, even where two answers leave it out."""
    text, request, speech = holed(sure_share=0.95)

    spliced = splice(text, request, answer=answered(request.span, *beside(request)), speech=speech)

    assert (spliced.kept, spliced.silent) == ("old", ())


# --- speakers --------------------------------------------------------------------------------------------------------


def test_speakers_keep_their_names():
    """A second answer's labels are its own; its speakers are those who are heard at the same time in the text."""
    text = transcript(*talk(0, 100, speaker="speaker_1"), *talk(200, 300, speaker="speaker_2"))
    (request,) = planned(text, spoken())
    parts = truth(request.span)
    told = [replace(one, speaker="speaker_2" if one.start_ms < 60_000 else "speaker_1") for one in parts]
    stranger = replace(told[len(told) // 2], speaker="speaker_3")
    told[len(told) // 2] = stranger

    spliced = splice(text, request, answer=answered(request.span, *told), speech=spoken()).transcript
    named = {one.speaker for one in spliced.segments if one.start_ms < stranger.start_ms}

    assert named == {"speaker_1"}
    assert {one.speaker for one in spliced.segments if one.start_ms >= stranger.end_ms} == {"speaker_2"}
    assert [one.speaker for one in spliced.segments if one.text == stranger.text] == [None]


def test_a_speaker_who_is_unsure_stays_so():
    """Where a joint is not sure of a speaker, the first words behind it are marked, also when a repair brought them."""
    join = SpeakerJoin(at_ms=50_000, unsure=("speaker_2",))
    text = transcript(*talk(0, 110, speaker="speaker_1"), *talk(200, 300, speaker="speaker_2"))
    text = replace(text, joins=(join,))
    (request,) = planned(text, spoken())
    told = [replace(one, speaker="a" if one.start_ms < 60_000 else "b") for one in truth(request.span)]

    spliced = splice(text, request, answer=answered(request.span, *told), speech=spoken()).transcript
    second = [one for one in spliced.segments if one.speaker == "speaker_2"]

    assert second[0].start_ms == 60_000
    assert [one.is_speaker_sure for one in second] == [False] + [True] * (len(second) - 1)


@pytest.mark.parametrize("kind", [Kind.HOLE, Kind.TOO_FAST])
def test_nothing_is_spliced_where_nobody_has_listened_and_nothing_is_better(kind):
    """Without a map of the speech, equal texts are equal, and the first one stays."""
    text = transcript(*talk(0, 300))
    finding = Finding(kind=kind, span=span(40_000, 60_000), severity=Severity.REPAIRABLE, evidence="")
    request = Request(span=span(35_000, 65_000), findings=(finding,))

    spliced = splice(text, request, answer=answered(request.span, *truth(request.span)), speech=None)

    assert (spliced.kept, spliced.transcript, spliced.silent) == ("old", text, ())
