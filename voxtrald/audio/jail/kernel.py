"""Asks the kernel for what the standard library has no function for; the only place with foreign function calls."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
"""linux/prctl.h; prctl(2)."""


def prctl(option: int, *arguments: int | bytes) -> int:
    """Change something about this process (prctl in section 2 of the manual). A buffer is handed over by its address.

    Raises:
        OSError: the kernel does not do that.
    """
    filled = (*arguments, *(0,) * (4 - len(arguments)))
    return _checked(_LIBC.prctl(option, *map(_argument, filled)))


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by number (syscall in section 2 of the manual). A buffer is handed over by its address.

    Raises:
        OSError: the kernel refuses, or does not know the call.
    """
    return _checked(_LIBC.syscall(ctypes.c_long(number), *map(_argument, arguments)))


def address(buffer: bytes) -> int:
    """Give the address of a buffer, which must be kept as long as that is used."""
    return ctypes.cast(ctypes.c_char_p(buffer), ctypes.c_void_p).value or 0


def _argument(value: int | bytes | None) -> ctypes.c_ulong | ctypes.c_char_p:
    # As wide as a register: a plain int would be handed over as 32 bits.
    return ctypes.c_ulong(value) if isinstance(value, int) else ctypes.c_char_p(value)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
