"""What 100,000 finished recordings that stay in the inbox cost: the start, idling, and noticing a new one.

They lie in 300 folders and are done, with `output.originals: keep`. With events and with polling, each in a daemon of
its own; latencies run from the writer's close to the first request.

    python -m benchmarks.crowded --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.far_side import FarSide, first_upload_s, standing_in
from benchmarks.footprint import cpu_s
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, short_mp3s
from benchmarks.reporting import options, percentile, show, write
from voxtrald.clock import Clock
from voxtrald.store.ledger import LEDGER_FILE, Ledger

_FOLDERS: Final = 300
_LONG_AGO: Final = "2026-01-01T00:00:00.000000+00:00"
_LAST_CHANGE_S: Final = 1_700_000_000
_START_S: Final = 600
_DROP_S: Final = 60
_MODES: Final = ("auto", "polling")
_CALM_CPU: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one daemon costs.

    Attributes:
        calm_after_s: from the start of its process until it has looked through everything and rests.
        start_cpu_s: the processor time of that.
        idle_cpu_percent: of one core, over the time of idling.
    """

    calm_after_s: float
    start_cpu_s: float
    idle_cpu_percent: float
    rss_mib: float
    latencies_s: tuple[float, ...]


def crowd(root: Path, count: int) -> None:
    """Fill an inbox with files, and the ledger with jobs that say that all of them are done."""
    inbox, state = root / "inbox", root / "state"
    state.mkdir(parents=True, mode=0o700)
    Ledger.open(state / LEDGER_FILE, clock=Clock()).close()
    rows = [_old_file(inbox, n) for n in range(count)]
    for folder in {path.parent for path in inbox.glob("*/*/*")}:
        os.utime(folder, (_LAST_CHANGE_S, _LAST_CHANGE_S))
    with sqlite3.connect(state / LEDGER_FILE) as ledger:
        ledger.executemany(
            "INSERT INTO job (id, relative, size_bytes, mtime_ns, inode, owner, state, created_at, ended_at)"
            " VALUES (?, ?, ?, ?, ?, '', 'done', ?, ?)",
            rows,
        )
    ledger.close()


def _old_file(inbox: Path, n: int) -> tuple[object, ...]:
    folder = inbox / f"{n % _FOLDERS // 20:02}" / f"{n % _FOLDERS:03}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"recording of a meeting {n:06}.m4a"
    path.write_bytes(b"")
    status = path.stat()
    facts = (status.st_size, status.st_mtime_ns, status.st_ino)
    return f"{n:010}", os.fsencode(path.relative_to(inbox)), *facts, _LONG_AGO, _LONG_AGO


def measure(root: Path, far_side: FarSide, *, mode: str, idle_s: float, samples: Sequence[Sample]) -> Figures:
    """Run a daemon in a crowded inbox."""
    config = f"watch: {{mode: {mode}}}\noutput: {{originals: keep}}\n"
    begun_s = time.monotonic()
    with running(root, base_url=far_side.url, config=config) as program:
        pid = program.process.pid
        wait_until_calm(pid)
        calm_after_s, start_cpu_s = time.monotonic() - begun_s, cpu_s(pid)
        time.sleep(idle_s)
        idle_cpu_s = cpu_s(pid) - start_cpu_s
        rss_mib = psutil.Process(pid).memory_info().rss / 2**20
        latencies_s = tuple(latency_s(program, far_side, sample) for sample in samples)
    return Figures(
        calm_after_s=calm_after_s,
        start_cpu_s=start_cpu_s,
        idle_cpu_percent=100 * idle_cpu_s / idle_s,
        rss_mib=rss_mib,
        latencies_s=latencies_s,
    )


def wait_until_calm(pid: int) -> None:
    """Wait until ten seconds have passed in which the daemon did next to nothing."""
    until_s, calm_s = time.monotonic() + _START_S, 0
    while calm_s < 10 and time.monotonic() < until_s:
        before_s = cpu_s(pid)
        time.sleep(1)
        calm_s = calm_s + 1 if cpu_s(pid) - before_s < _CALM_CPU else 0


def latency_s(program: Program, far_side: FarSide, sample: Sample) -> float:
    """Write a recording into a folder among the old ones, and wait until it is sent and done."""
    before = len(far_side.calls())
    target = program.inbox / "00" / "000" / sample.path.name
    with target.open("wb") as file:
        file.write(sample.path.read_bytes())
    closed_s = time.monotonic()
    done = program.outbox / "00" / "000" / f"{target.stem}.txt"
    program.wait_for(done.exists, timeout_s=_DROP_S)
    return first_upload_s(far_side.calls()[before:]) - closed_s


def rows_of(mode: str, figures: Figures) -> list[tuple[object, ...]]:
    """Make the table's rows of one mode."""
    late = "< 1" if mode == "auto" else "5 to look, 2 to settle, < 1"
    return [
        (f"{mode}: calm after the start, s", figures.calm_after_s, ""),
        (f"{mode}: processor until then, s", figures.start_cpu_s, ""),
        (f"{mode}: idle processor, % of a core", figures.idle_cpu_percent, "< 2"),
        (f"{mode}: resident memory, MiB", figures.rss_mib, ""),
        (f"{mode}: close to first request, median s", statistics.median(figures.latencies_s), ""),
        (f"{mode}: 95th percentile", percentile(figures.latencies_s, 95), late),
        (f"{mode}: slowest", max(figures.latencies_s), ""),
    ]


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=20, help="drops")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--idle", type=float, default=60, help="seconds")
    chosen = parser.parse_args()
    samples = short_mp3s(chosen.cache, chosen.count * len(_MODES))  # what was paid for once is not sent again
    found = {}
    with (
        standing_in(chosen.cache, latency=(0.0, 0.0)) as far_side,
        tempfile.TemporaryDirectory(dir=chosen.cache) as folder,
    ):
        crowd(Path(folder), chosen.files)
        for number, mode in enumerate(_MODES):
            dropped = samples[number :: len(_MODES)]
            found[mode] = measure(Path(folder), far_side, mode=mode, idle_s=chosen.idle, samples=dropped)
    rows = [row for mode, figures in found.items() for row in rows_of(mode, figures)]
    show(f"An inbox with {chosen.files} finished recordings, {chosen.count} drops", ("", "voxtrald", "target"), rows)
    write(chosen.json, {mode: {name: getattr(each, name) for name in each.__slots__} for mode, each in found.items()})


if __name__ == "__main__":
    main()
