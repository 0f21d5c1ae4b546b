"""What successful answers of the service mean."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.engines.http.answers import (
    StoredFile,
    is_deletion_confirmed,
    read_answer,
    read_files,
    read_list,
    read_signed_address,
    read_stored_file,
)
from voxtrald.engines.http.replies import Errand, Reply
from voxtrald.errors import ApiError, ApiGarbled
from voxtrald.transcript.model import Answer, AnswerSegment

READERS = [
    *(read_answer, read_stored_file, read_signed_address, read_files),
    partial(read_list, errand=Errand.MODELS),
]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.deferred(
    lambda: scalars | st.lists(json_values, max_size=4) | st.dictionaries(st.text(max_size=8), json_values, max_size=4)
)


def reply(body, *, status=200, **headers):
    """A reply with a JSON body, or with the given bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers=headers, body=raw)


def test_a_whole_transcription_is_read():
    """Text, language, times, speakers, model and billed seconds arrive in our terms."""
    body = {
        "model": "voxtral-mini-2602",
        "text": " Hello there.",
        "language": "EN",
        "segments": [
            {
                "type": "transcription_segment",
                "text": " Hello",
                "start": 0.1,
                "end": 1.25,
                "speaker_id": "s1",
            },
            {"text": " there.", "start": None, "end": None, "speaker": "s2"},
        ],
        "usage": {"prompt_audio_seconds": 203, "prompt_tokens": 4},
        "finish_reason": None,
    }

    answer = read_answer(reply(body, **{"x-request-id": "r-1"}))

    assert answer == Answer(
        text=" Hello there.",
        language="en",
        segments=(
            AnswerSegment(text=" Hello", start_ms=100, end_ms=1250, speaker="s1"),
            AnswerSegment(text=" there.", speaker="s2"),
        ),
        billed_s=203.0,
        model="voxtral-mini-2602",
        request_id="r-1",
    )


def test_silence_is_an_answer():
    """An empty text is valid and needs nothing beside it."""
    assert read_answer(reply({"text": ""})) == Answer(text="")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"usage": {"prompt_audio_seconds": 7}}, 7.0),
        ({"usage": {"type": "duration", "seconds": 7}}, 7.0),
        ({"duration": "7.5"}, 7.5),
        ({"usage": {"prompt_audio_seconds": None}, "duration": 3}, 3.0),
        ({"usage": {"prompt_audio_seconds": True}}, None),
        ({"usage": {"prompt_audio_seconds": -1}}, None),
        ({"usage": {"prompt_audio_seconds": 1e400}}, None),
        ({"usage": []}, None),
        ({"duration": "long"}, None),
    ],
)
def test_billed_seconds_are_found_where_servers_put_them(body, expected):
    """Each server's way to tell the duration is understood, and nonsense is nothing."""
    assert read_answer(reply({"text": "x", **body})).billed_s == expected


@pytest.mark.parametrize("segments", [None, "x", {}, [1], [{"text": 1}], [{"text": "a"}, None]])
def test_strange_segments_do_not_cost_the_text(segments):
    """A text that was paid for survives segments of an unknown shape."""
    assert read_answer(reply({"text": "x", "segments": segments})) == Answer(text="x")


def test_text_can_always_be_written():
    """Halves of surrogate pairs, which JSON can carry, become something a file can hold."""
    answer = read_answer(reply(b'{"text": "a\\ud800b \\ud83d\\ude00"}'))

    assert answer.text == "a\ufffdb \U0001f600"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"text": "hal', b"{}", b"[]", b'{"text": null}', b'{"text": 3}', b"[" * 200_000],
    ids=["nothing", "html", "cut", "empty", "list", "null", "number", "deep"],
)
def test_a_success_without_a_transcript_is_garbled(body):
    """HTML, cut JSON and wrong shapes under a success status are no transcript."""
    with pytest.raises(ApiGarbled) as caught:
        read_answer(reply(body, **{"content-type": "text/html"}))

    assert caught.value.status == 200
    assert "text/html" in caught.value.message


def test_a_garbled_answer_is_not_quoted():
    """What might have been said aloud does not get into an error message."""
    with pytest.raises(ApiGarbled) as caught:
        read_answer(reply(b'{"text": "my secret is'))

    assert "secret" not in caught.value.message


@given(value=json_values)
def test_any_json_is_read_or_garbled(value):
    """No JSON makes a reader fail in another way than its own."""
    for read in READERS:
        try:
            read(reply(value))
        except ApiGarbled:
            continue


@given(body=st.binary(max_size=100))
def test_any_bytes_are_read_or_garbled(body):
    """No body makes a reader fail in another way than its own."""
    for read in READERS:
        try:
            read(reply(body))
        except ApiGarbled:
            continue


@given(extra=json_values)
def test_a_text_is_found_whatever_stands_beside_it(extra):
    """Unknown values of the other fields never cost the text."""
    names = ("segments", "language", "usage", "duration", "model", "unknown")

    assert read_answer(reply({"text": "x", **dict.fromkeys(names, extra)})).text == "x"


def test_an_upload_has_an_id_and_perhaps_a_name():
    """The id is needed, the name is taken where it is told."""
    assert read_stored_file(reply({"id": "a-1", "filename": "x.mp3"})) == StoredFile(id="a-1", name="x.mp3")
    assert read_stored_file(reply({"id": "a-1"})) == StoredFile(id="a-1")


@pytest.mark.parametrize("remote_id", [None, 7, "", "../models", "a/b", "..", "a?b", "x" * 300])
def test_an_id_that_could_bend_an_address_is_garbled(remote_id):
    """An id becomes part of an address, so it has to be a plain word."""
    with pytest.raises(ApiGarbled):
        read_stored_file(reply({"id": remote_id}))


def test_a_signed_address_is_taken_as_it_is():
    """The address is handed on unchanged."""
    assert read_signed_address(reply({"url": "https://h/x?sig=a%2Fb"})) == "https://h/x?sig=a%2Fb"


@pytest.mark.parametrize(
    "address", [None, "", "ftp://h/x", "file:///etc/passwd", "https://h/ x", "https://h/" + "x" * 2100]
)
def test_an_address_the_service_would_refuse_is_garbled(address):
    """Only HTTP addresses of at most 2,083 characters can be transcribed."""
    with pytest.raises(ApiGarbled):
        read_signed_address(reply({"url": address}))


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (reply({"id": "a", "object": "file", "deleted": True}), True),
        (reply({"id": "a", "object": "file", "deleted": False}), False),
        (reply({}), False),
        (reply(b"", status=204), True),
        (reply({"detail": "Not Found"}, status=404), True),
        (reply({"deleted": True}, status=500), False),
    ],
)
def test_a_deletion_counts_when_it_is_certain(answered, expected):
    """Only a confirmation, or that there is no such file, means that the copy is gone."""
    assert is_deletion_confirmed(answered) is expected


def test_lists_skip_what_is_not_an_entry():
    """Entries without an id are left out of the list of files."""
    listed = read_files(reply({"data": [{"id": "a", "filename": "n"}, {"id": None}, 3], "object": "list"}))

    assert listed == (StoredFile(id="a", name="n"),)


def test_a_list_of_anything_keeps_what_has_fields():
    """Entries that are no objects are left out of a list."""
    assert read_list(reply({"data": [{"id": "m-1"}, 3, None]}), Errand.MODELS) == [{"id": "m-1"}]


def test_garbled_is_an_api_error():
    """Callers that handle the far side's errors handle this one."""
    assert issubclass(ApiGarbled, ApiError)
