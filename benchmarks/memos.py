"""A thousand short memos dropped at once, with default limits: does anything get lost, and do the requests stay busy?

The share counts every request that carries or asks for something (upload, signed address, transcription, deletion) as
the stand-in saw it, from the first answer to a request until the last memo has nothing left to begin.

    python -m benchmarks.memos --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.far_side import TRANSCRIBE, Call, standing_in
from benchmarks.footprint import Footprint
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, compare, memos
from benchmarks.reporting import options, show, write

_REQUESTS: Final = 8
_TIMEOUT_S: Final = 1800


def drop_all(program: Program, samples: Sequence[Sample]) -> tuple[float, float]:
    """Rename them all into the inbox and wait for the last one; give both moments."""
    staged = [program.stage(sample.path) for sample in samples]
    began_s = min(program.drop(each) for each in staged)
    waiting = list(samples)

    def is_over() -> bool:
        while waiting and program.is_done(waiting[-1].path):
            waiting.pop()
        return not waiting

    return began_s, program.wait_for(is_over, timeout_s=_TIMEOUT_S)


def busy(calls: Sequence[Call], *, wanted: int) -> tuple[float, float]:
    """Give the share of the time with at least `wanted` requests open, and how many were open on average.

    Counted from the first moment they were until the last transcription began: the ramps at both ends belong to the
    number of memos, not to the program.
    """
    changes = sorted([*((call.began_s, 1) for call in calls), *((call.ended_s, -1) for call in calls)])
    levels = list(itertools.accumulate(step for _, step in changes))
    until_s = max(call.began_s for call in calls if (call.method, call.path) == TRANSCRIBE)
    begun = next(index for index, level in enumerate(levels) if level >= wanted)
    stretches = [
        (after[0] - before[0], level)
        for (before, after), level in zip(itertools.pairwise(changes[begun:]), levels[begun:], strict=False)
        if after[0] <= until_s
    ]
    total_s = sum(length_s for length_s, _ in stretches)
    full_s = sum(length_s for length_s, level in stretches if level >= wanted)
    return full_s / total_s, sum(length_s * level for length_s, level in stretches) / total_s


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=1000)
    chosen = parser.parse_args()
    samples = memos(chosen.cache, chosen.count)
    with (
        standing_in() as far_side,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=far_side.url) as program,
    ):
        with Footprint(program.process.pid) as footprint:
            began_s, ended_s = drop_all(program, samples)
        calls, stats, far_side_cpu_s = far_side.calls(), far_side.stats(), far_side.cpu_s()
        exact = sum(compare(sample.words, program.text_of(sample.path)).exact for sample in samples)
    share, average = busy(calls, wanted=_REQUESTS)
    rows: list[tuple[object, ...]] = [
        ("memos exact", f"{exact} of {len(samples)}", "all"),
        ("seconds", ended_s - began_s, ""),
        ("memos per second", len(samples) / (ended_s - began_s), ""),
        (f"share of the run with {_REQUESTS} requests open, %", 100 * share, ">= 90"),
        ("requests open, on average", average, ""),
        ("most requests open", stats["max_in_flight"], f"{_REQUESTS}"),
        ("the daemon's processor time per memo, ms", 1000 * footprint.cpu_s / len(samples), ""),
        ("the far side's processor time per memo, ms", 1000 * far_side_cpu_s / len(samples), ""),
        ("peak memory, MiB", footprint.peak_mib, "< 200"),
        ("paid, s", stats["seconds_paid"], ""),
        ("files left at the service", len(stats["files"]), "0"),
    ]
    show(f"{len(samples)} memos of ten seconds, m4a", ("", "voxtrald", "target"), rows)
    write(chosen.json, {str(name): value for name, value, _ in rows})


if __name__ == "__main__":
    main()
