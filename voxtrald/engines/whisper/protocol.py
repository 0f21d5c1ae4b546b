"""What the daemon and its recogniser say to each other: one JSON object per line, in either direction.

The recogniser first reads one `Opening`, then `Request`s. It says `Loaded` once, or `Unusable` and ends; each request
ends with one `Answered` or `Failed`, in any order, and `Progress` in between is a sign of life.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError


class Fault(StrEnum):
    """Why the recogniser cannot do what it was asked for."""

    NO_LIBRARY = "no_library"
    NO_MODEL = "no_model"
    UNKNOWN_MODEL = "unknown_model"
    NOT_FETCHED = "not_fetched"
    BROKEN_MODEL = "broken_model"
    NO_MEMORY = "no_memory"
    LANGUAGE = "language"
    UNDECODABLE = "undecodable"
    FAILED = "failed"


class Unintelligible(Exception):
    """A line that is none of the messages."""


# --- to the recogniser ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Which model to load, and how.

    Attributes:
        model: a folder as `pack_path` gives it, or a name that faster-whisper knows.
        may_fetch: whether a named model that is not on this machine may be downloaded.
        workers: how many requests run at once.
        threads: how many threads each of them computes with.
    """

    says: Literal["opening"] = "opening"
    model: str
    is_folder: bool
    may_fetch: bool
    workers: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One file to listen to.

    Attributes:
        path: the file, as `pack_path` gives it.
        language: a code that Whisper knows, or None to find out.
        vocabulary: words it should know how to spell.
    """

    says: Literal["request"] = "request"
    id: int
    path: str
    language: str | None = None
    timestamps: Literal["segment", "word", "none"] = "segment"
    vocabulary: tuple[str, ...] = ()


# --- from the recogniser ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The model is in memory.

    Attributes:
        library: faster-whisper's version.
        languages: codes the model knows.
    """

    says: Literal["loaded"] = "loaded"
    library: str
    device: str
    compute_type: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """There is no model to work with; the program ends."""

    says: Literal["unusable"] = "unusable"
    fault: Fault
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A request has been heard up to `at_ms`."""

    says: Literal["progress"] = "progress"
    id: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A request's text; `segments` are (start_ms, end_ms, text) from the file's start."""

    says: Literal["answered"] = "answered"
    id: int
    text: str
    language: str | None = None
    segments: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A request that has no answer. The message never holds spoken text."""

    says: Literal["failed"] = "failed"
    id: int
    fault: Fault
    message: str


Order = Opening | Request
Report = Loaded | Unusable | Progress | Answered | Failed


def pack(message: Order | Report) -> bytes:
    """Write a message as a line. Broken code points are escaped, so that any text can be said."""
    return json.dumps(asdict(message)).encode("ascii") + b"\n"


def read_order(line: bytes) -> Order:
    """Read a line said to the recogniser.

    Raises:
        Unintelligible: it is none.
    """
    try:
        return _orders().validate_python(json.loads(line), strict=False)
    except (ValueError, ValidationError) as error:
        raise Unintelligible("an order that cannot be read") from error


def read_report(line: bytes) -> Report:
    """Read a line said by the recogniser.

    Raises:
        Unintelligible: it is none.
    """
    try:
        return _reports().validate_python(json.loads(line), strict=False)
    except (ValueError, ValidationError) as error:
        raise Unintelligible("a report that cannot be read") from error


@cache
def _orders() -> TypeAdapter[Order]:
    return TypeAdapter(Annotated[Order, Field(discriminator="says")])


@cache
def _reports() -> TypeAdapter[Report]:
    return TypeAdapter(Annotated[Report, Field(discriminator="says")])


def pack_path(path: bytes) -> str:
    """Write a path, which may be no UTF-8, as text that JSON can carry."""
    return path.decode("latin-1")


def unpack_path(text: str) -> bytes:
    """Read what `pack_path` wrote."""
    return text.encode("latin-1")
