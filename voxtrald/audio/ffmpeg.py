"""Runs ffmpeg, and is the only place that does: in its jail, never too many, none left behind, all stoppable."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from voxtrald.audio.commands import Command
from voxtrald.audio.complaining import Complaints, fold
from voxtrald.audio.faults import find_file_fault
from voxtrald.audio.finding import HINT, NO_WRAPPER
from voxtrald.audio.jail.keeper import Inmate, Jail, Keeper, Unstartable, WardenLost
from voxtrald.audio.jail.orders import LAYERS, Order
from voxtrald.audio.slots import TURN_S, MayWait, Slots, in_a_hurry
from voxtrald.errors import (
    DependencyError,
    Reason,
    RecordingError,
    StopRequested,
    StorageUnavailable,
    VoxtraldError,
)
from voxtrald.stopping import Stop

log = structlog.get_logger()

_READ_BYTES: Final = 1 << 16
_STDOUT_BYTES: Final = 1 << 20
_STDERR_BYTES: Final = 1 << 13
_FLOOD_BYTES: Final = 1 << 28
"""The most it may complain, of which little is kept. A damaged recording of a day comes to a quarter of it."""

_MEMORY_BYTES: Final = 2 << 30
_LAST_WORD_S: Final = 5.0
_IDLE_SHARE: Final = 0.2
_TRICKLE: Final = 10
_NOT_LOADED: Final = 127
"""How the loader ends a program whose libraries it cannot open."""

_LOST: Final = "look for what kills processes here, such as a limit on memory; the next start goes on"


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
        timeout_s: wall time without a sign of life after which it is killed; also its CPU time, and a tenth of all
            the time it gets.
        file_bytes: the largest file it may write.
        stdout_bytes: the most it may say; a child that says more is ended.
        stderr_bytes: how much of its complaints is kept.
        one_processor: whether it stays on one. Its threads hand each other three hundred thousand frames for an hour of
            sound; where the next one need not be woken for each, on another processor, all of it costs half, and takes
            longer.
    """

    timeout_s: float
    file_bytes: int = resource.RLIM_INFINITY
    stdout_bytes: int = _STDOUT_BYTES
    stderr_bytes: int = _STDERR_BYTES
    one_processor: bool = False

    @property
    def wall_s(self) -> float:
        """How long it may take in all, though it gives signs of life; the time its reader takes is not counted."""
        return _TRICKLE * self.timeout_s

    @property
    def cpu_s(self) -> int:
        """How long it may compute, which the kernel sees to."""
        return int(self.timeout_s) + 60


class Ffmpeg:
    """Runs ffmpeg for all threads.

    Every child has no stdin, a session of its own, an empty folder to stand in, and a jail around it (see `jail`). It
    is killed when stop is asked for, when it is stuck, and when whoever reads it goes away.
    """

    def __init__(
        self,
        binary: Path,
        *,
        slots: int,
        stop: Stop,
        monotonic_s: Callable[[], float] = time.monotonic,
        layers: Sequence[str] = LAYERS,
    ) -> None:
        self.binary = binary
        self._monotonic_s = monotonic_s
        self._slots = Slots(slots)
        self._stop = stop
        self._keeper = Keeper(binary, layers=layers)

    def run(self, command: Command, *, source: Path, bounds: Bounds) -> Finished:
        """Run ffmpeg to its end, at most `slots` of them at once.

        Args:
            command: what it does, and the files it may touch; made by `commands`.
            source: the recording it reads, for what is said when it gets stuck.
            bounds: what it may use.

        Raises:
            StopRequested: stop was asked for; says nothing about the recording.
            RecordingError: it got stuck in the recording.
            StorageUnavailable: it got stuck waiting for the recording's storage, or its file cannot be made.
            DependencyError: it could not be started.
        """
        pieces: list[bytes] = []
        with self._slots.taken(heed=self._heed_stop):
            finished = self._run(command, source=source, bounds=bounds, begin=pieces.clear, take=pieces.append)
        return replace(finished, stdout=b"".join(pieces))

    def feed(
        self,
        command: Command,
        *,
        source: Path,
        bounds: Bounds,
        feed: Callable[[bytes], None],
        may_wait: MayWait = in_a_hurry,
    ) -> Finished:
        """Run ffmpeg to its end and hand over what it says on stdout as it comes, in pieces of any size.

        What it says must depend on the command alone. Raises as `run` does; see `Slots` for `may_wait`.
        """
        unseen = _Unseen(feed)
        with self._slots.taken(heed=self._heed_stop, may_wait=may_wait):
            return self._run(command, source=source, bounds=bounds, begin=unseen.begin, take=unseen.take)

    def jail(self) -> Jail:
        """Make sure that this ffmpeg runs in its jail, and say what that is made of.

        Raises:
            StopRequested: stop was asked for.
            DependencyError: it does not run in there.
        """
        asked = Command(arguments=("-version",), reads=self.binary)
        finished = self.run(asked, source=self.binary, bounds=Bounds(timeout_s=30.0))
        if finished.returncode != 0:
            raise DependencyError(f"{self.binary} does not run in its jail: {finished.complaint}", hint=NO_WRAPPER)
        return self._keeper.jail

    def close(self) -> None:
        """End what is running and whoever runs it; without this, that happens when the last reference is gone."""
        self._keeper.close()

    def _run(
        self,
        command: Command,
        *,
        source: Path,
        bounds: Bounds,
        begin: Callable[[], None],
        take: Callable[[bytes], None],
    ) -> Finished:
        """Run once, and once more if that was lost without being to blame."""
        try:
            try:
                begin()
                return self._attend(command, source=source, bounds=bounds, take=take)
            except WardenLost:
                log.warning("warden_lost", recording=source.name)
                begin()
                return self._attend(command, source=source, bounds=bounds, take=take)
        except WardenLost as error:
            raise DependencyError(f"{self.binary} was lost twice: {error}", hint=_LOST) from error

    def _heed_stop(self) -> None:
        if self._stop.is_set():
            raise StopRequested("stopped while working on audio")

    def _attend(self, command: Command, *, source: Path, bounds: Bounds, take: Callable[[bytes], None]) -> Finished:
        self._heed_stop()
        complaints = Complaints(limit=bounds.stderr_bytes)
        try:
            with self._inmate(command, bounds) as inmate:
                for is_stdout, piece in self._pieces(inmate, source=source, bounds=bounds):
                    (take if is_stdout else complaints.add)(piece)
                inmate.wait(_LAST_WORD_S)
        except Unstartable as error:
            raise self._why_unstartable(error, command=command, source=source) from error
        # One that even a kill has not ended yet counts as killed.
        returncode = -signal.SIGKILL if inmate.returncode is None else inmate.returncode
        if returncode != 0:
            # A stop of the whole service reaches the child too, and then looks like a failed conversion.
            self._heed_stop()
        finished = Finished(returncode=returncode, stderr=str(complaints))
        self._require_loaded(finished)
        return finished

    @contextlib.contextmanager
    def _inmate(self, command: Command, bounds: Bounds) -> Iterator[Inmate]:
        try:
            inmate = self._keeper.start(_order(command, bounds))
        except OSError as error:
            raise DependencyError(f"{self.binary} could not be started: {error}", hint=HINT) from error
        try:
            yield inmate
        finally:
            inmate.end()

    def _pieces(self, inmate: Inmate, *, source: Path, bounds: Bounds) -> Iterator[tuple[bool, bytes]]:
        """Yield what the child says as (is it stdout?, bytes) until both ends are closed."""
        room = {True: bounds.stdout_bytes, False: _FLOOD_BYTES}
        silent_s = waited_s = 0.0
        with _listening(inmate) as selector:
            while selector.get_map():
                # The time between two looks is our reader's, who may pause for long.
                began_s = self._monotonic_s()
                ready = selector.select(TURN_S)
                took_s = self._monotonic_s() - began_s
                self._heed_stop()
                silent_s, waited_s = 0.0 if ready else silent_s + took_s, waited_s + took_s
                if silent_s > bounds.timeout_s or waited_s > bounds.wall_s:
                    raise _stuck(inmate, source=source, after_s=min(waited_s, bounds.wall_s))
                for key, _ in ready:
                    piece = os.read(key.fd, _READ_BYTES)
                    room[key.data] -= len(piece)
                    if not piece or room[key.data] < 0:
                        _hang_up(selector, key)
                    yield key.data, piece

    def _why_unstartable(self, error: Unstartable, *, command: Command, source: Path) -> VoxtraldError:
        reason = OSError(error.code, os.strerror(error.code))
        if error.step == "target" and command.writes:
            return find_file_fault(reason, source=source, work=command.writes.parent)
        return DependencyError(f"{self.binary} could not be started ({error.step}): {reason.strerror}", hint=NO_WRAPPER)

    def _require_loaded(self, finished: Finished) -> None:
        """Blame no recording for libraries that an upgrade has just taken away."""
        if finished.returncode == _NOT_LOADED and "shared librar" in finished.stderr:
            raise DependencyError(f"{self.binary} does not start: {finished.complaint}", hint=HINT)


def _order(command: Command, bounds: Bounds) -> Order:
    return Order(
        arguments=("-nostdin", "-hide_banner", *command.arguments),
        reads=str(command.reads.absolute()),
        writes=str(command.writes.absolute()) if command.writes else "",
        memory_bytes=_MEMORY_BYTES,
        cpu_s=bounds.cpu_s,
        file_bytes=bounds.file_bytes,
        one_processor=bounds.one_processor,
    )


class _Unseen:
    """Hands over what was not handed over before, when all of it comes a second time."""

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._seen = 0
        self._position = 0

    def begin(self) -> None:
        """Begin at the start again."""
        self._position = 0

    def take(self, piece: bytes) -> None:
        """Take the next bytes."""
        news = piece[max(0, self._seen - self._position) :]
        self._position += len(piece)
        self._seen = max(self._seen, self._position)
        if news:
            self._feed(news)


def _hang_up(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Stop listening to an end. A child that goes on talking to it dies of it, and cannot fill our memory."""
    selector.unregister(key.fileobj)
    key.fileobj.close()  # type: ignore[union-attr]  # we registered file objects


@contextlib.contextmanager
def _listening(inmate: Inmate) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        for stream in (inmate.stdout, inmate.stderr):
            selector.register(stream, selectors.EVENT_READ, stream is inmate.stdout)
        yield selector


def _stuck(inmate: Inmate, *, source: Path, after_s: float) -> VoxtraldError:
    """Say whose fault a stuck child is: one that hardly computed was waiting for the storage."""
    inmate.wait(0.0)  # to hear its number
    if inmate.pid is None or _cpu_s(inmate.pid) < _IDLE_SHARE * after_s:
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
