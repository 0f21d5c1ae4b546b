"""Transcripts read from answers in OpenAI's formats, and in what servers make of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.engines.compatible.languages import CODES, code_of
from voxtrald.engines.compatible.reading import read_compatible
from voxtrald.engines.http.replies import Reply
from voxtrald.errors import ApiGarbled
from voxtrald.transcript.model import AnswerSegment

SAID = "Ever tried. Ever failed."
WORDS = [
    {"word": "Ever", "start": 0.0, "end": 0.4},
    {"word": "tried", "start": 0.4, "end": 0.9},
    {"word": "Ever", "start": 1.5, "end": 1.9},
    {"word": "failed", "start": 1.9, "end": 2.5},
]
SEGMENTS = [{"text": " Ever tried.", "start": 0.0, "end": 0.9}, {"text": " Ever failed.", "start": 1.5, "end": 2.5}]


def read(value, *, wants_words=False):
    """Read a JSON answer."""
    return read_compatible(Reply(status=200, body=json.dumps(value).encode()), wants_words=wants_words)


def test_segments_have_their_times():
    """A detailed answer gives text and segments in milliseconds."""
    answer = read({"text": SAID, "segments": SEGMENTS, "language": "en"})

    assert answer.text == SAID
    assert [(segment.start_ms, segment.end_ms) for segment in answer.segments] == [(0, 900), (1500, 2500)]
    assert answer.dropped == ()


def test_a_plain_answer_has_no_segments():
    """Text alone is a whole answer."""
    assert read({"text": SAID}).segments == ()
    assert read({"text": SAID, "segments": None}).segments == ()
    assert read({"text": ""}).text == ""


def test_words_are_spelt_as_in_the_text():
    """Where words are wanted, each is a segment, with the punctuation that the list leaves out."""
    answer = read({"text": SAID, "segments": SEGMENTS, "words": WORDS}, wants_words=True)

    assert [segment.text for segment in answer.segments] == ["Ever", "tried.", "Ever", "failed."]
    assert answer.segments[1] == AnswerSegment(text="tried.", start_ms=400, end_ms=900)


def test_words_that_are_cut_otherwise_keep_their_own_spelling():
    """Languages without spaces have words that the text does not show."""
    words = [{"word": "你", "start": 0, "end": 1}, {"word": "好", "start": 1, "end": 2}]

    assert [segment.text for segment in read({"text": "你好", "words": words}, wants_words=True).segments] == [
        "你",
        "好",
    ]


@pytest.mark.parametrize(
    "words",
    [None, [], WORDS[:-1], [*WORDS[:-1], {"start": 1.9, "end": 2.5}], "Ever tried"],
    ids=["null", "none", "one missing", "one without text", "no list"],
)
def test_words_that_do_not_add_up_are_not_used(words):
    """Rather coarse times than missing text: the segments count then, and the answer tells it."""
    answer = read({"text": SAID, "segments": SEGMENTS, "words": words}, wants_words=True)

    assert [segment.text for segment in answer.segments] == [" Ever tried.", " Ever failed."]
    assert answer.dropped == ("timestamp_granularities=word",)


def test_silence_lacks_no_words():
    """Where nothing was said, no word is missing."""
    assert read({"text": " ", "words": []}, wants_words=True).dropped == ()


def test_nanoseconds_are_understood():
    """LocalAI's older versions count in nanoseconds."""
    answer = read({"text": "a", "segments": [{"text": "a", "start": 0, "end": 2_500_000_000}]})

    assert answer.segments == (AnswerSegment(text="a", start_ms=0, end_ms=2500),)


def test_speakers_are_kept():
    """OpenAI and LocalAI call them `speaker`."""
    answer = read({"text": "a", "segments": [{"text": "a", "start": 0, "end": 1, "speaker": "A"}]})

    assert answer.segments[0].speaker == "A"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"usage": {"type": "duration", "seconds": 7}}, 7.0),
        ({"usage": {"type": "tokens", "total_tokens": 9}}, None),
        ({"duration": 2.5}, None),
        ({}, None),
    ],
)
def test_only_a_bill_is_a_bill(body, expected):
    """`usage` tells what is charged; `duration` is the end of the last word at some servers."""
    assert read({"text": "a", **body}).billed_s == expected


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/plain; charset=utf-8", b" Ever tried. \n"), ("application/json", b'"Ever tried."')],
)
def test_bare_text_is_an_answer(content_type, body):
    """A server that was not asked for a format may send the text alone."""
    answer = read_compatible(Reply(status=200, headers={"content-type": content_type}, body=body), wants_words=False)

    assert answer.text == "Ever tried."


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/html", b"<html>"), ("application/json", b'{"text": "cut'), ("application/json", b"{}"), ("", b"[1]")],
)
def test_what_is_no_transcript_is_garbled(content_type, body):
    """A page, cut JSON, or an object without text is not taken for one, and not quoted."""
    with pytest.raises(ApiGarbled) as caught:
        read_compatible(Reply(status=200, headers={"content-type": content_type}, body=body), wants_words=False)

    assert "cut" not in caught.value.message


@given(
    body=st.dictionaries(
        st.sampled_from(["text", "segments", "words", "language", "usage", "duration"]),
        st.none()
        | st.text()
        | st.floats()
        | st.lists(st.dictionaries(st.sampled_from(["word", "start"]), st.floats())),
    ),
    wants_words=st.booleans(),
)
def test_any_object_is_read_or_garbled(body, wants_words):
    """No answer of any shape breaks the reader, and its text is kept whole."""
    reply = Reply(status=200, body=json.dumps(body).encode())
    try:
        answer = read_compatible(reply, wants_words=wants_words)
    except ApiGarbled:
        assert not isinstance(body.get("text"), str)
    else:
        assert len(answer.text) == len(body["text"])


@pytest.mark.parametrize(
    ("named", "expected"),
    [("english", "en"), ("Latvian", "lv"), ("lv", "lv"), ("EN", "en"), ("haitian creole", "ht"), ("yue", "yue")],
)
def test_languages_are_known_by_code_and_by_name(named, expected):
    """Some servers answer with a code, some with Whisper's English name."""
    assert code_of(named) == expected


@pytest.mark.parametrize("named", ["unknown", "", "klingon", None, 7, ["en"]])
def test_other_languages_are_left_out(named):
    """What is neither is not guessed at."""
    assert code_of(named) is None


def test_every_name_has_one_code():
    """The table holds Whisper's hundred languages, each once."""
    assert len(CODES) == 100
    assert len(set(CODES.values())) == 100
