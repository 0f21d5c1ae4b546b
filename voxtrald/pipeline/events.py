"""What preparing and sending tell the worker that carries a recording."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrald.audio.prepare import PreparedChunk
from voxtrald.dispatch.spending import Hold
from voxtrald.dispatch.threads import Broken
from voxtrald.errors import ApiError
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The whole plan is known: these spans, in order, over this exact duration, without the silences skipped."""

    spans: tuple[Span, ...]
    duration_ms: int
    skipped: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A chunk is prepared and may be sent."""

    index: int
    chunk: PreparedChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A chunk's answer was already paid for."""

    index: int
    span: Span
    kept: KeptAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmade:
    """A chunk could not be made, and its recording is complete without it."""

    index: int
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Every chunk that has to be sent is prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An attempt was answered and the answer is kept; `audio_s` and `cost` are what it was billed at.

    Attributes:
        reused: it was not asked for: an equal recording had just got it.
    """

    index: int
    kept: KeptAnswer
    audio_s: float
    cost: float | None
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """No attempt was made; ask again soon.

    An equal recording is asking for the same answer, or requests under way may cost all that may still be spent.
    """

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unaffordable:
    """No attempt was made: it would pass a limit on spending."""

    index: int
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt failed at this monotonic time."""

    index: int
    error: ApiError
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """An attempt ended without leaving, or in an error that is not the far side's."""

    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """Stop was asked for."""


Attempt = Answered | Occupied | Unaffordable | AttemptFailed
Event = Planned | Ready | Reused | Unmade | Prepared | Attempt | Undone | StopAsked | Broken
