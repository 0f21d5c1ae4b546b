"""Figures for a monitoring system while the daemon runs: counted from what it tells, served over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from voxtrald.clock import Clock
from voxtrald.pipeline.outcome import Done, Failed, Outcome
from voxtrald.pipeline.progress import AllPrepared, Attempted, ChunkProgress, Progress
from voxtrald.service.metrics.listening import Answer, Page, Server
from voxtrald.service.metrics.series import Metrics
from voxtrald.service.situation import SILENT_AFTER_S, Pulse, Situation, why_not_ready
from voxtrald.store.jobs import PUBLISHED
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_chunks import ChunkState

_RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """When a recording was taken, and since when its file had not changed."""

    at_s: float
    still_since_s: float


class Monitoring:
    """What is counted, and the pages that show it."""

    def __init__(self, *, metrics: Metrics, look: Callable[[], Situation | None], pulse: Pulse, clock: Clock) -> None:
        self._metrics = metrics
        self._figures = metrics.figures
        self._look = look
        self._pulse = pulse
        self._clock = clock
        self._begun: dict[str, _Begun] = {}

    @classmethod
    def begun(cls, *, ledger: Ledger, look: Callable[[], Situation | None], pulse: Pulse, clock: Clock) -> Self:
        """Begin with what is known from earlier runs: when a recording was last done, and what was paid."""
        metrics = Metrics(look=look, ledger=ledger)
        done = (job.ended_at for job in ledger.recent(_RECENT) if job.state in PUBLISHED)
        if latest := next(filter(None, done), None):
            metrics.figures.last_done(latest)
        return cls(metrics=metrics, look=look, pulse=pulse, clock=clock)

    def serve(self, listen: str) -> Server:
        """Show the pages at an address.

        Raises:
            ConfigError: nothing can listen there.
        """
        pages: dict[str, Answer] = {"/metrics": self.page, "/health": self.health, "/ready": self.ready}
        return Server(listen, key="metrics.listen", pages=pages)

    # --- what happens ------------------------------------------------------------------------------------------

    def began(self, job: str, *, still_since_s: float | None) -> None:
        """A worker has taken a recording that had not changed since then."""
        now_s = self._clock.monotonic_s()
        self._begun[job] = _Begun(at_s=now_s, still_since_s=now_s if still_since_s is None else still_since_s)

    def heard(self, progress: Progress) -> None:
        """A recording got on. Called in any thread."""
        match progress:
            case AllPrepared(job=job) if (begun := self._begun.get(job)) is not None:
                self._figures.prepared(self._clock.monotonic_s() - begun.at_s)
            case Attempted(service=service, took_s=took_s, error=""):
                self._figures.answered(service, took_s)
            case Attempted(service=service, error=error):
                self._figures.attempt_failed(service, error)
            case ChunkProgress(state=ChunkState.WAITING, note=cause) if cause:
                self._figures.retried(cause)

    def ended(self, job: str, outcome: Outcome) -> None:
        """The work on a recording ended."""
        begun = self._begun.pop(job)
        match outcome:
            case Done(tally=tally):
                turnaround_s = self._clock.monotonic_s() - begun.still_since_s
                self._figures.done(
                    tally, at=self._clock.now(), turnaround_s=turnaround_s, is_partial=outcome.is_partial
                )
            case Failed(reason=reason, tally=tally):
                self._figures.failed(reason, tally)

    def told(self, result: str) -> None:
        """A message was sent or dropped."""
        self._figures.told(result)

    def ran_script(self, result: str) -> None:
        """A script ended."""
        self._figures.ran_script(result)

    # --- what is shown -----------------------------------------------------------------------------------------

    def page(self, accept: str) -> Page:
        """Show all figures."""
        body, content_type = self._metrics.text(accept)
        return Page(status=HTTPStatus.OK, body=body, content_type=content_type)

    def health(self, _accept: str = "") -> Page:
        """Show whether the deciding thread still has its turns."""
        silent_s = self._pulse.silent_s(now_s=self._clock.monotonic_s())
        is_alive = silent_s < SILENT_AFTER_S
        status = HTTPStatus.OK if is_alive else HTTPStatus.SERVICE_UNAVAILABLE
        return Page.of(status, {"alive": is_alive, "last_turn_s": round(silent_s, 1)})

    def ready(self, _accept: str = "") -> Page:
        """Show whether what is dropped now will be transcribed now, and why not."""
        why = why_not_ready(self._look())
        status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
        return Page.of(status, {"ready": not why, "why": list(why)})
