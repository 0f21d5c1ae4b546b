"""What an operator may want to be told, as values, and how it reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voxtrald.naming import shown
from voxtrald.transcript.model import Span

_NAMED_IN_DIGEST = 10


class Event(StrEnum):
    """What can happen; the names are those of `notify.on`, and of what interests those who want done or failed."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    HELD = "held"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event.

    Attributes:
        recording: path below the inbox; empty where all work is meant.
        service: which far side, for held and resumed.
        reason: a sentence, or the slug of a failure.
        path: of the result, or of the error report; empty for held and resumed.
        outputs: paths of all files that were left.
        missing: the spans of the recording without text, where it is partial.
        duration_s: of the recording, where it is known.
        cost: what this run was billed, where a price is known.
    """

    event: Event
    recording: str = ""
    service: str = ""
    reason: str = ""
    error: str = ""
    hint: str = ""
    path: str = ""
    outputs: tuple[str, ...] = ()
    missing: tuple[Span, ...] = ()
    duration_s: float = 0.0
    cost: float | None = None
    currency: str = ""

    @property
    def error_in_brief(self) -> str:
        """Say in a word or two what is wrong with the recording; empty where nothing is."""
        return self.error if self.event is Event.PARTIAL else self.reason

    def as_json(self) -> dict[str, Any]:
        """Give what a script reads on its standard input."""
        return {
            "event": self.event.value,
            "recording": self.recording,
            "service": self.service,
            "reason": self.reason,
            "error": self.error,
            "hint": self.hint,
            "path": self.path,
            "outputs": list(self.outputs),
            "missing": [[span.start_ms / 1000, span.end_ms / 1000] for span in self.missing],
            "duration_s": self.duration_s,
            "cost": self.cost,
            "currency": self.currency,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent to people."""

    event: Event
    title: str
    body: str


def message_about(happening: Happening, *, template: str | None) -> Message:
    """Put one event into words: those of the template, or ours."""
    body = template.format_map(_parts(happening)) if template else _sentence(happening)
    return Message(event=happening.event, title=_title(happening), body=body)


def digest_of(event: Event, first: Sequence[Happening], *, count: int) -> Message:
    """Put many equal events about recordings into one message; `first` are those that may be named."""
    named = first[:_NAMED_IN_DIGEST]
    lines = [": ".join(filter(None, (shown(each.recording), each.error_in_brief))) for each in named]
    if count > len(named):
        lines.append(f"and {count - len(named)} more")
    return Message(event=event, title=f"voxtrald: {count} recordings {event}", body="\n".join(lines))


def _title(happening: Happening) -> str:
    match happening.event:
        case Event.HELD:
            return f"voxtrald: work {_for(happening.service)}is held"
        case Event.RESUMED:
            return f"voxtrald: work {_for(happening.service)}goes on"
    return f"voxtrald: {shown(happening.recording)} {happening.event}"


def _for(service: str) -> str:
    return f"for {shown(service)} " if service else ""


def _sentence(happening: Happening) -> str:
    parts = _parts(happening)
    match happening.event:
        case Event.DONE:
            figures = ", ".join(filter(None, (parts["duration"], parts["cost"])))
            return f"{parts['recording']} is transcribed ({figures}).\n{parts['outputs']}".rstrip()
        case Event.PARTIAL:
            lines = (
                f"{parts['recording']} is transcribed, but not all of it: {shown(happening.error)}.",
                parts["outputs"],
            )
        case Event.FAILED:
            lines = (f"{parts['recording']} could not be transcribed: {parts['reason']}.", shown(happening.error))
        case Event.HELD:
            lines = (f"{parts['reason']}", "Nothing is lost and no file is moved.")
        case Event.RESUMED:
            lines = ("What held the work is over.", "")
    return "\n".join(filter(None, (*lines, parts["hint"])))


def _parts(happening: Happening) -> dict[str, str]:
    cost = "" if happening.cost is None else f"{happening.cost:.4f} {happening.currency}"
    return {
        "event": happening.event.value,
        "recording": shown(happening.recording),
        "reason": shown(happening.reason),
        "hint": shown(happening.hint),
        "outputs": ", ".join(shown(output) for output in happening.outputs),
        "duration": clock_time(happening.duration_s),
        "cost": cost,
    }


def clock_time(seconds: float) -> str:
    """Write a length as people read it, such as 1:02:03 or 4:05."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
