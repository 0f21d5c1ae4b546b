"""Confines this process to a few files by Landlock, see landlock(7).

Own code, since the one package for it on PyPI has not come beyond a development release: three system calls, whose
numbers are the same on every architecture and whose interface the kernel keeps.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import Final

from voxtrald.audio.jail import kernel

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
MAKE_REG: Final = 1 << 8
REFER: Final = 1 << 13
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15
"""linux/landlock.h"""

_FIRST_RIGHTS: Final = (1 << 13) - 1
_LATER_RIGHTS: Final = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
_NET_SINCE: Final = 4
_NET_RIGHTS: Final = 0b11  # bind and connect of TCP
_SCOPES_SINCE: Final = 6
_SCOPES: Final = 0b11  # abstract Unix sockets and signals to processes outside
_FILE_RIGHTS: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


def find_abi() -> int:
    """Ask which version of the interface the kernel has.

    Raises:
        OSError: it has none, or it is switched off.
    """
    return kernel.syscall(_CREATE_RULESET, None, 0, _VERSION)


def handled_rights(abi: int) -> int:
    """Give all rights to files that a version knows. What is handled is refused unless a rule allows it. Pure."""
    rights = _FIRST_RIGHTS
    for since, right in _LATER_RIGHTS:
        rights |= right * (abi >= since)
    return rights


def ruleset(abi: int) -> bytes:
    """Write a `struct landlock_ruleset_attr` that refuses all a version can refuse. Pure."""
    words = [handled_rights(abi)]
    if abi >= _NET_SINCE:
        words.append(_NET_RIGHTS)
    if abi >= _SCOPES_SINCE:
        words.append(_SCOPES)
    return struct.pack(f"={len(words)}Q", *words)


class Fence:
    """What will be allowed, until this process shuts itself in.

    Raises OSError, in each method, where the kernel refuses.
    """

    def __init__(self, abi: int) -> None:
        self._rights = handled_rights(abi)
        attributes = ruleset(abi)
        self._ruleset = kernel.syscall(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, path: str, rights: int, *, below: bool = False) -> None:
        """Allow something with a file, or with what is below a folder where that is meant.

        A path that leads nowhere allows nothing, and neither does a folder in the place of a file.
        """
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self._allow(place, rights, below=below)
        finally:
            os.close(place)

    def shut(self) -> None:
        """Shut this process in, and all that it starts, for good."""
        kernel.syscall(_RESTRICT_SELF, self._ruleset, 0)
        os.close(self._ruleset)

    def _allow(self, place: int, rights: int, *, below: bool) -> None:
        is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
        if is_folder and not below:
            return
        fitting = rights & self._rights & (self._rights if is_folder else _FILE_RIGHTS)
        rule = struct.pack("=Qi", fitting, place)
        kernel.syscall(_ADD_RULE, self._ruleset, _RULE_PATH_BENEATH, rule, 0)
