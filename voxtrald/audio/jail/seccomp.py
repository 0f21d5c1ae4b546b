"""Leaves this process the few system calls that a decoder needs, see seccomp(2).

Own code: `pyseccomp` drives a library that has to be installed beside it, and writes the same two hundred instructions.
Anything not listed does not exist for ffmpeg (`ENOSYS`): no sockets, no other process, no signals, no ptrace, no keys,
no io_uring, no mounts, no change of modes and owners, which Landlock would not see.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from voxtrald.audio.jail import kernel


class Machine(NamedTuple):
    """What differs between architectures: its AUDIT_ARCH (linux/audit.h), and the column of its numbers below."""

    audit: int
    column: int


MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": Machine(audit=0xC000003E, column=0),
    "aarch64": Machine(audit=0xC00000B7, column=1),
}

_NONE: Final = -1

ALLOWED: Final[Mapping[str, tuple[int, int]]] = {
    # files that are open, or that Landlock allows to open
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "lseek": (8, 62), "ftruncate": (77, 46), "fsync": (74, 82), "fdatasync": (75, 83),
    "open": (2, _NONE), "openat": (257, 56), "close": (3, 57), "dup": (32, 23), "dup2": (33, _NONE),
    "dup3": (292, 24), "fadvise64": (221, 223), "stat": (4, _NONE), "lstat": (6, _NONE), "fstat": (5, 80),
    "newfstatat": (262, 79), "statx": (332, 291), "access": (21, _NONE), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, _NONE), "readlinkat": (267, 78), "getcwd": (79, 17),
    "pipe": (22, _NONE), "pipe2": (293, 59), "poll": (7, _NONE), "ppoll": (271, 73), "select": (23, _NONE),
    "pselect6": (270, 72),
    # memory
    "munmap": (11, 215), "mremap": (25, 216), "brk": (12, 214), "madvise": (28, 233), "msync": (26, 227),
    "mincore": (27, 232), "membarrier": (324, 283), "mlock": (149, 228), "munlock": (150, 229), "mlock2": (325, 284),
    # threads of its own
    "futex": (202, 98), "futex_waitv": (449, 449), "set_tid_address": (218, 96), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "exit": (60, 93), "exit_group": (231, 94), "arch_prctl": (158, _NONE),
    # signals to itself, by the kernel only
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    # clocks, chance, and what the machine is like
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, _NONE), "times": (100, 153), "getrandom": (318, 278),
    "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177),
    # to become ffmpeg; Landlock leaves nothing else to execute
    "execve": (59, 221),
}  # fmt: skip
"""Numbers on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and arm64 (include/uapi/asm-generic/unistd.h)."""


class Guard(NamedTuple):
    """Allows a call by one of its arguments, 0 to 5, of which the lower 32 bits are looked at.

    Attributes:
        values: the argument has to be one of these.
        needs: or else has to have all of these bits.
        lacks: or else must not have all of these bits.
    """

    argument: int
    values: tuple[int, ...] = ()
    needs: int = 0
    lacks: int = 0


_CLONE_THREAD: Final = 0x10000
_PROT_WRITE: Final = 2
_PROT_EXEC: Final = 4

GUARDED: Final[Mapping[str, tuple[int, int, Guard]]] = {
    "clone": (56, 220, Guard(argument=0, needs=_CLONE_THREAD)),  # clone3 does not exist: its flags are out of sight
    "mmap": (9, 222, Guard(argument=2, lacks=_PROT_WRITE | _PROT_EXEC)),
    "mprotect": (10, 226, Guard(argument=2, lacks=_PROT_EXEC)),
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC; others would have signals sent
    "fcntl": (72, 25, Guard(argument=1, values=(0, 1, 2, 3, 4, 1030))),
    "prctl": (157, 167, Guard(argument=0, values=(15, 16, 0x53564D41))),  # names of threads and of memory
    "prlimit64": (302, 261, Guard(argument=0, values=(0,))),  # its own
}

# linux/filter.h and linux/seccomp.h
_LOAD: Final = 0x20
_AND: Final = 0x54
_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_AUDIT_AT: Final = 4
_ARGUMENTS_AT: Final = 16
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERROR: Final = 0x00050000
_MODE_FILTER: Final = 2


def supports(machine: str) -> bool:
    """Whether the numbers of this architecture are known. Pure."""
    return machine in MACHINES


def write_filter(machine: str) -> bytes:
    """Write the filter as instructions of classic BPF, eight bytes each. Pure."""
    audit, column = MACHINES[machine]
    lines = [_load(_AUDIT_AT), *_unless_equal(audit, [_return(_KILL_PROCESS)]), _load(_NUMBER_AT)]
    for numbers in ALLOWED.values():
        if numbers[column] != _NONE:
            lines += _if_equal(numbers[column], [_return(_ALLOW)])
    for *guarded, guard in GUARDED.values():
        lines += _if_equal(guarded[column], _judge(guard))
    return b"".join([*lines, _return(_ERROR | errno.ENOSYS)])


def shut(program: bytes) -> None:
    """Put the filter on this process and on all that it starts, for good.

    Raises:
        OSError: the kernel has no seccomp, or something around us forbids it.
    """
    # struct sock_fprog: a count, padding, a pointer.
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, struct.pack("@HP", len(program) // 8, kernel.address(program)))


def find_machine() -> str:
    """Name the architecture we run on."""
    return os.uname().machine


def _judge(guard: Guard) -> list[bytes]:
    lines = [_load(_ARGUMENTS_AT + 8 * guard.argument)]
    refuse = [_return(_ERROR | errno.EPERM)]
    for value in guard.values:
        lines += _if_equal(value, [_return(_ALLOW)])
    if guard.needs:
        lines += [_line(_AND, guard.needs), *_if_equal(guard.needs, [_return(_ALLOW)])]
    if guard.lacks:
        lines += [_line(_AND, guard.lacks), *_unless_equal(guard.lacks, [_return(_ALLOW)])]
    return [*lines, *refuse]


def _load(offset: int) -> bytes:
    return _line(_LOAD, offset)


def _return(verdict: int) -> bytes:
    return _line(_RETURN, verdict)


def _if_equal(value: int, then: list[bytes]) -> list[bytes]:
    return [_line(_IF_EQUAL, value, if_not=len(then)), *then]


def _unless_equal(value: int, then: list[bytes]) -> list[bytes]:
    return [_line(_IF_EQUAL, value, if_so=len(then)), *then]


def _line(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
