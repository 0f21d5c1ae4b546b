"""Finds what a program needs to start: its loader, and the libraries that this will open."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ELF: Final = b"\x7fELF\x02\x01"  # 64 bits, little end first: the rest is not looked into
_INTERPRETER: Final = 3  # PT_INTERP, elf(5)
_NAMED: Final = re.compile(r"(?:=> |^\s+)(/.+?) \(0x[0-9a-f]+\)$", re.MULTILINE)
_USUAL: Final = tuple(map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")))
_LIST_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a program has to read beside itself, and what of it is executed to start it."""

    libraries: tuple[Path, ...] = ()
    loaders: tuple[Path, ...] = ()


def find_needs(program: Path) -> Needs:
    """Find the loader and the libraries of a program; a static one has none.

    Where the loader does not tell, the folders where libraries usually are take their place.
    """
    try:
        with program.open("rb") as file:
            loader = find_loader(file.read(1 << 16))
    except OSError:
        return Needs()  # starting it will say what is wrong
    if loader is None:
        return Needs()
    try:
        command = [loader, "--list", str(program)]
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIST_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return Needs(libraries=_USUAL, loaders=(Path(loader),))
    return Needs(libraries=read_libraries(os.fsdecode(said.stdout)), loaders=(Path(loader),))


def find_loader(head: bytes) -> str | None:
    """Find the loader that a program's head names, see elf(5). Pure."""
    if not head.startswith(_ELF):
        return None
    try:
        (table,) = struct.unpack_from("<Q", head, 0x20)
        size, count = struct.unpack_from("<HH", head, 0x36)
        for at in range(table, table + size * count, size):
            kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", head, at)
            if kind == _INTERPRETER:
                return os.fsdecode(head[offset : offset + length].rstrip(b"\0"))
    except struct.error:
        return None
    return None


def read_libraries(listed: str) -> tuple[Path, ...]:
    """Read what a loader lists, `libm.so.6 => /lib/libm.so.6 (0x...)`. Pure."""
    return tuple(dict.fromkeys(map(Path, _NAMED.findall(listed))))
