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

    Memory is the sum of the resident sets (`/proc/PID/statm`), read every 20 ms. Pages that processes share count
    once for each of them, so the sum is an upper bound of what the tree really holds; a peak shorter than the
    interval may be missed.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._before_s = cpu_s(pid)
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
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident_bytes, _tree(self._pid))))


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended; 0 once it is gone."""
    try:
        return sum(psutil.Process(pid).cpu_times()[:4])
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


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0  # it has ended meanwhile
