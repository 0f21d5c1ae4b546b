"""The operator's desk: whatever happens to recordings and to all work is told here once, and read in many places.

The log is always written. Figures, messages and scripts only where the settings ask for them: what nobody asked for
is not even imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.gate import GateChanged
from voxtrald.pipeline.outcome import (
    Changed,
    Deferred,
    Done,
    Elsewhere,
    Failed,
    Held,
    Interrupted,
    Outcome,
    OverBudget,
)
from voxtrald.pipeline.progress import Progress
from voxtrald.service import notices
from voxtrald.service.messages.telling import Telling
from voxtrald.service.situation import Pulse, SituationAsked, ask
from voxtrald.store.ledger import Ledger
from voxtrald.watch.intake import InboxState

if TYPE_CHECKING:
    from voxtrald.service.metrics.monitoring import Monitoring

_STORAGE = "the folders"
_INBOX = "the inbox"
_BUDGET = "the budget"

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Desk:
    """Everybody who wants to know."""

    telling: Telling
    monitoring: Monitoring | None
    pulse: Pulse
    closing: ExitStack
    _is_paused: bool = False
    _is_lost: bool = False

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        ledger: Ledger,
        clock: Clock,
        jitter: Callable[[], float],
        put: Callable[[SituationAsked], None],
    ) -> Self:
        """Begin to serve figures, and understand the addresses of messages.

        `put` takes a question to the deciding thread, in another thread.

        Raises:
            ConfigError: nothing can listen at `metrics.listen`, or an address of `notify.urls` is none.
        """
        pulse = Pulse(now_s=clock.monotonic_s())
        with ExitStack() as opening:
            monitoring = None
            if settings.metrics.listen is not None:
                # Its library is loaded only for those who use it.
                module = importlib.import_module("voxtrald.service.metrics.monitoring")
                monitoring = module.Monitoring.begun(ledger=ledger, look=lambda: ask(put), pulse=pulse, clock=clock)
                opening.callback(monitoring.serve(settings.metrics.listen).close)
            telling = Telling(
                settings,
                clock=clock,
                jitter=jitter,
                told=monitoring.told if monitoring else _uncounted,
                ran_script=monitoring.ran_script if monitoring else _uncounted,
            )
            opening.callback(telling.close)
            return cls(telling=telling, monitoring=monitoring, pulse=pulse, closing=opening.pop_all())

    def close(self) -> None:
        """Send what is left to send, for a moment, and end."""
        self.closing.close()

    def prepare(self, settings: Settings) -> Callable[[], None]:
        """Understand other settings; give what makes them count.

        Raises:
            ConfigError: an address of `notify.urls` is none; nothing has changed.
        """
        return self.telling.prepare(settings)

    def turn(self, inbox: InboxState, *, now_s: float) -> None:
        """The deciding thread has a turn, and knows this of the inbox."""
        self.pulse.turn(now_s=now_s)
        if inbox.is_reachable == self._is_lost:
            self._is_lost = not inbox.is_reachable
            if self._is_lost:
                self.telling.held(_INBOX, reason=inbox.reason, hint=inbox.hint)
            else:
                self.telling.resumed(_INBOX)

    def began(self, job: str, *, size_bytes: int, still_since_s: float | None) -> None:
        """A worker has taken a recording, which had not changed since then."""
        log.info("recording_begun", size_bytes=size_bytes)
        if self.monitoring is not None:
            self.monitoring.began(job, still_since_s=still_since_s)

    def heard(self, progress: Progress) -> None:
        """A recording got on. Called in any thread."""
        if self.monitoring is not None:
            self.monitoring.heard(progress)

    def ended(self, job: str, recording: str, outcome: Outcome) -> None:
        """The work on a recording ended, one way or another."""
        _log_end(outcome)
        self.telling.ended(recording, outcome)
        if self.monitoring is not None:
            self.monitoring.ended(job, outcome)
        if self._is_paused and isinstance(outcome, Done):
            self._is_paused = False
            self.telling.resumed(_STORAGE)
        if isinstance(outcome, OverBudget):
            self.telling.held(_BUDGET, reason=outcome.message, hint=outcome.hint)

    def affordable(self) -> None:
        """No recording is held for money's sake any more: a new day or month began, or limits have changed."""
        log.info("budget_free")
        self.telling.resumed(_BUDGET)

    def paused(self, message: str, *, hint: str) -> None:
        """Nothing can be stored, so nothing begins for a while."""
        notices.tell_paused(message, hint=hint)
        self._is_paused = True
        self.telling.held(_STORAGE, reason=message, hint=hint)

    def gate(self, change: GateChanged) -> None:
        """A far side refuses us, does not answer, or is there again."""
        notices.tell_gate(change)
        if change.state == "held":
            self.telling.held(change.service, reason=change.reason or "", hint=notices.HELD)
        elif change.state == "closed":
            self.telling.resumed(change.service)


def _log_end(outcome: Outcome) -> None:
    match outcome:
        case Done():
            notices.tell_done(outcome)
        case Failed():
            notices.tell_failed(outcome)
        case Changed(message=message):
            log.info("recording_changed", detail=message)
        case Interrupted():
            log.info("recording_interrupted")
        case OverBudget(message=message, hint=hint) | Held(message=message, hint=hint):
            log.info("recording_held", reason=message, hint=hint)
        case Elsewhere(engine=engine):
            log.info("engine_chosen", engine=engine)
        case Deferred():
            pass  # told when the work is paused for it


def _uncounted(_result: str) -> None:
    """Count nothing: nobody reads figures."""
