"""How far a recording is, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrald.store.ledger_chunks import ChunkState


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkProgress:
    """One chunk's new state; `total` is None until the whole plan is known.

    Attributes:
        note: why it waits, where it does (an error's slug).
    """

    job: str
    recording: str
    index: int
    total: int | None
    state: ChunkState
    length_ms: int
    reused: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllPrepared:
    """Nothing of this recording is left to prepare: from here on it only waits for answers."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One request to a far side ended.

    Attributes:
        took_s: from its turn to its end, the upload and the wait for a free connection included.
        error: the slug of why it failed, or empty.
    """

    job: str
    service: str
    took_s: float
    error: str = ""


Progress = ChunkProgress | AllPrepared | Attempted
