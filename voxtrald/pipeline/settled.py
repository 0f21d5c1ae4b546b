"""How a recording's chunks ended: what gathering gives and assembling reads."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrald.errors import ApiError, RecordingError
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.model import RemoteFile, Span


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
class Gathered:
    """Every chunk of a recording, in order; `error` says why some have no answer, where that is so."""

    chunks: tuple[Settled, ...]
    duration_ms: int
    error: RecordingError | None = None
