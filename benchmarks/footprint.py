"""What a tree of processes costs: memory by sampling, processor time by the kernel's books. Linux only."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

_SAMPLE_S: Final = 0.02
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Footprint:
    """Watches a process and all its descendants while the block lasts.

    Memory is the sum of the resident sets (`/proc/PID/statm`), read every 20 ms. Pages of files that processes share
    count once for each of them, so the sum is an upper bound of what the tree holds; a peak shorter than the interval
    may be missed. A child that has not yet become another program is not counted: between vfork(2) and execve(2) it
    runs in its parent's memory, and would double it.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._before_s = cpu_s(pid)
        self._program = _program(pid)
        self.peak_bytes = 0
        self.cpu_s = 0.0

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._sampler.join()
        self.cpu_s = cpu_s(self._pid) - self._before_s

    @property
    def peak_mib(self) -> float:
        """The highest sum seen, in MiB."""
        return self.peak_bytes / 2**20

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            children = (pid for pid in _tree(self._pid)[1:] if _program(pid) != self._program)
            total = _resident_bytes(self._pid) + sum(map(_resident_bytes, children))
            self.peak_bytes = max(self.peak_bytes, total)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended; 0 once it is gone."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def _tree(pid: int) -> list[int]:
    """List a process and its descendants. psutil would read every process of the machine for that."""
    found = [pid]
    for each in found:
        try:
            threads = list(Path(f"/proc/{each}/task").iterdir())
            for thread in threads:
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue  # it has ended meanwhile
    return found


def _program(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""  # it has ended meanwhile


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0  # it has ended meanwhile
