"""How the work on one recording can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from voxtrald.errors import Reason
from voxtrald.marks import Mark
from voxtrald.transcript.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one run over a recording came to. Seconds are audio seconds billed in this run.

    Attributes:
        reused: how many of the chunks were paid for earlier.
        repairs: how many places were asked a second time and answered, beside the chunks.
    """

    duration_ms: int = 0
    chunks: int = 0
    reused: int = 0
    repairs: int = 0
    audio_s: float = 0.0
    cost: float | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A transcript is published under these paths.

    Attributes:
        missing: the spans without text that are marked in it; empty where it is complete.
    """

    outputs: tuple[str, ...]
    tally: Tally
    missing: tuple[Span, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether something is missing in it."""
        return bool(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The recording is at fault and was quarantined."""

    reason: Reason
    message: str
    hint: str
    outputs: tuple[str, ...]
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Something around us has to change first (no room, share gone); try again later, nothing is lost."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverBudget:
    """What is left of it would pass a limit on spending until then; what is paid is kept."""

    message: str
    hint: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file beside the recording cannot be used: it waits until one of these files is another one, or gone.

    Attributes:
        files: by their paths below the inbox, with what a change of each is noticed by.
    """

    message: str
    hint: str
    files: Mapping[PurePosixPath, Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A file beside the recording has it asked of another engine: it sets out anew, on the lane to that one.

    Attributes:
        engine: the name of the choice, or empty for the one that the administrator's settings give it.
    """

    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The file changed, moved or vanished under us; if it is still there it starts over."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Stop was asked for; the job waits for the next start."""


Outcome = Done | Failed | Deferred | OverBudget | Held | Elsewhere | Changed | Interrupted
