"""What a tree of processes costs: memory by sampling, processor time by the kernel's books. Linux only."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

_SAMPLE_S: Final = 0.02
_PSS_EVERY: Final = 25  # samples; the kernel walks all pages of a process for it
_SAME_PROGRAM_AFTER: Final = 50  # samples
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Footprint:
    """Watches a process and all its descendants while the block lasts.

    `peak_bytes` is the highest sum of the resident sets (`/proc/PID/statm`), read every 20 ms. Pages that processes
    share count once for each of them, so the sum is an upper bound of what the tree holds; a peak shorter than the
    interval may be missed. `peak_pss_bytes` divides each page by the number of those who share it
    (`/proc/PID/smaps_rollup`), which is what the tree really holds; it is read every half second.

    A child that has not yet become another program is not counted before it was seen for a second: between vfork(2)
    and execve(2) it runs in its parent's memory, and would double it.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._before_s, self._alone_before_s = cpu_s(pid), alone_cpu_s(pid)
        self._program = _program(pid)
        self._seen: Counter[int] = Counter()
        self.peak_bytes = 0
        self.peak_pss_bytes = 0
        self.cpu_s = self.alone_cpu_s = 0.0

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._sampler.join()
        self.cpu_s = cpu_s(self._pid) - self._before_s
        self.alone_cpu_s = alone_cpu_s(self._pid) - self._alone_before_s

    @property
    def peak_mib(self) -> float:
        """The highest sum of resident sets seen, in MiB."""
        return self.peak_bytes / 2**20

    @property
    def peak_pss_mib(self) -> float:
        """The highest sum of proportional sets seen, in MiB."""
        return self.peak_pss_bytes / 2**20

    def _sample(self) -> None:
        number = 0
        while not self._ended.wait(_SAMPLE_S):
            counted = self._counted(tree(self._pid))
            self.peak_bytes = max(self.peak_bytes, sum(map(resident_bytes, counted)))
            if number % _PSS_EVERY == 0:
                self.peak_pss_bytes = max(self.peak_pss_bytes, sum(map(proportional_bytes, counted)))
            number += 1

    def _counted(self, pids: list[int]) -> list[int]:
        self._seen = Counter({pid: self._seen[pid] + 1 for pid in pids})
        return [pid for pid in pids if self._is_itself(pid)]

    def _is_itself(self, pid: int) -> bool:
        return pid == self._pid or self._seen[pid] > _SAME_PROGRAM_AFTER or _program(pid) != self._program


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of all its descendants, also those that have ended; 0 once it is gone."""
    return sum(map(_own_cpu_s, tree(pid)))


def alone_cpu_s(pid: int) -> float:
    """Processor seconds of a process without its children; 0 once it is gone."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


def _own_cpu_s(pid: int) -> float:
    """Processor seconds of a process and of those of its children that have ended."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def tree(pid: int) -> list[int]:
    """List a process and its descendants. psutil would read every process of the machine for that."""
    found = [pid]
    for each in found:
        try:
            threads = list(Path(f"/proc/{each}/task").iterdir())
        except OSError:
            continue  # it has ended meanwhile
        for thread in threads:
            found += _children(thread)
    return found


def _children(thread: Path) -> list[int]:
    try:
        return list(map(int, (thread / "children").read_text().split()))
    except OSError:
        return []  # it has ended meanwhile


def _program(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""  # it has ended meanwhile


def resident_bytes(pid: int) -> int:
    """Read how much of a process is in memory, shared pages included."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0  # it has ended meanwhile


def proportional_bytes(pid: int) -> int:
    """Read how much of a process is in memory, each page divided by the number of processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # it has ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
