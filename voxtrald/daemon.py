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

from voxtrald import errands, logs
from voxtrald.admission import Admission
from voxtrald.assembly import House
from voxtrald.config import Settings, changed_needing_restart
from voxtrald.dispatch.asides import Asides, FilesSeen
from voxtrald.dispatch.gate import GateChanged
from voxtrald.dispatch.local import LocalDispatch
from voxtrald.dispatch.messages import SignalCame, WorkEnded
from voxtrald.dispatch.signals import ENDING, signals_put
from voxtrald.dispatch.threads import Broken
from voxtrald.errors import ConfigError, StorageUnavailable, VoxtraldError
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Elsewhere, Failed, Held, Outcome, OverBudget
from voxtrald.pipeline.progress import AllPrepared, Progress
from voxtrald.pipeline.starting import close_interrupted
from voxtrald.service import notices
from voxtrald.service.desk import Desk
from voxtrald.service.situation import Situation, SituationAsked, look_around
from voxtrald.service.systemd.sd_notify import ServiceManager
from voxtrald.service.systemd.supervision import KeyTried, Supervision
from voxtrald.store.folders import Folders
from voxtrald.store.locks import is_alive
from voxtrald.watch.intake import Intake
from voxtrald.watch.settling import Recording
from voxtrald.watch.watcher import Hint
from voxtrald.worker import carry

_BEAT_S = 10.0
_CLEAR_S = 3600.0
_STORAGE_AGAIN_S = 5.0
_MOST_BEGUN = 500  # in one turn: a hundred thousand finished files must not keep a stop waiting
_GRACE_MARGIN_S = 0.5  # of the grace, kept for closing the ledger

Message = FilesSeen | Hint | GateChanged | AllPrepared | KeyTried | SignalCame | SituationAsked | WorkEnded[Outcome]

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Daemon:
    """The main thread's state.

    Attributes:
        desk: hears what happens to recordings and to all work.
        manager: who started us and wants to know how we are.
        reread: reads the configuration again; raises ConfigError.
        paused_until_s: no recording begins before this monotonic time: storage has to come back first.
        stop_at_s: when patience with running work ends, once stop was asked for.
    """

    settings: Settings
    house: House
    mailbox: queue.SimpleQueue[Message]
    desk: Desk
    manager: ServiceManager
    reread: Callable[[], Settings]
    started_at: datetime
    intake: Intake = field(init=False)
    dispatch: LocalDispatch[Outcome] = field(init=False)
    folders: Folders = field(init=False)
    supervision: Supervision = field(init=False)
    _jobs: dict[str, Recording] = field(default_factory=dict)
    _admission: Admission = field(init=False)
    _beat_at_s: float = 0.0
    _clear_at_s: float = 0.0
    _paused_until_s: float = 0.0
    _stop_at_s: float | None = None
    _exit_code: int = 0
    _was_opened: bool = False

    def __post_init__(self) -> None:
        """Build what needs the others."""
        limits, folders = self.settings.limits, self.settings.folders
        self.intake = Intake(folders.inbox, settings=self.settings.watch, put=self.mailbox.put, state=folders.state)
        self.dispatch = LocalDispatch(recordings=limits.recordings, requests=limits.requests, put=self.mailbox.put)
        self.folders = Folders.named_in(folders)
        self._admission = Admission(house=self.house, asides=Asides(folders.inbox, put=self.mailbox.put))
        self.supervision = Supervision(manager=self.manager, services=lambda: self.house.services, put=self.mailbox.put)

    def run(self) -> int:
        """Watch until told to stop; give the exit code.

        Raises:
            VoxtraldError: the folders or the ledger cannot be used at the start.
        """
        tools = self.house.tools
        tools.ledger.forget_gates()
        with signals_put(self.mailbox.put, (*ENDING, signal.SIGHUP)):
            self.intake.start(now_s=self._now_s())
            self._open_once()
            log.info("daemon_started", inbox=str(self.settings.folders.inbox), pid=os.getpid())
            errands.learn(self.house)
            self.supervision.begin(now_s=self._now_s())
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

    def _open_once(self) -> None:
        if not self._was_opened and self.intake.state.is_reachable:  # a share may be away at the start
            self._was_opened, state = True, self.settings.folders.state
            self.folders.ensure()
            close_interrupted(self.house.tools.ledger, folders=self.folders, is_alive=partial(is_alive, state))

    # --- the loop ----------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        wait_s = self._do_what_is_due()
        try:
            message = self.mailbox.get(timeout=wait_s)
        except queue.Empty:
            return
        # Take what else has come, so that a burst of events costs one look at the inbox, and one at what is ready.
        messages = [message, *(self.mailbox.get() for _ in range(self.mailbox.qsize()))]
        self.intake.take(*(each for each in messages if isinstance(each, Hint)), now_s=self._now_s())
        for each in messages:
            self._take(each)

    def _do_what_is_due(self) -> float:
        now_s = self._now_s()
        self.desk.turn(self.intake.state, now_s=now_s)
        told_in_s = self.supervision.tick(
            self._situation, is_stopping=self._stop_at_s is not None, dead=self.dispatch.dead(), now_s=now_s
        )
        if self._stop_at_s is not None:
            return max(0.0, min(self._stop_at_s - now_s, told_in_s))
        wait_s = min(self.intake.tick(now_s=now_s), told_in_s)
        if now_s >= self._beat_at_s:
            self._beat()
        if now_s >= self._clear_at_s:
            self._clear_at_s = now_s + _CLEAR_S
            errands.clear(self.house)
        self._open_once()
        if self._begin_what_is_ready():
            return 0.0
        if now_s < self._paused_until_s and self.intake.next_ready(self._admission.lane_of):
            wait_s = min(wait_s, self._paused_until_s - now_s)
        asides_in_s = self._admission.asides.look(now_s=now_s) - now_s
        return max(0.0, min(wait_s, asides_in_s, self._beat_at_s - now_s))

    def _take(self, message: Message) -> None:
        match message:  # hints are taken all together
            case FilesSeen():
                self._take_files(message)
            case AllPrepared(job=job):
                self.dispatch.prepared(job)
            case WorkEnded(job=job, result=result):
                self._take_end(job, result)
            case GateChanged():
                self._take_gate(message)
            case SituationAsked():
                message.answer(self._situation())
            case KeyTried():
                self.supervision.take(message)
            case SignalCame(number=number):
                self._take_signal(number)

    def _take_files(self, seen: FilesSeen) -> None:
        if self._admission.asides.take(seen):
            self.intake.sort_anew()

    def _take_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self.supervision.reloading(now_s=self._now_s())
            self.supervision.reloaded(self._reload())
        else:
            self._stop(f"signal {signal.Signals(number).name}")

    def _is_over(self) -> bool:
        if self._stop_at_s is None:
            return False
        return not self.dispatch.working or self._now_s() >= self._stop_at_s

    def _now_s(self) -> float:
        return self.house.tools.clock.monotonic_s()

    # --- beginning ---------------------------------------------------------------------------------------------

    def _begin_what_is_ready(self) -> bool:
        """Begin what may begin; say whether there could be more, after what has come meanwhile."""
        if not any(self.dispatch.admits(lane) for _, lane in self.house.services):
            return False
        if self._admission.expire(now=self.house.tools.clock.now()):
            self.intake.sort_anew()
            if not self._admission.holds.count:
                self.desk.affordable()
        for _ in range(_MOST_BEGUN):
            is_paused = self._now_s() < self._paused_until_s
            if is_paused or not (recording := self.intake.next_ready(self._admission.lane_of, self.dispatch.admits)):
                return False
            self._begin(recording)
        return True

    def _begin(self, recording: Recording) -> None:
        relative = str(recording.relative)
        ledger = self.house.tools.ledger
        settings = self.settings.for_recording(recording.relative)
        try:
            kept = ledger.finished(relative, size_bytes=recording.size_bytes, mtime_ns=recording.mtime_ns)
            if kept is not None and settings.output.originals == "keep":
                self.intake.took(recording)
                self.intake.release(recording.relative, keep=True, now_s=self._now_s())
                return
            job = ledger.claim(
                relative, size_bytes=recording.size_bytes, mtime_ns=recording.mtime_ns, inode=recording.inode
            )
        except StorageUnavailable as error:
            self._pause(error.message, hint=error.hint)
            return
        self.intake.took(recording)
        self._jobs[job.id] = recording
        with logs.bound_job(job=job.id, recording=relative):
            still_since_s = self.intake.still_since_s(recording)
            self.desk.began(job.id, size_bytes=recording.size_bytes, still_since_s=still_since_s)
            lane = self._admission.lane_for(recording)
            work = partial(
                carry, job, house=self.house, folders=self.folders, lane=lane, settings=settings, tell=self._hear
            )
            self.dispatch.start(job.id, work, lane=lane.service)

    def _hear(self, progress: Progress) -> None:
        self.desk.heard(progress)
        if isinstance(progress, AllPrepared):
            self.mailbox.put(progress)

    # --- ending ------------------------------------------------------------------------------------------------

    def _take_end(self, job_id: str, result: Outcome | Broken) -> None:
        self.dispatch.ended(job_id)
        recording = self._jobs.pop(job_id)
        with logs.bound_job(job=job_id, recording=str(recording.relative)):
            if isinstance(result, Broken):
                self._break(result.error)
                return
            self.desk.ended(job_id, str(recording.relative), result)
            match result:
                case Done() | Failed():
                    self._admission.asides.ended(recording)
                    self._release(recording, keep=True)
                case Changed():
                    self._release(recording, keep=False)
                case Deferred() | OverBudget() | Held() | Elsewhere():
                    self._admission.defer(job_id, recording, result)
                    if isinstance(result, Deferred):
                        self._pause(result.message, hint=result.hint)
                    self._release(recording, keep=False)

    def _release(self, recording: Recording, *, keep: bool) -> None:
        self.intake.release(recording.relative, keep=keep, now_s=self._now_s())

    def _pause(self, message: str, *, hint: str) -> None:
        """Begin nothing for a while: where one recording found no room, the next would find none either."""
        now_s = self._now_s()
        if now_s >= self._paused_until_s + 2 * _STORAGE_AGAIN_S:  # say it once, not with every try
            self.desk.paused(message, hint=hint)
        self._paused_until_s = now_s + _STORAGE_AGAIN_S

    def _break(self, error: BaseException) -> None:
        """A worker ended with an error nobody had an answer to: stop, and let the service manager start us anew."""
        self._exit_code = error.exit_code if isinstance(error, VoxtraldError) else VoxtraldError.exit_code
        notices.tell_died(error)
        self._stop("a worker died")

    # --- the far side, signals, timers ---------------------------------------------------------------------------

    def _take_gate(self, change: GateChanged) -> None:
        with contextlib.suppress(StorageUnavailable):  # only for `status` to show
            self.house.tools.ledger.note_gate(change.service, state=change.state, reason=change.reason)
        self.desk.gate(change)

    def _reload(self) -> tuple[str, ...]:
        """Use what the configuration says now; where it is bad, keep what was and give its problems."""
        try:
            settings = self.reread()
            problems = [f"{key} needs a restart to change" for key in changed_needing_restart(self.settings, settings)]
            if not problems:
                use = self.desk.prepare(settings)
                self.house.use(settings)
                use()
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
        if problems:
            notices.tell_reload_refused(problems)
        else:
            log.info("reloaded")  # before the new level may silence it
            self._use(settings)
            errands.learn(self.house)
        return tuple(problems)

    def _use(self, settings: Settings) -> None:
        """Work with other settings from now on; recordings in work keep theirs."""
        self.settings = settings
        logs.configure(settings.logging.level, settings.logging.format)
        limits = settings.limits
        self.dispatch.resize(recordings=limits.recordings, requests=limits.requests)
        if self._admission.release(self._jobs):
            self.desk.affordable()
        self.intake.sort_anew()

    def _situation(self) -> Situation:
        lanes, now_s = [lane for _, lane in self.house.services], self._now_s()
        trouble = "no room, or no right to write" if now_s < self._paused_until_s else ""
        working, held = len(self.dispatch.working), self._admission.holds.count
        mending = self._admission.asides.count
        return look_around(
            self.intake, lanes, working=working, held=held, mending=mending, storage_trouble=trouble, now_s=now_s
        )

    def _beat(self) -> None:
        self._beat_at_s = self._now_s() + _BEAT_S
        with contextlib.suppress(StorageUnavailable):  # a sign of life is not worth an error
            self.house.tools.ledger.beat(pid=os.getpid(), started_at=self.started_at)

    def _stop(self, why: str) -> None:
        if self._stop_at_s is not None:
            return
        log.info("stop_asked", why=why, in_work=len(self.dispatch.working))
        self.manager.stopping(grace_s=self.settings.stop_grace_s)
        grace_s = max(0.0, self.settings.stop_grace_s - _GRACE_MARGIN_S)
        self._stop_at_s = self._now_s() + grace_s
        self.house.stop()
