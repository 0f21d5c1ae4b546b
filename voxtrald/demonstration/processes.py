"""Other programs that the demonstration starts: pip, and the daemon as a person would start it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.trouble import DemoFailed

POLL_S = 0.1
STOP_PATIENCE_S = 30.0

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How a program ended, and what it said."""

    code: int
    told: str


def call(command: Sequence[str | Path], *, patience: Patience) -> Called:
    """Run a program to its end.

    Raises:
        DemoEnded: a signal came; the program is not running any more.
        DemoFailed: it cannot be started.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        with _started(command, output=told.fileno(), environ=os.environ) as process:
            while process.poll() is None:
                patience.pause(POLL_S)
        told.seek(0)
        return Called(code=process.returncode, told=told.read())


@dataclass(slots=True, kw_only=True)
class RunningDaemon:
    """The daemon and what it has logged so far."""

    process: subprocess.Popen[bytes]
    log: Path
    _read_bytes: int = 0

    def fresh(self) -> list[Event]:
        """Give the events since the last look.

        Raises:
            DemoFailed: the daemon has ended.
        """
        code = self.process.poll()
        if code is not None:
            raise DemoFailed(f"the daemon ended with exit code {code}")
        with self.log.open("rb") as file:
            file.seek(self._read_bytes)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

    def stop(self) -> None:
        """Stop it as a service manager would.

        Raises:
            DemoFailed: it did not end well.
        """
        self.process.terminate()
        try:
            code = self.process.wait(timeout=STOP_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise DemoFailed("the daemon did not stop when it was told to") from error
        if code != 0:
            raise DemoFailed(f"the daemon ended with exit code {code} when it was told to stop")


@contextlib.contextmanager
def running_daemon(
    command: Sequence[str | Path], *, config: Path, log: Path, environ: Mapping[str, str]
) -> Iterator[RunningDaemon]:
    """Run the daemon; whatever happens, leave nothing running behind.

    Raises:
        DemoFailed: it cannot be started.
    """
    with log.open("wb") as target:
        started = _started([*command, "run", "--config", config], output=target.fileno(), environ=environ)
        with started as process:
            yield RunningDaemon(process=process, log=log)


@contextlib.contextmanager
def _started(
    command: Sequence[str | Path], *, output: int, environ: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a session of its own, so that Ctrl-C comes to us alone; end it and its children in the end."""
    try:
        process = subprocess.Popen(
            list(map(str, command)),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except OSError as error:
        raise DemoFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a program end in order, or kill it and what it has started."""
    process.terminate()
    try:
        process.wait(timeout=STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it leads its session, and is not reaped yet: the id is still its own
