"""The daemon: one thread decides, everybody else sends it messages.

The main thread alone settles, claims, holds, reloads and stops. The watcher, the workers, the gate and the signal
handlers only put messages into its mailbox; nothing waits for a lock in a signal handler.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from voxtrald import logs
from voxtrald.assembly import House
from voxtrald.config import RecordingSettings, Settings, changed_needing_restart
from voxtrald.dispatch.gate import GateChanged
from voxtrald.dispatch.local import LocalDispatch
from voxtrald.dispatch.messages import SignalCame, WorkEnded
from voxtrald.dispatch.signals import ENDING, signals_put
from voxtrald.dispatch.threads import Broken
from voxtrald.engines.base import Engine
from voxtrald.errors import ConfigError, RecordingChanged, StorageUnavailable, VoxtraldError
from voxtrald.pipeline.assignment import Assignment
from voxtrald.pipeline.destinations import Outbox
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, Outcome
from voxtrald.pipeline.progress import AllPrepared, Progress
from voxtrald.pipeline.recording import run_job
from voxtrald.pipeline.starting import clear_leftovers, close_interrupted
from voxtrald.service import notices
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.locks import is_alive
from voxtrald.watch.intake import Intake
from voxtrald.watch.settling import Recording
from voxtrald.watch.watcher import Hint

_BEAT_S = 10.0
_CLEAR_S = 3600.0
_STORAGE_AGAIN_S = 5.0
_GRACE_MARGIN_S = 0.5  # of the grace, kept for closing the ledger

Message = Hint | GateChanged | AllPrepared | SignalCame | WorkEnded[Outcome]

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Daemon:
    """The main thread's state.

    Attributes:
        reread: reads the configuration again; raises ConfigError.
        paused_until_s: no recording begins before this monotonic time: storage has to come back first.
        stop_at_s: when patience with running work ends, once stop was asked for.
    """

    settings: Settings
    house: House
    mailbox: queue.SimpleQueue[Message]
    reread: Callable[[], Settings]
    started_at: datetime
    intake: Intake = field(init=False)
    dispatch: LocalDispatch[Outcome] = field(init=False)
    folders: Folders = field(init=False)
    _jobs: dict[str, Recording] = field(default_factory=dict)
    _beat_at_s: float = 0.0
    _clear_at_s: float = 0.0
    _paused_until_s: float = 0.0
    _stop_at_s: float | None = None
    _exit_code: int = 0

    def __post_init__(self) -> None:
        """Build what needs the others."""
        limits, folders = self.settings.limits, self.settings.folders
        self.intake = Intake(folders.inbox, settings=self.settings.watch, put=self.mailbox.put)
        self.dispatch = LocalDispatch(recordings=limits.recordings, requests=limits.requests, put=self.mailbox.put)
        self.folders = Folders.named_in(folders)

    def run(self) -> int:
        """Watch until told to stop; give the exit code.

        Raises:
            VoxtraldError: the folders or the ledger cannot be used at the start.
        """
        self.folders.ensure()
        tools, state = self.house.tools, self.settings.folders.state
        close_interrupted(tools.ledger, folders=self.folders, is_alive=partial(is_alive, state))
        tools.ledger.release()
        tools.ledger.note_circuit("closed")
        self._clear_leftovers()
        with signals_put(self.mailbox.put, (*ENDING, signal.SIGHUP)):
            self.intake.start(now_s=self._now_s())
            log.info("daemon_started", inbox=str(self.settings.folders.inbox), pid=os.getpid())
            try:
                while not self._is_over():
                    self._turn()
            finally:
                self.intake.stop()
        if self.dispatch.working:
            self.house.abandon()
        with contextlib.suppress(StorageUnavailable):  # only for `status` to show
            tools.ledger.fall_silent()
        log.info("daemon_stopped", exit_code=self._exit_code, abandoned=len(self.dispatch.working))
        return self._exit_code

    # --- the loop ----------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        wait_s = self._do_what_is_due()
        try:
            message = self.mailbox.get(timeout=wait_s)
        except queue.Empty:
            return
        # Take what else has come, so that a burst of events costs one look at what is ready.
        self._take(message)
        for _ in range(self.mailbox.qsize()):
            self._take(self.mailbox.get())

    def _do_what_is_due(self) -> float:
        now_s = self._now_s()
        if self._stop_at_s is not None:
            return max(0.0, self._stop_at_s - now_s)
        wait_s = self.intake.tick(now_s=now_s)
        if now_s >= self._beat_at_s:
            self._beat()
        if now_s >= self._clear_at_s:
            self._clear_leftovers()
        self._begin_what_is_ready()
        if now_s < self._paused_until_s and self.intake.next_ready():
            wait_s = min(wait_s, self._paused_until_s - now_s)
        return max(0.0, min(wait_s, self._beat_at_s - now_s))

    def _take(self, message: Message) -> None:
        match message:
            case Hint():
                self.intake.take(message, now_s=self._now_s())
            case AllPrepared(job=job):
                self.dispatch.prepared(job)
            case WorkEnded(job=job, result=result):
                self._take_end(job, result)
            case GateChanged():
                self._take_gate(message)
            case SignalCame(number=signal.SIGHUP):
                self._reload()
            case SignalCame(number=number):
                self._stop(f"signal {signal.Signals(number).name}")

    def _is_over(self) -> bool:
        if self._stop_at_s is None:
            return False
        return not self.dispatch.working or self._now_s() >= self._stop_at_s

    def _now_s(self) -> float:
        return self.house.tools.clock.monotonic_s()

    # --- beginning ---------------------------------------------------------------------------------------------

    def _begin_what_is_ready(self) -> None:
        while self._may_begin() and (recording := self.intake.next_ready()):
            self._begin(recording)

    def _may_begin(self) -> bool:
        """Whether another recording may begin.

        During an outage, too: it may be one recording alone that breaks the service, and only another one's success
        tells. During a hold only where nothing is in work that would ask again some day.
        """
        if self._now_s() < self._paused_until_s or not self.dispatch.has_place():
            return False
        is_held = self.house.tools.gate.circuit.state == "held"
        return not (is_held and self.dispatch.working)

    def _begin(self, recording: Recording) -> None:
        relative = str(recording.relative)
        ledger = self.house.tools.ledger
        try:
            settings = self.settings.for_recording(recording.relative)
            kept = ledger.finished(relative, size_bytes=recording.size_bytes, mtime_ns=recording.mtime_ns)
            if kept is not None and settings.output.originals == "keep":
                self.intake.took(recording)
                self.intake.release(recording.relative, keep=True, now_s=self._now_s())
                return
            engine = self.house.engine(settings.engine)
            job = ledger.claim(
                relative, size_bytes=recording.size_bytes, mtime_ns=recording.mtime_ns, inode=recording.inode
            )
        except StorageUnavailable as error:
            self._pause(error.message, hint=error.hint)
            return
        self.intake.took(recording)
        self._jobs[job.id] = recording
        with logs.bound_job(job=job.id, recording=relative):
            log.info("recording_begun", size_bytes=recording.size_bytes)
            self.dispatch.start(job.id, partial(self._work, job, engine=engine, settings=settings))

    def _work(self, job: Job, *, engine: Engine, settings: RecordingSettings) -> Outcome:
        """Carry one recording; runs in a worker's thread."""
        tools = self.house.tools
        try:
            path = self.folders.source_path(job.relative)
            with self.folders.work_folder(job.id) as work:
                assignment = Assignment(
                    job=job,
                    path=path,
                    settings=settings,
                    engine=engine,
                    work=work,
                    destination=Outbox(folders=self.folders, ledger=tools.ledger, clock=tools.clock),
                    tell=self._hear,
                )
                return run_job(assignment, tools)
        except RecordingChanged as error:
            return Changed(message=error.message)
        except StorageUnavailable as error:
            return Deferred(message=error.message, hint=error.hint)

    def _hear(self, progress: Progress) -> None:
        if isinstance(progress, AllPrepared):
            self.mailbox.put(progress)

    # --- ending ------------------------------------------------------------------------------------------------

    def _take_end(self, job_id: str, result: Outcome | Broken) -> None:
        self.dispatch.ended(job_id)
        recording = self._jobs.pop(job_id)
        with logs.bound_job(job=job_id, recording=str(recording.relative)):
            match result:
                case Done():
                    notices.tell_done(result)
                    self._release(recording, keep=True)
                case Failed():
                    notices.tell_failed(result)
                    self._release(recording, keep=True)
                case Changed():
                    log.info("recording_changed", detail=result.message)
                    self._release(recording, keep=False)
                case Deferred():
                    self._defer(job_id, result)
                    self._release(recording, keep=False)
                case Interrupted():
                    log.info("recording_interrupted")
                case Broken():
                    self._break(result.error)

    def _release(self, recording: Recording, *, keep: bool) -> None:
        self.intake.release(recording.relative, keep=keep, now_s=self._now_s())

    def _defer(self, job_id: str, outcome: Deferred) -> None:
        with contextlib.suppress(StorageUnavailable):  # the ledger may lie on the very disk that is full
            self.house.tools.ledger.set_state(job_id, JobState.DEFERRED, reason="storage", detail=outcome.message)
        self._pause(outcome.message, hint=outcome.hint)

    def _pause(self, message: str, *, hint: str) -> None:
        """Begin nothing for a while: where one recording found no room, the next would find none either."""
        now_s = self._now_s()
        if now_s >= self._paused_until_s + 2 * _STORAGE_AGAIN_S:  # say it once, not with every try
            log.warning("storage_unavailable", error=message, hint=hint)
        self._paused_until_s = now_s + _STORAGE_AGAIN_S

    def _break(self, error: BaseException) -> None:
        """A worker ended with an error nobody had an answer to: stop, and let the service manager start us anew."""
        self._exit_code = error.exit_code if isinstance(error, VoxtraldError) else VoxtraldError.exit_code
        notices.tell_died(error)
        self._stop("a worker died")

    # --- the far side, signals, timers ---------------------------------------------------------------------------

    def _take_gate(self, change: GateChanged) -> None:
        ledger = self.house.tools.ledger
        with contextlib.suppress(StorageUnavailable):  # only for `status` to show
            ledger.note_circuit(change.state)
            if change.state == "held":
                ledger.hold(change.reason or "")
            else:
                ledger.release()
        notices.tell_gate(change)

    def _reload(self) -> None:
        """Use what the configuration says now; where it is bad, keep what was and say so."""
        try:
            settings = self.reread()
            if keys := changed_needing_restart(self.settings, settings):
                notices.tell_reload_refused([f"{key} needs a restart to change" for key in keys])
                return
            self.house.use(settings)
        except ConfigError as error:
            notices.tell_reload_refused([str(problem) for problem in error.problems])
            return
        log.info("reloaded")  # before the new level may silence it
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        """Work with other settings from now on; recordings in work keep theirs."""
        self.settings = settings
        logs.configure(settings.logging.level, settings.logging.format)
        limits = settings.limits
        self.dispatch.resize(recordings=limits.recordings, requests=limits.requests)

    def _beat(self) -> None:
        self._beat_at_s = self._now_s() + _BEAT_S
        with contextlib.suppress(StorageUnavailable):  # a sign of life is not worth an error
            self.house.tools.ledger.beat(pid=os.getpid(), started_at=self.started_at)

    def _clear_leftovers(self) -> None:
        """Have the remote copies deleted that an earlier run left, or whose deletion failed since."""
        self._clear_at_s = self._now_s() + _CLEAR_S
        tools = self.house.tools
        clearing = partial(
            clear_leftovers,
            self.house.engine(self.settings.engine),
            ledger=tools.ledger,
            clock=tools.clock,
            is_alive=partial(is_alive, self.settings.folders.state),
        )
        tools.senders.submit(clearing, done=notices.tell_cleared)

    def _stop(self, why: str) -> None:
        if self._stop_at_s is not None:
            return
        log.info("stop_asked", why=why, in_work=len(self.dispatch.working))
        grace_s = max(0.0, self.settings.stop_grace_s - _GRACE_MARGIN_S)
        self._stop_at_s = self._now_s() + grace_s
        self.house.tools.stop.set()
        self.house.tools.gate.stop()
