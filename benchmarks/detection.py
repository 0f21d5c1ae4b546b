"""How long a dropped recording waits: from the writer's close until the first request for it reaches the far side.

Short mp3 files, which are sent as they are, written into the inbox one after another.

    python -m benchmarks.detection --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.far_side import FarSide, first_upload_s, standing_in
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, short_mp3s
from benchmarks.reporting import options, percentile, show, write

_TIMEOUT_S = 30


def latency_s(program: Program, far_side: FarSide, sample: Sample) -> float:
    """Write one recording into the inbox and wait until it is done; give how long it took to be noticed and sent."""
    before = len(far_side.calls())
    content = sample.path.read_bytes()
    with (program.inbox / sample.path.name).open("wb") as file:
        file.write(content)
    closed_s = time.monotonic()
    program.wait_for(lambda: program.is_done(sample.path), timeout_s=_TIMEOUT_S)
    return first_upload_s(far_side.calls()[before:]) - closed_s


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=30)
    chosen = parser.parse_args()
    samples = short_mp3s(chosen.cache, chosen.count)
    with (
        standing_in(chosen.cache, latency=(0.0, 0.0)) as far_side,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=far_side.url) as program,
    ):
        latencies_ms = [1000 * latency_s(program, far_side, sample) for sample in samples]
    rows: list[tuple[object, ...]] = [
        ("median", statistics.median(latencies_ms), ""),
        ("95th percentile", percentile(latencies_ms, 95), "< 150"),
        ("slowest", max(latencies_ms), ""),
        ("first (the daemon is cold)", latencies_ms[0], ""),
    ]
    show(f"From close to the first request, ms, {len(samples)} drops", ("", "voxtrald", "target"), rows)
    write(chosen.json, {"latencies_ms": latencies_ms})


if __name__ == "__main__":
    main()
