"""What a worker is given: one claimed recording, its settings, and the tools of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.clock import Clock
from voxtrald.config import RecordingSettings
from voxtrald.dispatch.gate import Gate
from voxtrald.dispatch.senders import Senders
from voxtrald.engines.base import Engine
from voxtrald.pipeline.asking import Asking
from voxtrald.pipeline.progress import Progress
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop
from voxtrald.store.jobs import Job
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results
from voxtrald.transcript.planning import ChunkLimits


class Destination(Protocol):
    """Where a recording's results go: the outbox and the error folder, or beside the file."""

    def publish(self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings) -> tuple[str, ...]:
        """Publish a complete result, let the source follow, end the job; give the names."""

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """Set a failed recording aside with its report and end the job; give the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The house's tools, shared by all workers."""

    ffmpeg: Ffmpeg
    results: Results
    ledger: Ledger
    senders: Senders
    gate: Gate
    clock: Clock
    stop: Stop
    jitter: Callable[[], float]
    cores: int
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One claimed recording.

    Attributes:
        path: where the file lies.
        work: a private folder for its chunks, removed afterwards.
        tell: hears of progress; must not block.
    """

    job: Job
    path: Path
    settings: RecordingSettings
    engine: Engine
    work: Path
    destination: Destination
    tell: Callable[[Progress], None]

    @property
    def limits(self) -> ChunkLimits:
        """How long chunks may be: what the settings say, within what the engine takes."""
        chunks = self.settings.chunks
        max_ms = min(round(chunks.max_minutes * 60_000), self.engine.capabilities.max_chunk_ms)
        return ChunkLimits(
            max_ms=max_ms,
            first_ms=min(round(chunks.first_minutes * 60_000), max_ms),
            search_ms=round(chunks.search_s * 1000),
            overlap_ms=round(chunks.overlap_s * 1000),
        )

    @property
    def policy(self) -> Policy:
        """How patient to be with the far side."""
        return self.settings.retry.policy
