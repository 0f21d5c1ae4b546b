"""Which recordings may begin, and on which lane: not those that wait for money, or for a file beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from voxtrald.assembly import House
from voxtrald.dispatch.asides import Asides
from voxtrald.dispatch.holding import Holds
from voxtrald.dispatch.lanes import Lane
from voxtrald.errors import StorageUnavailable
from voxtrald.pipeline.outcome import Deferred, Elsewhere, Held, OverBudget
from voxtrald.store.jobs import JobState
from voxtrald.watch.settling import Recording

Waits = Deferred | OverBudget | Held | Elsewhere


@dataclass(slots=True, kw_only=True)
class Admission:
    """Remember why recordings wait. Used by the main thread alone.

    Attributes:
        asides: those that wait for files beside them, and the engines that such files chose.
        holds: those that wait for money.
    """

    house: House
    asides: Asides
    holds: Holds = field(default_factory=Holds)

    def lane_of(self, recording: Recording) -> Lane | None:
        """Say which lane a recording waits for; None where it may not begin."""
        if self.holds.keeps(recording) or self.asides.keeps(recording):
            return None
        return self.lane_for(recording)

    def lane_for(self, recording: Recording) -> Lane:
        """Say which lane a recording goes on, to the engine of its settings or to one that a file beside it chose."""
        settings = self.house.settings.for_recording(recording.relative)
        return self.house.lane(settings.choices.get(self.asides.choice(recording), settings.engine))

    def defer(self, job: str, recording: Recording, outcome: Waits) -> None:
        """Take in why a recording that had begun has to wait."""
        match outcome:
            case Deferred(message=message):
                self._note(job, JobState.DEFERRED, reason="storage", detail=message)
            case OverBudget(message=message, until=until):
                self._note(job, JobState.DEFERRED, reason="budget", detail=message)
                self.holds.hold(job, recording, until=until)
            case Held(message=message, files=files):
                self._note(job, JobState.DEFERRED, reason="sidecar", detail=message)
                self.asides.hold(job, recording, files=files)
            case Elsewhere(engine=engine):
                self._note(job, JobState.WAITING)
                self.asides.choose(recording, engine)

    def expire(self, *, now: datetime) -> bool:
        """Let those begin that have waited long enough for money; say whether there were some."""
        return self.holds.expire(now=now)

    def release(self, in_work: Iterable[str]) -> bool:
        """Let everybody begin, because the settings have changed; say whether some waited for money.

        Args:
            in_work: the jobs that began under the old settings.
        """
        jobs = tuple(in_work)
        self.asides.release(jobs)
        return self.holds.release(jobs)

    def _note(self, job: str, state: JobState, *, reason: str | None = None, detail: str | None = None) -> None:
        with contextlib.suppress(StorageUnavailable):  # the ledger may lie on the very disk that is full
            self.house.tools.ledger.set_state(job, state, reason=reason, detail=detail)
