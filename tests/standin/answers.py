"""What goes back over the wire, and the error bodies the real service was seen to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, with the tricks a bad network can play on it.

    Attributes:
        reset_after: reset the connection after so many bytes of the whole answer; 0 sends nothing at all.
        cut_short: announce the whole body, send half of it and hang up politely.
        spread_s: send the body in small pieces over so many seconds.
        hang_up: close the connection afterwards.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    reset_after: int | None = None
    cut_short: bool = False
    spread_s: float = 0.0
    hang_up: bool = False


def json_answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a JSON body."""
    return Answer(status=status, body=json.dumps(value).encode(), headers=tuple((headers or {}).items()))


def error_answer(
    status: int,
    message: object,
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer with Mistral's own error shape."""
    body = {
        "object": "error",
        "message": message,
        "type": kind,
        "param": None,
        "code": code,
        "raw_status_code": status,
    }
    return json_answer(body, status=status, headers=headers)


def unauthorized() -> Answer:
    """The key is wrong or missing."""
    return json_answer({"detail": "Invalid API Key"}, status=401)


def not_found() -> Answer:
    """There is no such thing, or not yet."""
    return json_answer({"detail": "Not Found"}, status=404)


def undecodable() -> Answer:
    """The audio is not audio."""
    return error_answer(400, "Audio input could not be decoded. ", kind="invalid_request_file", code="3310")


def not_fetchable(url: str) -> Answer:
    """The address leads to no file. The real service repeats the address, secret part and all."""
    message = f"File could not be fetched from url '{url}'"
    return error_answer(400, message, kind="invalid_request_file", code="3310")


def invalid_model(name: str) -> Answer:
    """The model does not exist, is retired or cannot transcribe."""
    return error_answer(400, f"Invalid model: {name}", kind="invalid_model", code="1500")


def validation(message: str, *, kind: str = "value_error", loc: tuple[str | int, ...] = ()) -> dict[str, object]:
    """A validation problem: the whole body (files), or the message of an error (transcriptions)."""
    return {"detail": [{"type": kind, "loc": list(loc), "msg": message}]}
