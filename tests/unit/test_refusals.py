"""What error answers of the service mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.engines.http.refusals import OPTIONAL_PARAMETERS, parse_retry_after, read_error
from voxtrald.engines.http.replies import Errand, Reply
from voxtrald.errors import ApiBusy, ApiDenied, ApiError, ApiNotYet, ApiRefused, ApiUnreachable

SIGNED = "https://store.blob.core.windows.net/f/a?sv=1&sig=aB3%2Fx9Q"


def reply(status, body=b"", **headers):
    """A reply with a JSON body, or with the given bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers=headers, body=raw)


def refusal(message, code, **more):
    """An error body as the service was seen to send it."""
    return {"object": "error", "message": message, "type": "x", "param": None, "code": code, **more}


NOT_DECODED = refusal("Audio input could not be decoded. ", "3310")
NOT_FETCHED = refusal(f"File could not be fetched from url '{SIGNED}'", "3310")
BAD_MODEL = refusal("Invalid model: voxtral-small-latest", "1500")
NEEDS_SEGMENT = {
    "object": "error",
    "message": {
        "detail": [
            {
                "type": "value_error",
                "loc": ["body"],
                "msg": "Value error, When diarize is set to True and streaming is disabled, the timestamp "
                "granularity must be set to ['segment'], got []",
            }
        ]
    },
    "raw_status_code": 422,
}


@pytest.mark.parametrize(
    ("answered", "errand", "expected"),
    [
        (reply(401, {"detail": "Invalid API Key"}), Errand.TRANSCRIBE, ApiDenied),
        (reply(402), Errand.UPLOAD, ApiDenied),
        (reply(403, b"<html>no</html>"), Errand.LIST, ApiDenied),
        (reply(400, BAD_MODEL), Errand.TRANSCRIBE, ApiDenied),
        (reply(404, {"detail": "Not Found"}), Errand.TRANSCRIBE, ApiNotYet),
        (reply(404, {"detail": "Not Found"}), Errand.SIGN, ApiNotYet),
        (reply(404, {"detail": "Not Found"}), Errand.UPLOAD, ApiDenied),
        (reply(405), Errand.TRANSCRIBE, ApiDenied),
        (reply(400, NOT_FETCHED), Errand.TRANSCRIBE, ApiNotYet),
        (reply(400, NOT_DECODED), Errand.TRANSCRIBE, ApiRefused),
        (reply(413, b"<html>too large</html>"), Errand.UPLOAD, ApiRefused),
        (reply(415), Errand.UPLOAD, ApiRefused),
        (reply(422, NEEDS_SEGMENT), Errand.TRANSCRIBE, ApiRefused),
        (reply(422, {"detail": [{"loc": ["body", "file"], "msg": "bad"}]}), Errand.UPLOAD, ApiRefused),
        (reply(408), Errand.TRANSCRIBE, ApiBusy),
        (reply(409), Errand.UPLOAD, ApiBusy),
        (reply(425), Errand.UPLOAD, ApiBusy),
        (reply(429, refusal("Service tier capacity exceeded", "3505")), Errand.TRANSCRIBE, ApiBusy),
        (reply(500, refusal("Internal", "1000")), Errand.TRANSCRIBE, ApiBusy),
        (reply(502, b"<html>Bad gateway</html>"), Errand.TRANSCRIBE, ApiBusy),
        (reply(503), Errand.UPLOAD, ApiBusy),
        (reply(504), Errand.TRANSCRIBE, ApiBusy),
        (reply(520), Errand.TRANSCRIBE, ApiBusy),
        (reply(302, location="https://login.example/"), Errand.UPLOAD, ApiUnreachable),
    ],
)
def test_each_answer_has_its_meaning(answered, errand, expected):
    """Status, body and errand decide the class of the error, which keeps the status."""
    error = read_error(answered, errand)

    assert type(error) is expected
    assert error.status == answered.status


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"detail": "too odd"}, "too odd"),
        ({"message": "too odd"}, "too odd"),
        ({"message": {"detail": [{"type": "t", "loc": ["body"], "msg": "too odd"}]}}, "too odd"),
        ({"detail": [{"msg": "too"}, {"msg": "odd"}]}, "too; odd"),
        ({"error": {"message": "too odd", "code": 7}}, "too odd"),
        ({"error": "too odd"}, "too odd"),
        (b"<html>a page</html>", ""),
        (b'{"message": "cut', ""),
    ],
)
def test_every_shape_of_error_body_is_read(body, expected):
    """The service's sentence is found in each shape; a page is not quoted."""
    tail = f": {expected}" if expected else ""

    assert read_error(reply(422, body), Errand.TRANSCRIBE).message == (
        f"the transcription request was answered with 422{tail}"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (refusal("no", "1", param="language"), "language"),
        ({"detail": [{"loc": ["body", "language"], "msg": "no"}]}, "language"),
        (
            {"detail": [{"loc": ["body", "timestamp_granularities", 0], "msg": "no"}]},
            "timestamp_granularities",
        ),
        ({"detail": [{"loc": ["body", "context_bias[]"], "msg": "no"}]}, "context_bias"),
        (refusal("context_bias takes at most 100 entries", "1"), "context_bias"),
        (refusal("The language and timestamp_granularities options ...", "1", param="language"), "language"),
        (refusal("Diarization is not available for this model", "1"), "diarize"),
        (NEEDS_SEGMENT, "timestamp_granularities"),
        (refusal("return_language cannot be combined with language", "1"), "return_language"),
        (refusal("speaker_references need diarize to be true", "1"), "speaker_references"),
        (refusal("At most 8 speaker references are supported, got 9", "1"), "speaker_references"),
        (NOT_DECODED, None),
        (refusal("unknown language in audio input", "3310"), None),
        (refusal("file is too long", "1"), None),
        (refusal("no", "1", param="file"), None),
    ],
)
def test_a_refused_parameter_is_recognised(body, expected):
    """An optional parameter that the answer points at or mentions is named in the error."""
    assert read_error(reply(422, body), Errand.TRANSCRIBE).parameter == expected


def test_a_signed_address_does_not_get_into_the_message():
    """The service repeats the signed address; we do not."""
    message = read_error(reply(400, NOT_FETCHED), Errand.TRANSCRIBE).message

    assert "could not be fetched" in message
    assert "sig=" not in message


def test_the_key_does_not_get_into_the_message():
    """A key the service repeats is taken out, even if it looks like a word."""
    error = read_error(reply(401, {"detail": "bad correcthorse"}), Errand.MODELS, secrets=["correcthorse"])

    assert "correcthorse" not in error.message


def test_what_was_sent_is_not_repeated():
    """The `input` of a validation error, which repeats the request, is left out."""
    body = {"detail": [{"loc": ["body", "x"], "msg": "odd", "input": "private words"}]}

    assert "private" not in read_error(reply(422, body), Errand.TRANSCRIBE).message


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "86400"}, 3600.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"date": "Mon, 23 Nov 2026 10:00:00 GMT", "retry-after": "Mon, 23 Nov 2026 10:01:30 GMT"}, 90.0),
        ({"date": "Mon, 23 Nov 2026 10:00:00 GMT", "retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 23 Nov 2026 10:01:30 GMT"}, None),
        ({"date": "x", "retry-after": "Mon, 99 Nov 2026 10:01:30 GMT"}, None),
    ],
)
def test_a_wish_to_wait_is_read(headers, expected):
    """Seconds, milliseconds and dates are understood, nonsense is ignored, and an hour is the most."""
    assert parse_retry_after(headers) == expected


def test_a_wish_to_wait_reaches_the_error():
    """A busy server's Retry-After is in the error."""
    assert read_error(reply(429, **{"retry-after": "7"}), Errand.TRANSCRIBE).retry_after_s == 7.0


@given(
    status=st.integers(300, 599),
    errand=st.sampled_from(Errand),
    body=st.binary(max_size=80) | st.sampled_from([b"{}", b'{"detail": [[[]]]}', b'{"message": {"detail": 3}}']),
    wish=st.text(max_size=40),
)
def test_every_error_answer_is_read(status, errand, body, wish):
    """No status, body or header makes reading fail, and only refusals name parameters."""
    error = read_error(reply(status, body, **{"retry-after": wish, "date": wish}), errand)

    assert isinstance(error, ApiError)
    assert getattr(error, "parameter", None) in {None, *OPTIONAL_PARAMETERS}
