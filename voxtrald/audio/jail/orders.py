"""What the daemon and the warden say to each other. Pure.

The warden has to stay small, so that only the lightest parts of the standard library are imported here: these values
are named tuples because dataclasses would add a fifth to its memory.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LANDLOCK: Final = "landlock"
SECCOMP: Final = "seccomp"
PRIVILEGES: Final = "no new privileges"
LAYERS: Final = (PRIVILEGES, LANDLOCK, SECCOMP)
"""What the kernel may offer or not, in the order in which it is put on. Limits there are always."""

ABSENT: Final = -1

_SEPARATOR: Final = b"\0"  # the one byte that neither a path nor an argument can have


class Unintelligible(ValueError):
    """A message is none of ours."""


class Regime(NamedTuple):
    """What is the same for every run.

    Attributes:
        program: what may be executed.
        needs: files and folders that the program reads for itself, such as its loader and libraries.
        runs: those of `needs` that are executed to start it: the loader.
        layers: those of `LAYERS` to put on; fewer only in tests.
        environment: all that the program sees of one, as `NAME=value`.
    """

    program: str
    needs: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    layers: tuple[str, ...] = LAYERS
    environment: tuple[str, ...] = ()


class Order(NamedTuple):
    """One run.

    Attributes:
        arguments: everything after the program's name.
        reads: the one file it may read.
        writes: the file it may write, which is made, or the folder it may make files in; empty for neither.
        memory_bytes, cpu_s, file_bytes: its limits, see setrlimit(2).
        one_processor: whether all of its threads stay where it starts.
    """

    arguments: tuple[str, ...]
    reads: str
    writes: str
    memory_bytes: int
    cpu_s: int
    file_bytes: int
    one_processor: bool = False


class Started(NamedTuple):
    """The child exists."""

    pid: int


class Ended(NamedTuple):
    """The child is gone: its exit code, or the negative number of the signal that ended it."""

    returncode: int


class Failed(NamedTuple):
    """The child did not get as far as to be ffmpeg: at which step, and the error's number."""

    step: str
    code: int


class Offered(NamedTuple):
    """What the kernel offers, as found out by a trial.

    Attributes:
        landlock_abi: the version of its interface; `ABSENT` where there is none.
        absent: those of the layers asked for that could not be put on, and why.
    """

    landlock_abi: int
    absent: tuple[tuple[str, str], ...] = ()


Report = Started | Ended | Failed


def pack_regime(regime: Regime) -> bytes:
    """Write a regime."""
    lists = (regime.needs, regime.runs, regime.layers, regime.environment)
    return _join([regime.program, *(str(len(each)) for each in lists), *(word for each in lists for word in each)])


def read_regime(message: bytes) -> Regime:
    """Read what `pack_regime` wrote.

    Raises:
        Unintelligible: it is something else.
    """
    program, *counts = (words := _split(message, at_least=5))[:5]
    lists, rest = [], words[5:]
    for count in map(_number, counts):
        lists.append(tuple(rest[:count]))
        rest = rest[count:]
    needs, runs, layers, environment = lists
    return Regime(program=program, needs=needs, runs=runs, layers=layers, environment=environment)


def pack_order(order: Order) -> bytes:
    """Write an order."""
    limits = (order.memory_bytes, order.cpu_s, order.file_bytes, int(order.one_processor))
    return _join([order.reads, order.writes, *map(str, limits), *order.arguments])


def read_order(message: bytes) -> Order:
    """Read what `pack_order` wrote.

    Raises:
        Unintelligible: it is something else.
    """
    reads, writes, memory, cpu, file, one_processor, *arguments = _split(message, at_least=6)
    return Order(
        arguments=tuple(arguments),
        reads=reads,
        writes=writes,
        memory_bytes=_number(memory),
        cpu_s=_number(cpu),
        file_bytes=_number(file),
        one_processor=bool(_number(one_processor)),
    )


def pack_report(report: Report) -> bytes:
    """Write how a run goes."""
    return _join([type(report).__name__, *map(str, report)])


def read_report(message: bytes) -> Report:
    """Read what `pack_report` wrote.

    Raises:
        Unintelligible: it is something else.
    """
    match _split(message, at_least=2):
        case ["Started", pid]:
            return Started(_number(pid))
        case ["Ended", returncode]:
            return Ended(_number(returncode))
        case ["Failed", step, code]:
            return Failed(step, _number(code))
    raise Unintelligible(repr(message))


def pack_offered(offered: Offered) -> bytes:
    """Write what the kernel offers."""
    return _join([str(offered.landlock_abi), *(word for pair in offered.absent for word in pair)])


def read_offered(message: bytes) -> Offered:
    """Read what `pack_offered` wrote.

    Raises:
        Unintelligible: it is something else.
    """
    abi, *words = _split(message, at_least=1)
    if len(words) % 2:
        raise Unintelligible(repr(message))
    return Offered(landlock_abi=_number(abi), absent=tuple(zip(words[::2], words[1::2], strict=True)))


def _join(words: list[str]) -> bytes:
    # Names of files may hold any bytes; Python shows those that are no text as surrogates.
    return _SEPARATOR.join(word.encode("utf-8", "surrogateescape") for word in words)


def _split(message: bytes, *, at_least: int) -> list[str]:
    words = [word.decode("utf-8", "surrogateescape") for word in message.split(_SEPARATOR)]
    if len(words) < at_least:
        raise Unintelligible(repr(message))
    return words


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise Unintelligible(repr(word)) from error
