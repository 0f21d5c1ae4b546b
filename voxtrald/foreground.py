"""The same pipeline once, in the foreground: files named on the command line, results beside them.

The files stay where they are, whatever happens. Paid answers go to the same store as the daemon's, so neither
ever pays for what the other already has.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from voxtrald import logs
from voxtrald.assembly import House
from voxtrald.config import RecordingSettings, Settings
from voxtrald.dispatch.gate import GateChanged
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.local import LocalDispatch
from voxtrald.dispatch.messages import SignalCame, WorkEnded
from voxtrald.dispatch.signals import ENDING, signals_put
from voxtrald.dispatch.threads import Broken
from voxtrald.pipeline.assignment import Assignment
from voxtrald.pipeline.destinations import Beside
from voxtrald.pipeline.outcome import Outcome
from voxtrald.pipeline.progress import AllPrepared, ChunkProgress, Progress
from voxtrald.pipeline.recording import run_job
from voxtrald.store.folders import WorkFolders
from voxtrald.store.jobs import Job

Message = Progress | GateChanged | SignalCame | WorkEnded[Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One file's outcome."""

    path: Path
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Work on one file has begun."""

    path: Path
    job: str


Report = Begun | Ended | ChunkProgress | GateChanged


@dataclass(slots=True, kw_only=True)
class Foreground:
    """One run over some files.

    Attributes:
        output: where results go; None for beside each file.
        report: hears what happens, in the main thread.
    """

    settings: Settings
    house: House
    folders: WorkFolders
    output: Path | None
    mailbox: queue.SimpleQueue[Message]
    report: Callable[[Report], None]
    _paths: dict[str, Path] = field(default_factory=dict)
    _signal: int | None = None
    _stop_at_s: float | None = None

    def run(self, files: Sequence[Path]) -> int | None:
        """Transcribe the files; give the number of the signal that ended it early, if one did.

        Raises:
            OSError: a file cannot be looked at.
        """
        limits = self.settings.limits
        dispatch: LocalDispatch[Outcome] = LocalDispatch(
            recordings=limits.recordings, requests=limits.requests, put=self.mailbox.put
        )
        waiting = deque(dict.fromkeys(file.absolute() for file in files))
        with signals_put(self.mailbox.put, ENDING):
            while (waiting and self._stop_at_s is None) or (dispatch.working and self._patience_s() != 0.0):
                while waiting and dispatch.has_place(self._lane_of(waiting[0]).service) and self._stop_at_s is None:
                    self._begin(waiting.popleft(), dispatch=dispatch)
                self._take_next(dispatch)
        if dispatch.working:
            self.house.abandon()
        return self._signal

    def _patience_s(self) -> float | None:
        """How long to wait for what is under way: without end, or until the stop grace is over."""
        if self._stop_at_s is None:
            return None
        return max(0.0, self._stop_at_s - self.house.tools.clock.monotonic_s())

    def _take_next(self, dispatch: LocalDispatch[Outcome]) -> None:
        try:
            message = self.mailbox.get(timeout=self._patience_s())
        except queue.Empty:
            return
        self._take(message, dispatch=dispatch)

    def _begin(self, path: Path, *, dispatch: LocalDispatch[Outcome]) -> None:
        found = path.stat()
        job = self.house.tools.ledger.claim(
            str(path),
            size_bytes=found.st_size,
            mtime_ns=found.st_mtime_ns,
            inode=found.st_ino,
            owner=self.house.owner,
        )
        self._paths[job.id] = path
        self.report(Begun(path=path, job=job.id))
        with logs.bound_job(job=job.id, recording=path.name):
            dispatch.start(job.id, partial(self._work, job, path), lane=self._lane_of(path).service)

    def _lane_of(self, path: Path) -> Lane:
        return self.house.lane(self._settings_of(path).engine)

    def _settings_of(self, path: Path) -> RecordingSettings:
        return self.settings.for_recording(PurePosixPath(path.name))

    def _work(self, job: Job, path: Path) -> Outcome:
        """Carry one file; runs in a worker's thread."""
        tools = self.house.tools
        settings = self._settings_of(path)
        engine = self.house.engine(settings.engine)
        engine.learn()  # here nothing else would, and how long chunks may be depends on it
        with self.folders.work_folder(job.id) as work:
            assignment = Assignment(
                job=job,
                path=path.resolve(),  # a link that somebody names on purpose; one that turns up later is refused
                settings=settings,
                engine=engine,
                capabilities=engine.capabilities,
                lane=self._lane_of(path),
                work=work,
                destination=Beside(folder=self.output or path.parent, ledger=tools.ledger, clock=tools.clock),
                tell=self.mailbox.put,
            )
            return run_job(assignment, tools)

    def _take(self, message: Message, *, dispatch: LocalDispatch[Outcome]) -> None:
        match message:
            case WorkEnded(result=Broken(error=error)):
                raise error
            case WorkEnded(job=job, result=result) if not isinstance(result, Broken):
                dispatch.ended(job)
                self.report(Ended(path=self._paths[job], outcome=result))
            case AllPrepared(job=job):
                dispatch.prepared(job)
            case SignalCame(number=number):
                self._signal = number
                self._stop()
            case GateChanged(state="held"):
                self.report(message)
                self._stop()  # a person is looking: better to end and be started again than to wait for a key
            case ChunkProgress() | GateChanged():
                self.report(message)

    def _stop(self) -> None:
        self._stop_at_s = self.house.tools.clock.monotonic_s() + self.settings.stop_grace_s
        self.house.stop()
