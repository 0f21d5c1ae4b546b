"""One run of the recogniser's program: its pipes, its requests under way, and its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import IO, Final

from voxtrald.engines.whisper.protocol import (
    Answered,
    Failed,
    Loaded,
    Opening,
    Order,
    Progress,
    Report,
    Request,
    Unintelligible,
    Unusable,
    pack,
    read_report,
)

_READ_BYTES: Final = 1 << 16
_LINE_BYTES: Final = 1 << 24
_COMPLAINT_BYTES: Final = 1 << 11
_LAST_WORD_S: Final = 5.0
_LONGEST_WAIT_S: Final = 3600.0  # a selector refuses to wait for years, which is what a setting may ask for


class Ended(Exception):
    """The program takes no more requests: it was released or has died. Start another one."""


class Died(Exception):
    """The program ended while a request was under way.

    Attributes:
        how: in words.
        had_loaded: whether the model was in memory by then.
        was_alone: whether no other request was under way, which could have been the cause.
    """

    def __init__(self, how: str, *, had_loaded: bool, was_alone: bool) -> None:
        super().__init__(how)
        self.how = how
        self.had_loaded = had_loaded
        self.was_alone = was_alone


class Rejected(Exception):
    """The program cannot do what it was asked for; `report` says why."""

    def __init__(self, report: Unusable | Failed) -> None:
        super().__init__(report.message)
        self.report = report


@dataclass(slots=True, kw_only=True)
class Pending:
    """A request under way, and when it last gave a sign of life (monotonic)."""

    sign_at_s: float
    ending: Future[Answered] = field(default_factory=Future)


class Child:
    """A running program; threads share it.

    It stands in a session of its own, so that a Ctrl-C in our terminal does not reach it, and is never left behind:
    it ends when its input closes, which our own death does, too. A thread of its own listens to it, ends it after
    `idle_s` without work, and buries it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        opening: Opening,
        environment: Mapping[str, str],
        idle_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the program.

        Raises:
            OSError: it cannot be started.
        """
        self.loading: Future[Loaded] = Future()
        self._monotonic_s = monotonic_s
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._turn_to_write = threading.Lock()  # not the other one: who kills must not wait for a full pipe
        self._pending: dict[int, Pending] = {}
        self._is_leaving = False
        self._is_silent = False
        self._has_loaded = False
        self._is_dead = False
        self._idle_since_s = monotonic_s()
        self._blame = ""
        self._complaint = b""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        self._write(opening)
        self._thread = threading.Thread(target=self._serve, name="recogniser", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no more requests."""
        return self._is_leaving

    def submit(self, request: Request) -> Pending:
        """Hand a request over; its `ending` gets the answer, or Rejected, or Died.

        Raises:
            Ended: the program takes no more.
        """
        pending = Pending(sign_at_s=self._monotonic_s())
        with self._lock:
            if self._is_leaving:
                raise Ended("the recogniser is ending")
            self._pending[request.id] = pending
        if not self._write(request):
            with self._lock:
                self._is_leaving = True
                self._pending.pop(request.id, None)
            raise Ended("the recogniser has died")
        return pending

    def kill(self, blame: str = "it was ended by the daemon") -> None:
        """End the program at once; `blame` is how those will hear of it whose requests are lost."""
        with self._lock:
            self._is_leaving = True
            self._blame = self._blame or blame
            self._kill()

    def release(self) -> bool:
        """End the program in order where nothing is under way; say whether that was so."""
        with self._lock:
            if self._pending:
                return False
            self._leave()
            return True

    def join(self) -> None:
        """Wait until the program is gone."""
        self._thread.join(timeout=2 * _LAST_WORD_S)

    def _leave(self) -> None:
        """Say that nothing more will be asked. Needs the lock."""
        self._is_leaving = True
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()

    def _kill(self) -> None:
        """Needs the lock: once the process is buried, its number may be another one's."""
        if not self._is_dead:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _write(self, order: Order) -> bool:
        """Say something, and tell whether there was still somebody to hear it."""
        rest = memoryview(pack(order))
        try:
            with self._turn_to_write:
                while rest:
                    rest = rest[_pipe(self._process.stdin).write(rest) :]
        except (OSError, ValueError):  # ValueError: closed by us
            return False
        return True

    # --- the listening thread ----------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(_pipe(self._process.stdout), selectors.EVENT_READ)
                selector.register(_pipe(self._process.stderr), selectors.EVENT_READ)
                self._listen(selector)
        finally:
            self._bury()

    def _listen(self, selector: selectors.BaseSelector) -> None:
        """Take what is said until both ends are closed, or the first one and nothing comes from the other."""
        rest = b""
        while selector.get_map():
            ready = selector.select(self._until_reason_to_end_s())
            if not ready and self._is_silent:
                return
            for key, _ in ready:
                piece = os.read(key.fd, _READ_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                if key.fileobj is self._process.stderr:
                    self._complaint = (self._complaint + piece)[-_COMPLAINT_BYTES:]
                    continue
                self._is_silent = not piece
                *lines, rest = (rest + piece).split(b"\n")
                self._take_lines(lines, rest=rest)
            self._leave_when_idle()

    def _take_lines(self, lines: Sequence[bytes], *, rest: bytes) -> None:
        try:
            for line in lines:
                self._take(read_report(line))
        except Unintelligible:
            self.kill("it said something that is no answer")
        if len(rest) > _LINE_BYTES:
            self.kill("its answer has no end")

    def _take(self, report: Report) -> None:
        match report:
            case Loaded() | Unusable() if self.loading.done():
                raise Unintelligible("it loads twice")
            case Loaded():
                self._begin(report)
            case Unusable():
                self._reject_all(report)
            case Progress():
                self._note_sign(report.id)
            case Answered() | Failed():
                self._end(report)

    def _begin(self, report: Loaded) -> None:
        """Let the requests' time begin only now: loading is not theirs."""
        with self._lock:
            self._has_loaded = True
            self._idle_since_s = self._monotonic_s()
            for pending in self._pending.values():
                pending.sign_at_s = self._monotonic_s()
        self.loading.set_result(report)

    def _note_sign(self, number: int) -> None:
        with self._lock:
            if number in self._pending:
                self._pending[number].sign_at_s = self._monotonic_s()

    def _end(self, report: Answered | Failed) -> None:
        with self._lock:
            pending = self._pending.pop(report.id, None)
            self._idle_since_s = self._monotonic_s()
        if pending is None:
            return
        if isinstance(report, Failed):
            pending.ending.set_exception(Rejected(report))
        else:
            pending.ending.set_result(report)

    def _reject_all(self, report: Unusable) -> None:
        with self._lock:
            self._is_leaving = True
            lost, self._pending = self._pending, {}
        for pending in lost.values():
            pending.ending.set_exception(Rejected(report))
        self.loading.set_exception(Rejected(report))

    # --- the end -----------------------------------------------------------------------------------------------

    def _until_reason_to_end_s(self) -> float | None:
        """How long to listen before there may be a reason to end; None while work is under way."""
        with self._lock:
            return _LAST_WORD_S if self._is_silent else self._until_idle_s()

    def _until_idle_s(self) -> float | None:
        """How long it may still sit there; None while it does not just sit. Needs the lock."""
        if self._pending or self._is_leaving or not self._has_loaded:
            return None
        left_s = self._idle_since_s + self._idle_s - self._monotonic_s()
        return min(max(0.0, left_s), _LONGEST_WAIT_S)

    def _leave_when_idle(self) -> None:
        with self._lock:
            if self._until_idle_s() == 0.0:
                self._leave()

    def _bury(self) -> None:
        """End what is still there, and tell everybody who waits for it.

        A process that is already ending keeps its own exit code when it is killed meanwhile.
        """
        with self._lock:
            self._is_leaving = True
            self._kill()
            self._is_dead = True
            lost, self._pending = self._pending, {}
        # A process that waits for a dead share cannot be killed until the share is back: do not wait with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_LAST_WORD_S)
        died = Died(self._describe_end(), had_loaded=self._has_loaded, was_alone=len(lost) == 1)
        for pending in lost.values():
            pending.ending.set_exception(died)
        if not self.loading.done():
            self.loading.set_exception(died)
        with self._turn_to_write:
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                _pipe(stream).close()

    def _describe_end(self) -> str:
        code = self._process.returncode
        is_signal = code is not None and code < 0
        how = f"by signal {-code} ({signal.strsignal(-code)})" if is_signal else f"with exit code {code}"
        *_, complaint = ["", *self._complaint.decode("utf-8", "replace").splitlines()]
        reason = self._blame or complaint.strip()
        return f"the recogniser ended {how}" + (f": {reason}" if reason else "")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Take a pipe that was asked for at the start."""
    if stream is None:
        raise ValueError("the program was started without this pipe")
    return stream
