"""The chunks of a job in the ledger: how far each is, and how often it was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voxtrald.store.ledger_tables import Tables, instant_text, read_instant, storable
from voxtrald.transcript.model import Span


class ChunkState(StrEnum):
    """How far a chunk is."""

    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkAttempt:
    """How often a chunk was tried without success, the last error's slug, and when to try again."""

    attempts: int
    error: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneChunk:
    """A chunk that has its answer, and since when."""

    span: Span
    reused: bool
    done_at: datetime


class ChunkTable(Tables):
    """One row per chunk, one per chunk that had to be tried again."""

    def note_chunk(
        self,
        job_id: str,
        index: int,
        *,
        span: Span,
        state: ChunkState,
        reused: bool = False,
        billed_s: float | None = None,
    ) -> None:
        """Write down how far a chunk is. A power cut may undo it: its answer is kept elsewhere."""
        done_at = self._now_text() if state is ChunkState.DONE else None
        self._database.write(
            "INSERT OR REPLACE INTO chunk (job_id, position, start_ms, end_ms, state, reused, billed_s, done_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (job_id, index, span.start_ms, span.end_ms, state, int(reused), billed_s, done_at),
            at_once=False,
        )

    def done_chunks(self, job_id: str) -> tuple[DoneChunk, ...]:
        """List a job's chunks that have their answer, in the order in which they got it."""
        rows = self._database.read(
            "SELECT start_ms, end_ms, reused, done_at FROM chunk WHERE job_id = ? AND state = 'done'"
            " AND done_at IS NOT NULL ORDER BY done_at, position",
            (job_id,),
        )
        return tuple(
            DoneChunk(
                span=Span(start_ms=row["start_ms"], end_ms=row["end_ms"]),
                reused=bool(row["reused"]),
                done_at=datetime.fromisoformat(row["done_at"]),
            )
            for row in rows
        )

    def note_attempt(self, job_id: str, key: str, *, attempts: int, error: str, next_at: datetime | None) -> None:
        """Write down how often the chunk with this key was tried, so that a restart goes on counting."""
        self._database.write(
            "INSERT OR REPLACE INTO attempt (job_id, key, attempts, error, next_at) VALUES (?, ?, ?, ?, ?)",
            (job_id, key, attempts, storable(error), instant_text(next_at)),
        )

    def attempts_of(self, job_id: str) -> Mapping[str, ChunkAttempt]:
        """Look up a job's attempts by the chunks' keys."""
        rows = self._database.read("SELECT * FROM attempt WHERE job_id = ?", (job_id,))
        return {
            row["key"]: ChunkAttempt(attempts=row["attempts"], error=row["error"], next_at=read_instant(row["next_at"]))
            for row in rows
        }
