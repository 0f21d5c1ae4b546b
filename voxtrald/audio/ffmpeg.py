"""Starts ffmpeg, and is the only place that does: never too many, none left behind, all stoppable."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from voxtrald.audio.complaining import Complaints, fold
from voxtrald.errors import (
    DependencyError,
    Reason,
    RecordingError,
    StopRequested,
    StorageUnavailable,
    VoxtraldError,
)
from voxtrald.stopping import Stop

TURN_S: Final = 0.1
"""How long a stop may go unheard while a child is silent."""

_READ_BYTES: Final = 1 << 16
_STDOUT_BYTES: Final = 1 << 20
_STDERR_BYTES: Final = 1 << 13
_MEMORY_BYTES: Final = 2 << 30
_LAST_WORD_S: Final = 5.0
_IDLE_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended.

    Attributes:
        returncode: differs between versions of ffmpeg for one and the same fault: no ground for a decision.
        stderr: beginning and end of what it said there.
        stdout: what it wrote there; empty where that was streamed.
    """

    returncode: int
    stderr: str
    stdout: bytes = b""

    @property
    def complaint(self) -> str:
        """What it complained about, repeats folded; empty where it was content."""
        return fold(self.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a child may use.

    Attributes:
        timeout_s: wall time without a sign of life after which it is killed; also its CPU time, which ends it
            where we are no longer there to do so.
        file_bytes: the largest file it may write.
        stdout_bytes: the most it may say; a child that says more is ended.
        stderr_bytes: how much of its complaints is kept.
    """

    timeout_s: float
    file_bytes: int = resource.RLIM_INFINITY
    stdout_bytes: int = _STDOUT_BYTES
    stderr_bytes: int = _STDERR_BYTES


def find_ffmpeg(configured: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Find the ffmpeg to use: the configured one, else `$VOXTRALD_FFMPEG`, else the one of imageio-ffmpeg.

    Raises:
        DependencyError: there is none, or it does not run.
    """
    wish = str(configured or environ.get("VOXTRALD_FFMPEG") or "")
    binary = _resolve(wish) if wish else _bundled()
    try:
        said = subprocess.run(
            [binary, "-hide_banner", "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise DependencyError(f"{binary} does not run: {error}", hint=_HINT) from error
    if not said.startswith(b"ffmpeg version"):
        raise DependencyError(f"{binary} is not an ffmpeg", hint=_HINT)
    return binary


_HINT: Final = "set audio.ffmpeg or $VOXTRALD_FFMPEG to an ffmpeg program of version 5 or newer"


def _resolve(wish: str) -> Path:
    found = wish if os.sep in wish else shutil.which(wish)
    if found is None:
        raise DependencyError(f"there is no program called {wish}", hint=_HINT)
    # Absolute, because children run in a folder of their own.
    return Path(found).absolute()


def _bundled() -> Path:
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()
    except RuntimeError as error:
        raise DependencyError("imageio-ffmpeg brought no ffmpeg for this machine", hint=_HINT) from error


class Ffmpeg:
    """Runs ffmpeg for all threads.

    Every child has no stdin, a session of its own, an empty folder to stand in, and limits on memory, CPU time
    and file size. It is killed when stop is asked for, when it is stuck, and when whoever reads it goes away.
    """

    def __init__(
        self,
        binary: Path,
        *,
        slots: int,
        stop: Stop,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.binary = binary
        self._monotonic_s = monotonic_s
        self._slots = threading.BoundedSemaphore(slots)
        self._stop = stop
        self._nowhere = _open_nowhere()
        weakref.finalize(self, os.close, self._nowhere)

    def run(self, arguments: Sequence[str], *, source: Path, bounds: Bounds) -> Finished:
        """Run ffmpeg to its end, at most `slots` of them at once.

        Args:
            arguments: everything after the program's name; made by `commands`.
            source: the recording it reads, for what is said when it gets stuck.
            bounds: what it may use.

        Raises:
            StopRequested: stop was asked for; says nothing about the recording.
            RecordingError: it got stuck in the recording.
            StorageUnavailable: it got stuck waiting for the recording's storage.
            DependencyError: it could not be started.
        """
        self._take_slot()
        try:
            child = self._stream(arguments, source=source, bounds=bounds)
            stdout, finished = _collect(child)
        finally:
            self._slots.release()
        return Finished(returncode=finished.returncode, stderr=finished.stderr, stdout=stdout)

    def lines(self, arguments: Sequence[str], *, source: Path, bounds: Bounds) -> Generator[str, None, Finished]:
        """Run ffmpeg and yield its lines on stdout as they come; the generator's value says how it ended.

        Takes no slot: it serves packet copies, which are bound by the disk, and whose reader may pause for
        minutes while chunks wait for the uplink. A slot held so long would starve every other recording.
        Raises as `run` does.
        """
        child = self._stream(arguments, source=source, bounds=bounds)
        rest = b""
        try:
            while True:
                *lines, rest = (rest + next(child)).split(b"\n")
                for line in lines:
                    yield os.fsdecode(line)
        except StopIteration as end:
            finished: Finished = end.value
            return finished
        finally:
            child.close()

    def _take_slot(self) -> None:
        while not self._slots.acquire(timeout=TURN_S):
            self._heed_stop()

    def _heed_stop(self) -> None:
        if self._stop.is_set():
            raise StopRequested("stopped while working on audio")

    def _stream(self, arguments: Sequence[str], *, source: Path, bounds: Bounds) -> Generator[bytes, None, Finished]:
        self._heed_stop()
        with self._child(arguments, bounds) as child:
            complaints = Complaints(limit=bounds.stderr_bytes)
            for is_stdout, piece in self._pieces(child, source=source, bounds=bounds):
                if is_stdout:
                    yield piece
                else:
                    complaints.add(piece)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=_LAST_WORD_S)
        if child.returncode != 0:
            # A stop of the whole service reaches the child too, and then looks like a failed conversion.
            self._heed_stop()
        return Finished(returncode=child.returncode, stderr=str(complaints))

    @contextlib.contextmanager
    def _child(self, arguments: Sequence[str], bounds: Bounds) -> Iterator[subprocess.Popen[bytes]]:
        try:
            child = subprocess.Popen(
                [self.binary, "-nostdin", "-hide_banner", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=f"/proc/self/fd/{self._nowhere}",
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise DependencyError(f"{self.binary} could not be started: {error}", hint=_HINT) from error
        try:
            _limit(child.pid, bounds)
            yield child
        finally:
            _end(child)

    def _pieces(self, child: subprocess.Popen[bytes], *, source: Path, bounds: Bounds) -> Iterator[tuple[bool, bytes]]:
        """Yield what the child says as (is it stdout?, bytes) until both ends are closed."""
        silent_since_s, room = self._monotonic_s(), bounds.stdout_bytes
        with _listening(child) as selector:
            while selector.get_map():
                ready = selector.select(TURN_S)
                self._heed_stop()
                if not ready and self._monotonic_s() - silent_since_s > bounds.timeout_s:
                    raise _stuck(child, source=source, after_s=bounds.timeout_s)
                for key, _ in ready:
                    piece = os.read(key.fd, _READ_BYTES)
                    room -= len(piece) if key.data else 0
                    if not piece or room < 0:
                        _hang_up(selector, key)
                    yield key.data, piece
                # Counted from here: whoever reads us may have paused for long.
                silent_since_s = self._monotonic_s() if ready else silent_since_s


def _hang_up(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Stop listening to an end. A child that goes on talking to it dies of it, and cannot fill our memory."""
    selector.unregister(key.fileobj)
    key.fileobj.close()  # type: ignore[union-attr]  # we registered file objects


def _open_nowhere() -> int:
    """Open a folder that is already deleted: empty for ever, and not left behind even by a kill -9."""
    folder = tempfile.mkdtemp(prefix="voxtrald-")
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    Path(folder).rmdir()
    return opened


def _collect(child: Generator[bytes, None, Finished]) -> tuple[bytes, Finished]:
    pieces = []
    while True:
        try:
            pieces.append(next(child))
        except StopIteration as end:
            finished: Finished = end.value
            return b"".join(pieces), finished


@contextlib.contextmanager
def _listening(child: subprocess.Popen[bytes]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, stream is child.stdout)
        yield selector


def _limit(pid: int, bounds: Bounds) -> None:
    """Limit a child that has just started: between fork and exec is no safe place beside threads."""
    cpu_s = int(bounds.timeout_s) + 60
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (bounds.file_bytes, bounds.file_bytes))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the child behind, whatever happened."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        # A process that waits for a dead share cannot be killed until the share is back: do not wait with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=_LAST_WORD_S)
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()


def _stuck(child: subprocess.Popen[bytes], *, source: Path, after_s: float) -> VoxtraldError:
    """Say whose fault a stuck child is: one that hardly computed was waiting for the storage."""
    if _cpu_s(child.pid) < _IDLE_SHARE * after_s:
        return StorageUnavailable(f"reading {source.name} got no answer for {after_s:.0f} s", path=source)
    return RecordingError(
        Reason.UNREADABLE,
        f"ffmpeg made no progress on {source.name} for {after_s:.0f} s",
        hint="the file may be damaged or made to waste time; play it once and save it anew",
    )


def _cpu_s(pid: int) -> float:
    """CPU seconds used by a process: fields 14 and 15 of /proc/PID/stat, see proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
