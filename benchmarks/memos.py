"""Many short memos dropped at once, with default limits: how fast, at what cost, and does it stay so?

Every request counts as open that the stand-in saw so (upload, signed address, transcription, deletion). Between two of
them a sender writes to the ledger and keeps the answer; the average of memos between upload and answer leaves most of
that out. With `--instant` the stand-in answers at once, and the program itself is the limit; its figures and the
stand-in's are for one machine that runs both.

A tenth of the memos is a row of the second table: whatever grows with what was done before shows there. Of more than a
thousand memos, each has the sound of one of the first thousand and a number in its file.

    python -m benchmarks.memos --cache /var/tmp/voxtrald-benchmarks --instant
    python -m benchmarks.memos --cache /var/tmp/voxtrald-benchmarks --instant --count 10000
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks import occupancy
from benchmarks.far_side import LATENCY, TRANSCRIBE, UPLOAD, Call, standing_in
from benchmarks.footprint import Footprint, cpu_s, proportional_bytes, resident_bytes, tree
from benchmarks.occupancy import Interval, Stretch
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, compare, memos
from benchmarks.reporting import options, show, write
from voxtrald.store.ledger import LEDGER_FILE

_REQUESTS: Final = 8
_PARTS: Final = 10
_COLUMNS: Final = 60
_TIMEOUT_S: Final = 7200
_POLL_S: Final = 0.05
_MANY: Final = 10_000
_MIB: Final = 2**20
_GROWTH_MIB: Final = 20
_SLOWER: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the daemon is like at one moment.

    Attributes:
        at_s: on the machine's monotonic clock.
        cpu_s: the processor time of the daemon and all its children so far.
        ledger_bytes: of the ledger and its log.
    """

    at_s: float
    cpu_s: float
    rss_bytes: int
    pss_bytes: int
    files: int
    threads: int
    ledger_bytes: int

    @classmethod
    def of(cls, program: Program, *, at_s: float) -> Standing:
        """Look at the program."""
        pid = program.process.pid
        ledger = [path.stat().st_size for path in (program.root / "state").glob(f"{LEDGER_FILE}*")]
        return cls(
            at_s=at_s,
            cpu_s=cpu_s(pid),
            rss_bytes=resident_bytes(pid),
            pss_bytes=sum(map(proportional_bytes, tree(pid))),
            files=len(list(Path(f"/proc/{pid}/fd").iterdir())),
            threads=len(list(Path(f"/proc/{pid}/task").iterdir())),
            ledger_bytes=sum(ledger),
        )


def drop_all(program: Program, samples: Sequence[Sample]) -> list[Standing]:
    """Rename them all into the inbox; give how the program stands at the beginning and after each part."""
    staged = [program.stage(sample.path) for sample in samples]
    began = Standing.of(program, at_s=min(program.drop(each) for each in staged))
    size = max(1, len(samples) // _PARTS)
    parts = [list(samples[at : at + size]) for at in range(0, len(samples), size)]
    return [began, *(wait_for_part(program, part) for part in parts)]


def wait_for_part(program: Program, waiting: list[Sample]) -> Standing:
    """Wait until all of these are done; they were taken in the order of their names, more or less."""

    def is_over() -> bool:
        while waiting and program.is_done(waiting[-1].path):
            waiting.pop()
        return not waiting

    return Standing.of(program, at_s=program.wait_for(is_over, timeout_s=_TIMEOUT_S, poll_s=_POLL_S))


def under_way(calls: Sequence[Call]) -> list[Interval]:
    """Give for each memo the time from the begin of its upload to the end of its transcription."""
    uploads = [call for call in calls if (call.method, call.path) == UPLOAD]
    waiting: dict[str, list[float]] = {}
    for call in uploads:  # equal sound is uploaded again and again, but never at the same time
        waiting.setdefault(call.sha256, []).append(call.began_s)
    answers = [call for call in calls if (call.method, call.path) == TRANSCRIBE]
    return [(waiting[call.sha256].pop(0), call.ended_s) for call in answers]


def rows_of_requests(calls: Sequence[Call]) -> list[tuple[object, ...]]:
    """Make the rows that tell how busy the far side was kept."""
    open_at = [(call.began_s, call.ended_s) for call in calls[1:]]
    steady = _steady(open_at)
    levels = [occupancy.percentile(steady, percent) for percent in (5, 25, 50, 75, 95)]
    return [
        (f"share of the run with {_REQUESTS} requests open, %", 100 * occupancy.share(steady, wanted=_REQUESTS), ""),
        ("requests open, on average", occupancy.average(steady), ""),
        ("requests open, 5th 25th 50th 75th 95th percentile", " ".join(map(str, levels)), ""),
        ("memos between upload and answer, on average", occupancy.average(_steady(under_way(calls))), ""),
    ]


def _steady(intervals: Sequence[Interval]) -> list[Stretch]:
    last_s = max(began_s for began_s, _ in intervals)
    return occupancy.without_ramps(occupancy.stretches(intervals), wanted=_REQUESTS, until_s=last_s)


def rows_of_growth(stands: Sequence[Standing], *, count: int) -> list[tuple[object, ...]]:
    """Make the rows that compare the first part with the last."""
    took_s = [after.at_s - before.at_s for before, after in itertools.pairwise(stands)]
    grown_mib = (stands[-1].rss_bytes - stands[1].rss_bytes) / _MIB
    is_many = count >= _MANY
    return [
        ("resident memory, last part minus first, MiB", grown_mib, f"< {_GROWTH_MIB}" if is_many else ""),
        ("seconds, last part over first", took_s[-1] / took_s[0], f"< {_SLOWER}" if is_many else ""),
    ]


def show_parts(stands: Sequence[Standing], *, count: int) -> None:
    """Print how the program stood after each part."""
    size = max(1, count // _PARTS)
    rows = [
        (
            f"{number * size - size + 1} to {min(count, number * size)}",
            after.at_s - before.at_s,
            1000 * (after.cpu_s - before.cpu_s) / size,
            after.rss_bytes / _MIB,
            after.pss_bytes / _MIB,
            after.files,
            after.threads,
            after.ledger_bytes / _MIB,
        )
        for number, (before, after) in enumerate(itertools.pairwise(stands), start=1)
    ]
    columns = ("memos", "seconds", "CPU ms each", "RSS MiB", "tree PSS MiB", "files", "threads", "ledger MiB")
    show("How it stood after each tenth", columns, rows)


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--instant", action="store_true", help="the far side answers at once")
    parser.add_argument("--config", default="{}", help="settings, as YAML")
    chosen = parser.parse_args()
    samples = memos(chosen.cache, chosen.count)
    with (
        standing_in(chosen.cache, latency=(0.0, 0.0) if chosen.instant else LATENCY) as far_side,
        tempfile.TemporaryDirectory(dir=chosen.cache) as folder,
        running(Path(folder) / "vox", base_url=far_side.url, config=f"{chosen.config}\n") as program,
    ):
        far_side_before_s = far_side.cpu_s()
        with Footprint(program.process.pid) as footprint:
            stands = drop_all(program, samples)
        far_side_cpu_s = far_side.cpu_s() - far_side_before_s
        calls, stats = far_side.calls(), far_side.stats()
        exact = sum(compare(sample.words, program.text_of(sample.path)).exact for sample in samples)
    took_s, count = stands[-1].at_s - stands[0].at_s, len(samples)
    rows: list[tuple[object, ...]] = [
        ("memos exact", f"{exact} of {count}", "all"),
        ("seconds", took_s, ""),
        ("memos per second", count / took_s, ">= 12" if chosen.instant else ""),
        *rows_of_requests(calls),
        ("most requests open", stats["max_in_flight"], f"{_REQUESTS}"),
        ("the daemon's processor time per memo, ms", 1000 * footprint.cpu_s / count, ""),
        ("of this without the decoders it starts, ms", 1000 * footprint.alone_cpu_s / count, ""),
        ("the far side's processor time per memo, ms", 1000 * far_side_cpu_s / count, ""),
        ("the far side's share of the machine, %", 100 * far_side_cpu_s / took_s / (os.cpu_count() or 1), ""),
        ("peak memory of the tree (PSS), MiB", footprint.peak_pss_mib, "< 150"),
        ("peak sum of resident sets, MiB", footprint.peak_mib, "< 150"),
        *rows_of_growth(stands, count=count),
        ("paid, s", stats["seconds_paid"], ""),
        ("files left at the service", len(stats["files"]), "0"),
    ]
    far = "that answers at once" if chosen.instant else f"that takes {LATENCY[0]:g} s + {LATENCY[1]:g} s/s"
    show(f"{count} memos of ten seconds, m4a, a far side {far}", ("", "voxtrald", "target"), rows)
    show_parts(stands, count=count)
    steady = _steady([(call.began_s, call.ended_s) for call in calls[1:]])
    full = min(_REQUESTS, max(each.level for each in steady))
    print(f"\nRequests open over time, a full block is {full}:\n")
    print(f"    [{occupancy.chart(steady, columns=_COLUMNS, full=full)}]", flush=True)
    write(chosen.json, {str(name): value for name, value, _ in rows} | {"parts": [asdict(each) for each in stands]})


if __name__ == "__main__":
    main()
