"""A thousand short memos dropped at once, with default limits: does anything get lost, and do the requests stay busy?

Every request counts as open that the stand-in saw so (upload, signed address, transcription, deletion). Between two of
them a sender writes to the ledger and keeps the answer; the average of memos between upload and answer leaves most of
that out.

    python -m benchmarks.memos --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.far_side import TRANSCRIBE, UPLOAD, Call, standing_in
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


Interval = tuple[float, float]


def under_way(calls: Sequence[Call]) -> list[Interval]:
    """Give for each memo the time from the begin of its upload to the end of its transcription."""
    uploads = {call.sha256: call.began_s for call in calls if (call.method, call.path) == UPLOAD}
    answers = (call for call in calls if (call.method, call.path) == TRANSCRIBE)
    return [(uploads[call.sha256], call.ended_s) for call in answers]


def busy(intervals: Sequence[Interval], *, wanted: int) -> tuple[float, float]:
    """Give the share of the time with at least `wanted` intervals open, and how many were open on average.

    Counted from the first moment when so many were until the last one opened: the ramps at both ends belong to the
    number of memos, not to the program.
    """
    changes = sorted([*((began_s, 1) for began_s, _ in intervals), *((ended_s, -1) for _, ended_s in intervals)])
    levels = list(itertools.accumulate(step for _, step in changes))
    from_s = next(at_s for (at_s, _), level in zip(changes, levels, strict=True) if level >= wanted)
    until_s = max(began_s for began_s, _ in intervals)
    stretches = [
        (after_s - before_s, level)
        for ((before_s, _), (after_s, _)), level in zip(itertools.pairwise(changes), levels, strict=False)
        if from_s <= before_s and after_s <= until_s
    ]
    full_s = sum(length_s for length_s, level in stretches if level >= wanted)
    return full_s / (until_s - from_s), sum(length_s * level for length_s, level in stretches) / (until_s - from_s)


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=1000)
    chosen = parser.parse_args()
    samples = memos(chosen.cache, chosen.count)
    with (
        standing_in(chosen.cache) as far_side,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=far_side.url) as program,
    ):
        with Footprint(program.process.pid) as footprint:
            began_s, ended_s = drop_all(program, samples)
        calls, stats, far_side_cpu_s = far_side.calls(), far_side.stats(), far_side.cpu_s()
        exact = sum(compare(sample.words, program.text_of(sample.path)).exact for sample in samples)
    share, average = busy([(call.began_s, call.ended_s) for call in calls[1:]], wanted=_REQUESTS)
    _, memos_under_way = busy(under_way(calls), wanted=_REQUESTS)
    rows: list[tuple[object, ...]] = [
        ("memos exact", f"{exact} of {len(samples)}", "all"),
        ("seconds", ended_s - began_s, ""),
        ("memos per second", len(samples) / (ended_s - began_s), ""),
        (f"share of the run with {_REQUESTS} requests open, %", 100 * share, ">= 90"),
        ("requests open, on average", average, ""),
        ("memos between upload and answer, on average", memos_under_way, ""),
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
