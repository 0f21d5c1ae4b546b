"""What came back over HTTP, as a value, and the first step of reading it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from voxtrald.errors import ApiGarbled
from voxtrald.redacting import excerpt

_OK, _MULTIPLE_CHOICES = 200, 300
_LONGEST_ID = 100


class Errand(Enum):
    """What was asked for; the same status means different things on different errands."""

    UPLOAD = "upload"
    SIGN = "signed address"
    TRANSCRIBE = "transcription"
    TRANSCRIBE_FILE = "file transcription"
    DELETE = "deletion"
    LIST = "list of files"
    MODELS = "list of models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer with its whole body; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def succeeded(self) -> bool:
        """Whether the status is one of success."""
        return _OK <= self.status < _MULTIPLE_CHOICES

    @property
    def request_id(self) -> str | None:
        """The service's own name for the request, to quote to its support."""
        named = self.headers.get("x-request-id") or self.headers.get("mistral-correlation-id")
        return named[:_LONGEST_ID] if named and named.isprintable() else None


def parse_json(body: bytes) -> object:
    """Parse JSON, or give None: callers look at the shape, and null is never a shape they want."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):  # RecursionError: a body of opening brackets
        return None
    return parsed


def read_object(reply: Reply, errand: Errand) -> Mapping[str, object]:
    """Read a successful reply as a JSON object.

    Raises:
        ApiGarbled: where it is something else. The message tells the kind of body and never its text, which
            might be what somebody said.
    """
    parsed = parse_json(reply.body)
    if isinstance(parsed, dict):
        return parsed
    raise garbled(reply, errand, "is not a JSON object")


def garbled(reply: Reply, errand: Errand, complaint: str) -> ApiGarbled:
    """Build the error for a success status whose body is not what was asked for."""
    kind = excerpt(reply.headers.get("content-type", "no content type"))
    return ApiGarbled(
        f"the answer to the {errand.value} request {complaint} ({kind}, {len(reply.body)} bytes)",
        status=reply.status,
    )


def repair_text(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can carry and no file in UTF-8 can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
