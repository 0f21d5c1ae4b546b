"""From an HTTP answer that is not a success to the error that decides what happens. Pure.

Statuses and shapes of bodies: Mistral's error glossary and known limitations (docs.mistral.ai), and captured
answers; `message` is a string or an object, `detail` a string or a list, and compatible servers say `error`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from voxtrald.engines.http.replies import Errand, Reply, parse_json
from voxtrald.errors import ApiBusy, ApiDenied, ApiError, ApiNotYet, ApiRefused, ApiUnreachable
from voxtrald.redacting import excerpt

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_NOT_FOUND, _CONFLICT, _TOO_LARGE = 404, 409, 413
_LESS_AT_ONCE = "; chunks.max_minutes makes requests smaller"
_BUSY = frozenset({408, 409, 425, 429})
_DENIED: Mapping[int, str] = {
    401: "the API key is not accepted",
    402: "the account must be paid",
    403: "the API key may not do this",
}
# Errors of an address, not of a recording: each file would meet them, so none must be blamed.
_WRONG_ADDRESS = frozenset({404, 405, 407, 410})
_PASSING = frozenset({Errand.SIGN, Errand.TRANSCRIBE})  # here 404 means: the upload is not visible yet

_CODE_BAD_INPUT, _CODE_BAD_MODEL = "3310", "1500"
_NOT_FETCHED = re.compile(
    r"could not be (fetched|downloaded|retrieved|accessed)|failed to (fetch|download)", re.IGNORECASE
)
_BAD_MODEL = re.compile(
    r"\binvalid model\b|\bunknown model\b|\bmodel\b.*\b(not found|not allowed|not installed|does not exist)\b",
    re.IGNORECASE,
)
_ANY_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)

# In the order in which they are suspected: a complaint may also mention what the parameter needs or excludes.
OPTIONAL_PARAMETERS = (
    *("speaker_references", "return_language"),
    *("context_bias", "language", "timestamp_granularities", "diarize"),
    *("response_format", "prompt", "hotwords"),  # of OpenAI's interface
)
_MENTIONS: Mapping[str, re.Pattern[str]] = {
    "speaker_references": re.compile(r"speaker[ _]reference", re.IGNORECASE),
    "return_language": re.compile(r"return[ _]language", re.IGNORECASE),
    "context_bias": re.compile(r"context[ _]bias", re.IGNORECASE),
    "timestamp_granularities": re.compile(r"timestamp[ _]granularit", re.IGNORECASE),
    "diarize": re.compile(r"\bdiari[sz]", re.IGNORECASE),
    "language": re.compile(r"\blanguage\b", re.IGNORECASE),
    "response_format": re.compile(r"response[ _]format|\b(verbose|diarized)_json\b", re.IGNORECASE),
    "prompt": re.compile(r"\bprompt\b", re.IGNORECASE),
    "hotwords": re.compile(r"\bhotwords?\b", re.IGNORECASE),
}

LONGEST_RETRY_AFTER_S = 3600.0  # a server that asks for a day is looked at again every hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What an error body says, whatever its shape. `parameters` are the request fields it points at."""

    text: str = ""
    code: str = ""
    parameters: tuple[str, ...] = ()


def read_error(reply: Reply, errand: Errand, *, secrets: Iterable[str] = ()) -> ApiError:
    """Read a reply that is not a success as the error it means; `secrets` never appear in its message."""
    complaint = read_complaint(reply.body)
    said = excerpt(complaint.text, secrets=secrets)
    message = f"the {errand.value} request was answered with {reply.status}" + (f": {said}" if said else "")
    return _classify(reply, errand, complaint)(message)


def _classify(reply: Reply, errand: Errand, complaint: Complaint) -> Callable[[str], ApiError]:
    """Choose the class of the error; the result only wants the message."""
    status = reply.status
    if _is_bad_model(status, complaint):
        # A wrong name in the configuration would quarantine every recording if it counted as a refusal.
        return lambda message: ApiDenied(message, status=status, hint="engine.model is not offered there")
    if status in _DENIED:
        return lambda message: ApiDenied(message, status=status, hint=_DENIED[status])
    if status in _BUSY or status >= _SERVER_ERROR:
        wished_s = parse_retry_after(reply.headers)
        return lambda message: ApiBusy(message, status=status, retry_after_s=wished_s)
    if status < _CLIENT_ERROR:
        hint = "engine.base_url should be the address this redirects to"
        return lambda message: ApiUnreachable(message, status=status, hint=hint)
    return _classify_client_error(status, errand, complaint)


def _classify_client_error(status: int, errand: Errand, complaint: Complaint) -> Callable[[str], ApiError]:
    if _is_not_yet(status, errand, complaint):
        return lambda message: ApiNotYet(message, status=status)
    if status in _WRONG_ADDRESS:
        return lambda message: ApiDenied(message, status=status, hint="is engine.base_url right?")
    parameter = named_parameter(complaint)
    advice = _LESS_AT_ONCE if status == _TOO_LARGE else ""
    return lambda message: ApiRefused(message + advice, status=status, parameter=parameter)


def _is_bad_model(status: int, complaint: Complaint) -> bool:
    """Tell whether the model's name is at fault. A file is not found or in conflict as well, but not "a model"."""
    if status in {_NOT_FOUND, _CONFLICT}:
        return _ANY_MODEL.search(complaint.text) is not None
    if not _CLIENT_ERROR <= status < _SERVER_ERROR or status in _BUSY:
        return False
    return complaint.code == _CODE_BAD_MODEL or _BAD_MODEL.search(complaint.text) is not None


def _is_not_yet(status: int, errand: Errand, complaint: Complaint) -> bool:
    if errand not in _PASSING:
        return False
    return status == _NOT_FOUND or _NOT_FETCHED.search(complaint.text) is not None


def named_parameter(complaint: Complaint) -> str | None:
    """Find the optional parameter the complaint is about: one it points at before one it mentions."""
    if complaint.code == _CODE_BAD_INPUT:
        return None
    pointed = [name for name in OPTIONAL_PARAMETERS if name in complaint.parameters]
    mentioned = [name for name in OPTIONAL_PARAMETERS if _MENTIONS[name].search(complaint.text)]
    return next(iter(pointed + mentioned), None)


# --- the body ------------------------------------------------------------------------------------------


def read_complaint(body: bytes) -> Complaint:
    """Read an error body of any known shape; anything else (HTML, nothing, cut JSON) says nothing.

    Only messages and field names are taken, not the `input` that validation errors repeat.
    """
    parsed = parse_json(body)
    findings = tuple(_findings(parsed))
    return Complaint(
        text="; ".join(dict.fromkeys(text for text, _ in findings if text)),
        code=_code(parsed),
        parameters=tuple(name for _, names in findings for name in names),
    )


def _findings(value: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Walk the shapes: each finding is a text and the field names it points at."""
    if isinstance(value, str):
        yield value, ()
    elif isinstance(value, list):
        for entry in value[:20]:
            yield from _findings(entry)
    elif isinstance(value, dict):
        names = (*_names(value.get("loc")), *_names(value.get("param")))
        if names:
            yield "", names
        for key in ("msg", "message", "detail", "error"):
            yield from _findings(value.get(key))


def _names(value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    return tuple(entry.removesuffix("[]") for entry in entries if isinstance(entry, str))


def _code(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    code = value.get("code")
    return str(code) if isinstance(code, str | int) else _code(value.get("error"))


# --- how long to wait ----------------------------------------------------------------------------------


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the server wants us to wait, at most an hour; None where it says nothing.

    `retry-after-ms` is finer than `Retry-After` and wins. A date is measured against the answer's own `Date`
    (RFC 9110, section 10.2.3), so that a wrong clock on either side does no harm.
    """
    milliseconds = _parse_number(headers.get("retry-after-ms", ""))
    wish = headers.get("retry-after", "")
    seconds = _parse_number(wish) if milliseconds is None else milliseconds / 1000
    if seconds is None:
        seconds = _seconds_between(headers.get("date", ""), wish)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_between(start: str, end: str) -> float | None:
    started_at, ended_at = _parse_date(start), _parse_date(end)
    if started_at is None or ended_at is None:
        return None
    return (ended_at - started_at).total_seconds()


def _parse_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else None
