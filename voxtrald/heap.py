"""The C library's heap, kept small in a process of many threads."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h of the GNU C library
_ARENAS: Final = 2


def bound_arenas() -> None:
    """Let all threads share two arenas; to be called before the first of them starts.

    The GNU C library gives threads that allocate at the same time arenas of their own, up to eight for each core, and
    none of them gives back what lies below its topmost block: the sum of all peaks stays, although hardly any of them
    is one at the same time (mallopt(3), M_ARENA_MAX). Most of our objects lie in Python's own arenas, so that there is
    little to wait for. Other C libraries have no arenas, and nothing happens.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
