"""The kinds of faults: each turns the true answer into what the client gets.

"Pays" below: the true answer was worked out, so the service would bill it although the client never saw it
whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

from tests.standin.answers import Answer, error_answer, json_answer

MakeAnswer = Callable[[], Answer]
Wait = Callable[[float | None], None]
"""Wait so many seconds, or until the script releases hanging calls; ends early when the server closes."""


class Reply(Protocol):
    """A fault."""

    @property
    def early(self) -> bool:
        """Whether it strikes as soon as the head of the request is read, before its body."""

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:
        """Give what goes over the wire; `answer` works out the true answer."""


@dataclass(frozen=True, slots=True)
class Status:
    """An error status, with Mistral's error body unless another is given.

    Attributes:
        retry_after: the Retry-After header, seconds or an HTTP date.
        early: answer without reading the request's body, then close the connection.
    """

    status: int
    retry_after: float | str | None = None
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    early: bool = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Answer with the status."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.body is not None:
            return json_answer(self.body, status=self.status, headers=headers)
        message, code = _MESSAGES.get(self.status, ("Something went wrong.", "1000"))
        return error_answer(self.status, message, kind="service_error", code=code, headers=headers)


_MESSAGES = {
    402: ("The spending limit of this workspace is reached.", "3601"),
    403: ("This key may not use this model.", "3602"),
    429: ("Service tier capacity exceeded for this model.", "3505"),
    500: ("Internal server error", "3000"),
    503: ("Service unavailable.", "3000"),
}


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing for so many seconds, or until released; then go on with the true answer, or with `then`."""

    seconds: float | None = None
    then: Reply | None = None
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:
        """Wait, then answer."""
        wait(self.seconds)
        return self.then.apply(answer, wait) if self.then is not None else answer()


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection after the request's `head`, its `body`, or when the `answer` is ready (pays)."""

    after: Literal["head", "body", "answer"] = "body"

    @property
    def early(self) -> bool:
        """Whether the body stays unread."""
        return self.after == "head"

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Send nothing."""
        if self.after == "answer":
            answer()
        return Answer(status=200, reset_after=0)


@dataclass(frozen=True, slots=True)
class ResetAfterBytes:
    """Send so many bytes of the true answer, head included, and reset the connection (pays)."""

    count: int = 200
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Cut the answer."""
        return replace(answer(), reset_after=self.count)


@dataclass(frozen=True, slots=True)
class ResetDuringBody:
    """Read so many bytes of the request's body and reset the connection."""

    count: int = 1000
    early: ClassVar[bool] = True

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Send nothing."""
        return Answer(status=200, reset_after=0)


@dataclass(frozen=True, slots=True)
class Html:
    """A page of some proxy, with a status that promises more."""

    status: int = 200
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Answer with a page."""
        page = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body>Checking.</body></html>"
        return Answer(status=self.status, body=page, content_type="text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class CutJson:
    """The first half of the true answer, announced as if it were all (pays)."""

    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Halve the body."""
        true = answer()
        return replace(true, body=true.body[: len(true.body) // 2])


@dataclass(frozen=True, slots=True)
class ShortBody:
    """Half of the true answer, announced whole, then a polite end of the connection (pays)."""

    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Cut on the wire."""
        return replace(answer(), cut_short=True)


@dataclass(frozen=True, slots=True)
class EmptyObject:
    """A success that says `{}`."""

    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Answer with nothing in it."""
        return json_answer({})


@dataclass(frozen=True, slots=True)
class SlowBody:
    """The true answer, in small pieces over so many seconds (pays)."""

    seconds: float = 1.0
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Spread the body."""
        return replace(answer(), spread_s=self.seconds)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The true answer after `change` had its way with the JSON value (pays): null times, no text."""

    change: Callable[[Any], Any]
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Change the body."""
        true = answer()
        return replace(true, body=json.dumps(self.change(json.loads(true.body))).encode())


@dataclass(frozen=True, slots=True)
class Hole:
    """The true answer without every segment that has one of these words, as if nobody spoke there (pays)."""

    words: Collection[str]
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:
        """Leave the segments out."""
        return Rewrite(lambda told: _told(told, self._kept)).apply(answer, wait)

    def _kept(self, segments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [segment for segment in segments if not set(segment["text"].split()) & set(self.words)]


@dataclass(frozen=True, slots=True)
class Loop:
    """The true answer with one phrase, many times, in the place of every segment with one of these words (pays)."""

    words: Collection[str]
    phrase: str = "babab dubad"
    times: int = 100
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:
        """Repeat the phrase."""
        return Rewrite(lambda told: _told(told, self._looped)).apply(answer, wait)

    def _looped(self, segments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = Hole(self.words)._kept(segments)
        lost = [segment for segment in segments if segment not in kept]
        if not lost:
            return kept
        loop = lost[0] | {"end": lost[-1]["end"], "text": f" {self.phrase}" * self.times}
        return sorted([*kept, loop], key=lambda segment: segment["start"])


def _told(told: dict[str, Any], change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> dict[str, Any]:
    """Change the segments of an answer that has some; its text is theirs."""
    if not told.get("segments"):
        return told
    segments = change(told["segments"])
    return told | {"segments": segments, "text": "".join(segment["text"] for segment in segments).strip()}


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect to another address."""

    location: str
    status: int = 307
    early: ClassVar[bool] = False

    def apply(self, answer: MakeAnswer, wait: Wait) -> Answer:  # noqa: ARG002
        """Point elsewhere."""
        return Answer(status=self.status, headers=(("Location", self.location),))


_KINDS: Mapping[str, Callable[..., Reply]] = {
    kind.__name__: kind
    for kind in (
        Status,
        Hang,
        Reset,
        ResetAfterBytes,
        ResetDuringBody,
        Html,
        CutJson,
        ShortBody,
        EmptyObject,
        SlowBody,
        Hole,
        Loop,
        Redirect,
    )
}


def fault_from(value: Mapping[str, Any]) -> Reply:
    """Build a fault from JSON, such as `{"kind": "Status", "status": 503}`."""
    arguments = {name: argument for name, argument in value.items() if name != "kind"}
    return _KINDS[value["kind"]](**arguments)
