"""What happens to a child between fork and exec: it gives up everything that a decoder does not need."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

from voxtrald.audio.jail import kernel, landlock, seccomp
from voxtrald.audio.jail.orders import ABSENT, LANDLOCK, PRIVILEGES, SECCOMP, Offered, Order, Regime

NEEDED_BY_ALL: Final = ("/dev/null", "/dev/urandom", "/etc/ld.so.cache", "/etc/ld.so.preload")
"""What any program may read; not one of them tells anything about the machine's people."""

FILES_OPEN: Final = 64
TO_DIE_FIRST: Final = 1000
"""Where memory ends, the kernel ends ffmpeg and not the daemon; proc_pid_oom_score_adj(5)."""

_ONLY_MINE: Final = 0o077
_STAT_BYTES: Final = 4096
_RESTORED: Final = (
    *(signal.SIGPIPE, signal.SIGXFSZ),  # which Python ignores
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP),  # which the warden ignores
)


class StepFailed(Exception):
    """A step on the way into the jail failed: its name, and the error's number."""

    def __init__(self, step: str, code: int) -> None:
        super().__init__(step, code)
        self.step = step
        self.code = code


class Surroundings(NamedTuple):
    """What a child gets from the warden.

    Attributes:
        warden: the warden's process id.
        nowhere: an empty folder, open, to stand in.
        streams: what becomes stdin, stdout and stderr.
    """

    warden: int
    nowhere: int
    streams: tuple[int, int, int]


class Walls(NamedTuple):
    """The layers to put on, found out once: the version of Landlock (or `ABSENT`), and the filter (or nothing)."""

    privileges: bool
    landlock_abi: int
    filter: bytes


def plan_walls(regime: Regime, offered: Offered) -> Walls:
    """Choose what is both wished and offered."""
    layers = set(regime.layers) - {name for name, _ in offered.absent}
    return Walls(
        privileges=PRIVILEGES in layers,
        landlock_abi=offered.landlock_abi if LANDLOCK in layers else ABSENT,
        filter=seccomp.write_filter(seccomp.find_machine()) if SECCOMP in layers else b"",
    )


def become(order: Order, *, regime: Regime, walls: Walls, surroundings: Surroundings) -> NoReturn:
    """Turn this process, just forked, into a jailed ffmpeg.

    Raises:
        StepFailed: it did not get that far; the process can only exit.
    """
    with _step("settle"):
        _settle(surroundings)
    with _step("target"):
        is_folder = _make_target(order.writes)
    with _step("limits"):
        _limit(order)
    if order.one_processor:
        _stay()
    confine(order, regime=regime, walls=walls, is_folder=is_folder)
    environment = dict(word.split("=", 1) for word in regime.environment)
    with _step("exec"):
        os.execve(regime.program, [regime.program, *order.arguments], environment)  # noqa: S606  # that there is no shell is the point


def confine(order: Order, *, regime: Regime, walls: Walls, is_folder: bool) -> None:
    """Put on the walls, from which there is no way back.

    Raises:
        StepFailed: one that the kernel offered could not be put on.
    """
    if walls.privileges:
        with _step(PRIVILEGES):
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if walls.landlock_abi != ABSENT:
        with _step(LANDLOCK):
            _fence(order, regime=regime, abi=walls.landlock_abi, is_folder=is_folder)
    if walls.filter:
        with _step(SECCOMP):
            seccomp.shut(walls.filter)


def try_layers(regime: Regime) -> Offered:
    """Put on each layer that is wished and tell which there are not. For a child that does nothing else."""
    absent, abis = [], [ABSENT]
    trials: dict[str, Callable[[], object]] = {
        PRIVILEGES: lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1),
        LANDLOCK: lambda: abis.append(_try_landlock()),
        SECCOMP: _try_seccomp,
    }
    for name in regime.layers:
        try:
            trials[name]()
        except OSError as error:
            absent.append((name, error.strerror or str(error)))
    return Offered(landlock_abi=abis[-1], absent=tuple(absent))


def _try_landlock() -> int:
    abi = landlock.find_abi()
    landlock.Fence(abi).shut()
    return abi


def _try_seccomp() -> None:
    machine = seccomp.find_machine()
    if not seccomp.supports(machine):
        raise OSError(0, f"the system calls of {machine} are not listed")
    seccomp.shut(seccomp.write_filter(machine))


def _settle(surroundings: Surroundings) -> None:
    os.setsid()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != surroundings.warden:
        os._exit(1)  # it died before it could be our death
    os.fchdir(surroundings.nowhere)
    os.umask(_ONLY_MINE)
    for number, stream in enumerate(surroundings.streams):
        os.dup2(stream, number)
    for each in _RESTORED:
        signal.signal(each, signal.SIG_DFL)
    with contextlib.suppress(OSError):  # another limit on it stands
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        os.write(score, b"%d" % TO_DIE_FIRST)
        os.close(score)


def _limit(order: Order) -> None:
    limits = (
        (resource.RLIMIT_AS, order.memory_bytes),
        (resource.RLIMIT_CPU, order.cpu_s),
        (resource.RLIMIT_FSIZE, order.file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES_OPEN),
        # Not the number of processes: that counts all of this user's, whatever started them.
    )
    for kind, most in limits:
        allowed = resource.getrlimit(kind)[1]
        lowest = most if allowed == resource.RLIM_INFINITY else allowed if most < 0 else min(most, allowed)
        resource.prlimit(0, kind, (lowest, lowest))  # a service may be forbidden setrlimit itself


def _stay() -> None:
    """Stay on this processor, and let no thread interrupt another one: see `Bounds.one_processor`."""
    with contextlib.suppress(OSError):  # a service may be forbidden it; then it costs more
        os.sched_setaffinity(0, {_processor()})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _processor() -> int:
    """Where this process runs, which was idle just now: field 39 of proc_pid_stat(5)."""
    stat = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    fields = os.read(stat, _STAT_BYTES).rpartition(b")")[2].split()
    os.close(stat)
    return int(fields[36])


def _make_target(path: str) -> bool:
    """Make the file to be written, so that no right to make files is needed; say whether it is a folder."""
    if not path:
        return False
    if os.path.isdir(path):  # noqa: PTH112  # pathlib would make the warden larger
        return True
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    return False


def _fence(order: Order, *, regime: Regime, abi: int, is_folder: bool) -> None:
    fence = landlock.Fence(abi)
    for program in (regime.program, *regime.runs):
        fence.allow(program, landlock.EXECUTE | landlock.READ_FILE)
    for need in (*NEEDED_BY_ALL, *regime.needs):
        fence.allow(need, landlock.READ_FILE, below=True)
    fence.allow(order.reads, landlock.READ_FILE)
    if order.writes:
        making = landlock.MAKE_REG if is_folder else 0
        writing = landlock.READ_FILE | landlock.WRITE_FILE | landlock.TRUNCATE
        fence.allow(order.writes, writing | making, below=is_folder)
    fence.shut()


@contextlib.contextmanager
def _step(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise StepFailed(name, getattr(error, "errno", None) or 0) from error
