"""One thread of a process stands still, as in a deadlock; the others go on."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_DETACH = 17
ALL_THREADS = 0x40000000  # __WALL of waitpid(2)


@contextlib.contextmanager
def frozen(thread: int) -> Iterator[None]:
    """Stop a thread, given by its id, as a debugger does; it goes on when the block ends, if it lives."""
    _trace(PTRACE_SEIZE, thread)
    _trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, ALL_THREADS)
    try:
        yield
    finally:
        try:
            _trace(PTRACE_DETACH, thread)
        except ProcessLookupError:  # being killed just now: the kernel keeps it until its tracer has taken note
            while os.WIFSTOPPED(os.waitpid(thread, ALL_THREADS)[1]):
                pass


def _trace(request: int, thread: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
