"""What a worker is given: one claimed recording, its settings, and the tools of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.clock import Clock
from voxtrald.config import RecordingSettings
from voxtrald.dispatch.budget import Budget
from voxtrald.dispatch.lanes import Lane
from voxtrald.engines.base import Capabilities, Engine
from voxtrald.engines.http.fetching import Fetcher
from voxtrald.pipeline.asking import Asking
from voxtrald.pipeline.billing import Books
from voxtrald.pipeline.fitting import accepted_formats, chunk_limits, conversion_format
from voxtrald.pipeline.progress import Progress
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop
from voxtrald.store.jobs import Job
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results
from voxtrald.transcript.planning import ChunkLimits


class Destination(Protocol):
    """Where a recording's results go: the outbox and the error folder, or beside the file."""

    def publish(
        self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings, missing: str = ""
    ) -> tuple[str, ...]:
        """Publish a result, let the source follow, end the job; give the names.

        `missing` says from when to when there is no text in it; empty where it is complete.
        """

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """Set a failed recording aside with its report and end the job; give the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The house's tools, shared by all workers.

    Attributes:
        fetcher: fetches what link files name; None where these are not taken.
    """

    ffmpeg: Ffmpeg
    results: Results
    ledger: Ledger
    clock: Clock
    stop: Stop
    jitter: Callable[[], float]
    cores: int
    budget: Budget
    asking: Asking = field(default_factory=Asking)
    fetcher: Fetcher | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One claimed recording.

    Attributes:
        path: where the file lies.
        capabilities: the engine's, as they were at the beginning: it may learn more of its far side meanwhile, and a
            plan must not change under those who work on it.
        lane: the way to the engine's far side.
        work: a private folder for its chunks, removed afterwards.
        tell: hears of progress; must not block.
    """

    job: Job
    path: Path
    settings: RecordingSettings
    engine: Engine
    capabilities: Capabilities
    lane: Lane
    work: Path
    destination: Destination
    tell: Callable[[Progress], None]

    @property
    def limits(self) -> ChunkLimits:
        """How long chunks may be: what the settings say, within what the engine takes."""
        settings = self.settings
        return chunk_limits(settings.chunks, settings.audio, self.capabilities, diarize=settings.engine.diarize)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The formats that are sent as they are."""
        return accepted_formats(self.settings.audio, self.capabilities)

    @property
    def convert_to(self) -> str:
        """The format to convert to."""
        return conversion_format(self.settings.audio, self.capabilities)

    @property
    def policy(self) -> Policy:
        """How patient to be with the far side."""
        return self.settings.retry.policy

    def books(self, ledger: Ledger) -> Books:
        """Open the ledger's page for this recording."""
        return Books(job=self.job, engine=self.engine, ledger=ledger, rule=self.settings.rule)
