"""The warden: a small program that starts ffmpeg for the daemon, jails it, buries it, and leaves none behind.

It has one thread and few imports, so that a fork is cheap and safe. For each run it holds one end of a line, a pair of
sockets: whatever happens to the run is said there, and when the other end closes, the run is ended. Our own end is the
daemon's: the control socket closes with it, even by a kill -9. Should the warden itself be killed, the kernel ends the
runs (`PR_SET_PDEATHSIG`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import Final, NoReturn

from voxtrald.audio.jail import cell, kernel
from voxtrald.audio.jail.orders import (
    ABSENT,
    Ended,
    Failed,
    Offered,
    Order,
    Regime,
    Report,
    Started,
    Unintelligible,
    pack_offered,
    pack_report,
    read_offered,
    read_order,
    read_regime,
)

MESSAGE_BYTES: Final = 1 << 18
STREAMS: Final = 3
"""What comes with an order: stdout, stderr, and the line."""

_LAST_WORD_S: Final = 1.0


class Warden:
    """Serves orders until the daemon is gone."""

    def __init__(self, control: socket.socket, *, nowhere: int, regime: Regime, offered: Offered) -> None:
        self._control = control
        self._nowhere = nowhere
        self._nothing = os.open("/dev/null", os.O_RDONLY)
        self._regime = regime
        self._walls = cell.plan_walls(regime, offered)
        self._lines: dict[int, socket.socket] = {}
        self._poll = select.epoll()
        self._wake = _wake_at_deaths()

    def serve(self) -> None:
        """Start, bury and end runs until the control socket closes; then end them all."""
        self._poll.register(self._control, select.EPOLLIN)
        self._poll.register(self._wake, select.EPOLLIN)
        while True:
            for place, _ in self._poll.poll():
                if place == self._control.fileno() and not self._take_order():
                    self._end_all()
                    return
                if place == self._wake.fileno():
                    self._hear_deaths()
                elif place != self._control.fileno():
                    self._end_of_line(place)

    def _take_order(self) -> bool:
        """Take an order and carry it out; say whether there was one."""
        message, streams, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, STREAMS)
        if not message:
            return False
        for each in streams:
            os.set_inheritable(each, False)  # recv_fds takes flags, but not to heart
        if len(streams) < STREAMS:  # too many files are open here; the daemon hears that nobody listens
            _close_all(streams)
            return True
        stdout, stderr, line_end = streams
        line = socket.socket(fileno=line_end)
        try:
            self._start(read_order(message), line=line, stdout=stdout, stderr=stderr)
        except (OSError, Unintelligible) as error:
            _say(line, Failed("fork", getattr(error, "errno", None) or 0))
            line.close()
        finally:
            _close_all([stdout, stderr])
        return True

    def _start(self, order: Order, *, line: socket.socket, stdout: int, stderr: int) -> None:
        warden = os.getpid()
        pid = os.fork()
        if pid == 0:
            streams = (self._nothing, stdout, stderr)
            self._become(order, line, cell.Surroundings(warden=warden, nowhere=self._nowhere, streams=streams))
        self._lines[pid] = line
        self._poll.register(line, select.EPOLLIN | select.EPOLLRDHUP)
        _say(line, Started(pid))

    def _become(self, order: Order, line: socket.socket, surroundings: cell.Surroundings) -> NoReturn:
        # The edge of the child: whatever happens, it must not go on as a second warden.
        try:
            cell.become(order, regime=self._regime, walls=self._walls, surroundings=surroundings)
        except cell.StepFailed as failed:
            # By write: the filter may already be on, which leaves a socket no other call.
            with contextlib.suppress(OSError):
                os.write(line.fileno(), pack_report(Failed(failed.step, failed.code)))
        finally:
            os._exit(127)

    def _end_of_line(self, place: int) -> None:
        """End the run whose line the daemon has closed; its death is told as any other."""
        for pid, line in self._lines.items():
            if line.fileno() == place:
                self._poll.unregister(line)
                _kill(pid)
                return

    def _bury(self) -> None:
        """Bury all who have died, and end whatever they left behind."""
        while dead := _find_dead():
            if dead in self._lines:
                _kill(dead)  # its group: a dead leader still holds the number
            status = os.waitpid(dead, 0)[1]
            if line := self._lines.pop(dead, None):
                _say(line, Ended(os.waitstatus_to_exitcode(status)))
                with contextlib.suppress(OSError):
                    self._poll.unregister(line)
                line.close()
            for stray in _find_children() - self._lines.keys():
                _kill(stray)

    def _end_all(self) -> None:
        for pid in self._lines:
            _kill(pid)
        # Their processor time counts as ours once they are buried. But one that waits for a dead share may not end.
        deadline = time.monotonic() + _LAST_WORD_S
        while self._lines and (left_s := deadline - time.monotonic()) > 0:
            select.select([self._wake], [], [], left_s)
            self._hear_deaths()

    def _hear_deaths(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(1 << 10)
        self._bury()


def _close_all(streams: Iterable[int]) -> None:
    for each in streams:
        os.close(each)


def _wake_at_deaths() -> socket.socket:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return ours


def _find_dead() -> int | None:
    """Find a child that has died, and leave it unburied."""
    try:
        dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return dead.si_pid if dead else None


def _find_children() -> set[int]:
    """Find all children, also those of children who died: as their subreaper, we inherit them."""
    own = os.getpid()
    try:
        place = os.open(f"/proc/self/task/{own}/children", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return set()  # a kernel built without this file; without fork, there is nobody to find either
    try:
        return set(map(int, os.read(place, 1 << 16).split()))
    finally:
        os.close(place)


def _kill(pid: int) -> None:
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _say(line: socket.socket, report: Report) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        line.send(pack_report(report))


def _try_layers(regime: Regime) -> Offered:
    """Have a child put on all layers and tell how that went."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            os.write(theirs.fileno(), pack_offered(cell.try_layers(regime)))
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        said = ours.recv(MESSAGE_BYTES)
    os.waitpid(pid, 0)
    try:
        return read_offered(said)
    except Unintelligible:
        absent = tuple((name, "the trial broke off") for name in regime.layers)
        return Offered(landlock_abi=ABSENT, absent=absent)


def main() -> None:
    """Serve the daemon, which hands over two descriptors: the control socket, and an empty folder."""
    control, nowhere = socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3])
    for each in (control.fileno(), nowhere):
        os.set_inheritable(each, False)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # the daemon decides when we end, and we hear that it has
    with contextlib.suppress(OSError):
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    try:
        regime = read_regime(control.recv(MESSAGE_BYTES))
        offered = _try_layers(regime)
        control.send(pack_offered(offered))
        Warden(control, nowhere=nowhere, regime=regime, offered=offered).serve()
    except (BrokenPipeError, ConnectionResetError, Unintelligible):
        pass  # the daemon has gone before it said what it wants
