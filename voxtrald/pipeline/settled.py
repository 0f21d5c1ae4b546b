"""How a recording's chunks ended: what gathering gives and assembling reads."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrald.errors import ApiError, RecordingError
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.document import Inspection
from voxtrald.transcript.model import RemoteFile, Span, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One chunk's end: its answer, or the error that ended it."""

    span: Span
    kept: KeptAnswer | None = None
    error: ApiError | None = None
    reused: bool = False
    attempts: int = 0
    audio_s: float = 0.0
    cost: float | None = None
    remote_files: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A recording's text after its inspection, with what that found, and what was asked again for it."""

    transcript: Transcript
    inspection: Inspection
    asked: tuple[Settled, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Every chunk of a recording, in order; `error` says why some have no answer, where that is so.

    `skipped` are long silences, which are in no chunk. `mended` is None where the text was not inspected.
    """

    chunks: tuple[Settled, ...]
    duration_ms: int
    error: RecordingError | None = None
    skipped: tuple[Span, ...] = ()
    mended: Mended | None = None

    @property
    def all(self) -> tuple[Settled, ...]:
        """The chunks, and behind them what was asked again."""
        return (*self.chunks, *(self.mended.asked if self.mended else ()))
