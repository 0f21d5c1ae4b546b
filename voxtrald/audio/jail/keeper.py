"""Keeps the warden: starts it, hands it orders, and starts another one should it be lost."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import structlog

import voxtrald
from voxtrald.audio.jail.libraries import find_needs
from voxtrald.audio.jail.orders import (
    ABSENT,
    LAYERS,
    Ended,
    Failed,
    Offered,
    Order,
    Regime,
    Started,
    Unintelligible,
    pack_order,
    pack_regime,
    read_offered,
    read_report,
)

log = structlog.get_logger()

_ROOT: Final = Path(voxtrald.__file__).parent.parent
_PROGRAM: Final = (
    *(sys.executable, "-I", "-S", "-c"),  # no site-packages: it needs nothing from there, and starts in 30 ms
    "import sys; sys.path.append(sys.argv[1]); from voxtrald.audio.jail.warden import main; main()",
    str(_ROOT),
)
_PASSED_ON: Final = ("LD_LIBRARY_PATH",)  # without it, some programs and interpreters do not start
_ENVIRONMENT: Final = ("LC_ALL=C", "MALLOC_ARENA_MAX=2")
"""All that ffmpeg sees of one: no key, no proxy. Arenas are address space, which is limited."""

_MESSAGE_BYTES: Final = 1 << 18
_LAST_WORD_S: Final = 5.0
_TRIAL_S: Final = 30.0


class WardenLost(Exception):
    """The warden died and the run with it; that says nothing about the recording."""


class Unstartable(Exception):
    """The run did not get as far as to be ffmpeg: at which step, and the error's number."""

    def __init__(self, step: str, code: int) -> None:
        super().__init__(step, code)
        self.step = step
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Jail:
    """What keeps a decoder in.

    Attributes:
        layers: those in force, in words.
        absent: those the kernel does not offer, and why.
    """

    layers: tuple[str, ...]
    absent: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        return ", ".join(self.layers)


def describe_jail(offered: Offered, *, asked: Sequence[str] = LAYERS) -> Jail:
    """Put into words what is in force. Pure."""
    absent = dict(offered.absent)
    names = {name: name for name in asked}
    if offered.landlock_abi != ABSENT:
        names["landlock"] = f"landlock (version {offered.landlock_abi})"
    return Jail(
        layers=(*(names[name] for name in asked if name not in absent), "limits"),
        absent=tuple(f"{name}: {reason}" for name, reason in absent.items()),
    )


class Inmate:
    """One jailed run. Used by one thread.

    Attributes:
        stdout, stderr: what it says; to be closed by whoever listens.
        pid: None as long as the warden has not told.
        returncode: None as long as it runs; negative for a signal.
    """

    def __init__(self, *, stdout: BinaryIO, stderr: BinaryIO, line: socket.socket) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.pid: int | None = None
        self.returncode: int | None = None
        self._line = line

    def wait(self, timeout_s: float, *, monotonic_s: Callable[[], float] = time.monotonic) -> int | None:
        """Wait until it is gone; give its exit code, or None when it is still there.

        Raises:
            WardenLost: nobody will ever tell.
            Unstartable: it was not even started.
        """
        until_s = monotonic_s() + timeout_s
        while self.returncode is None:
            self._line.settimeout(max(0.0, until_s - monotonic_s()))
            try:
                said = self._line.recv(_MESSAGE_BYTES)
            except (TimeoutError, BlockingIOError):
                return None
            except ConnectionResetError:
                said = b""
            self._hear(said)
        return self.returncode

    def end(self) -> None:
        """Leave nothing of it behind, whatever happened."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)
        # A process that waits for a dead share cannot be killed until the share is back: do not wait with it.
        with contextlib.suppress(WardenLost, Unstartable):
            self.wait(_LAST_WORD_S)
        for each in (self.stdout, self.stderr, self._line):
            each.close()

    def _hear(self, said: bytes) -> None:
        if not said:
            raise WardenLost("the warden is gone")
        match read_report(said):
            case Started(pid):
                self.pid = pid
            case Ended(returncode):
                self.returncode = returncode
            case Failed(step, code):
                raise Unstartable(step, code)


class Keeper:
    """Has one warden for all threads, from the first run on."""

    def __init__(self, program: Path, *, needs: Sequence[Path] = (), layers: Sequence[str] = LAYERS) -> None:
        """Get ready.

        Args:
            program: what is run.
            needs: files and folders it may read beside its own loader and libraries.
            layers: fewer than all in tests only.
        """
        self._program = program
        self._needs = needs
        self._layers = tuple(layers)
        self._lock = threading.Lock()
        self._warden: _Running | None = None
        self._jail: Jail | None = None
        self._nowhere = _open_nowhere()
        weakref.finalize(self, os.close, self._nowhere)

    @property
    def jail(self) -> Jail:
        """What is in force, which the warden has tried out.

        Raises:
            OSError, WardenLost: it cannot be started.
        """
        with self._lock:
            return self._find_warden().jail

    @property
    def warden_pid(self) -> int | None:
        """The warden's process id, where there is one."""
        with self._lock:
            return self._warden.process.pid if self._warden else None

    def start(self, order: Order) -> Inmate:
        """Have a run started.

        Raises:
            OSError, WardenLost: the warden cannot be reached, even anew.
        """
        message = pack_order(order)
        stdout, their_stdout = os.pipe()
        stderr, their_stderr = os.pipe()
        line, their_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        inmate = Inmate(stdout=os.fdopen(stdout, "rb", 0), stderr=os.fdopen(stderr, "rb", 0), line=line)
        try:
            self._send(message, [their_stdout, their_stderr, their_line.fileno()])
        except (OSError, WardenLost):
            inmate.end()
            raise
        finally:
            os.close(their_stdout)
            os.close(their_stderr)
            their_line.close()
        return inmate

    def close(self) -> None:
        """End the warden and all its runs."""
        with self._lock:
            if self._warden:
                self._warden.dismiss()
            self._warden = None

    def _send(self, message: bytes, streams: Sequence[int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._find_warden().control, [message], streams)
            except (BrokenPipeError, ConnectionResetError):
                log.warning("warden_lost")
                self._bury_warden()
                socket.send_fds(self._find_warden().control, [message], streams)

    def _find_warden(self) -> _Running:
        """Give the warden, started where there is none. Needs the lock."""
        if self._warden is None:
            self._warden = _start_warden(self._regime(), nowhere=self._nowhere)
            weakref.finalize(self, self._warden.dismiss)
            self._announce(self._warden.jail)
        return self._warden

    def _bury_warden(self) -> None:
        if self._warden:
            self._warden.dismiss()
        self._warden = None

    def _regime(self) -> Regime:
        needs = find_needs(self._program)
        return Regime(
            program=str(self._program),
            needs=(*map(str, needs.libraries), *map(str, self._needs)),
            runs=tuple(map(str, needs.loaders)),
            layers=self._layers,
            environment=(*_ENVIRONMENT, *(f"{name}={value}" for name, value in _passed_on().items())),
        )

    def _announce(self, jail: Jail) -> None:
        """Say once what the kernel does and does not offer."""
        if jail == self._jail:
            return
        self._jail = jail
        if jail.absent:
            log.warning("decoder_jail_incomplete", layers=jail.layers, absent=jail.absent)
        else:
            log.debug("decoder_jailed", layers=jail.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A warden at work."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    jail: Jail

    def dismiss(self) -> None:
        _dismiss(self.process, self.control)


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _start_warden(regime: Regime, *, nowhere: int) -> _Running:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [*_PROGRAM, str(theirs.fileno()), str(nowhere)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"LC_ALL": "C", **_passed_on()},
            cwd="/",
            pass_fds=(theirs.fileno(), nowhere),
            start_new_session=True,
        )
    try:
        control.settimeout(_TRIAL_S)
        control.send(pack_regime(regime))
        offered = read_offered(control.recv(_MESSAGE_BYTES))
    except (OSError, Unintelligible) as error:
        _dismiss(process, control)
        raise WardenLost(f"the warden did not start: {error}") from error
    control.settimeout(None)
    return _Running(process=process, control=control, jail=describe_jail(offered, asked=regime.layers))


def _dismiss(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(timeout=_LAST_WORD_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=_LAST_WORD_S)


def _open_nowhere() -> int:
    """Open a folder that is already deleted: empty for ever, and not left behind even by a kill -9."""
    folder = tempfile.mkdtemp(prefix="voxtrald-")
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    Path(folder).rmdir()
    return opened
