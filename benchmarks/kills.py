"""One recording whose work is killed again and again at random moments: is it exact, and what did the kills cost?

A chunk counts as under way at a kill when its transcription had begun and its answer had not left the stand-in, or had
left it less than a moment before, so that it may not have been kept. Those may be paid again, and nothing else.

    python -m benchmarks.kills --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.far_side import TRANSCRIBE, Call, FarSide, standing_in
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, compare, long_sample
from benchmarks.reporting import options, show, write

_CONFIG: Final = "chunks: {max_minutes: 1, first_minutes: 0.5, search_s: 5}\nlimits: {requests: 4}\n"
_LATENCY: Final = (1.5, 0.01)
_LIVES_S: Final = (0.5, 4.0)
_MOMENT_S: Final = 0.2
_TIMEOUT_S: Final = 1800


def kill_at_random(program: Program, chance: random.Random, *, sample: Sample) -> float | None:
    """Kill the daemon after a while and give the moment, or give None where the recording was done before."""
    try:
        program.process.wait(chance.uniform(*_LIVES_S))
    except subprocess.TimeoutExpired:
        if program.is_done(sample.path):
            return None
        killed_s = time.monotonic()
        program.process.kill()
        program.process.wait()
    else:
        raise AssertionError(f"the daemon ended by itself with {program.process.returncode}")
    return killed_s


def run(root: Path, far_side: FarSide, *, sample: Sample, kills: int, seed: int) -> list[float]:
    """Drop the recording, kill so often, let the last start finish; give the moments of the kills."""
    chance = random.Random(seed)
    killed: list[float] = []
    for number in range(kills):
        with running(root, base_url=far_side.url, config=_CONFIG) as program:
            if number == 0:
                program.drop(program.stage(sample.path))
            killed_s = kill_at_random(program, chance, sample=sample)
        if killed_s is None:
            break
        killed.append(killed_s)
    with running(root, base_url=far_side.url, config=_CONFIG) as program:
        program.wait_for(lambda: program.is_done(sample.path), timeout_s=_TIMEOUT_S)
        program.wait_for(lambda: not far_side.stats()["files"], timeout_s=30)
    return killed


def under_way(calls: Sequence[Call], killed: Sequence[float]) -> int:
    """Count the chunks that were under way at each of the kills."""
    asked = [call for call in calls if (call.method, call.path) == TRANSCRIBE]
    return sum(call.began_s <= at_s <= call.ended_s + _MOMENT_S for at_s in killed for call in asked)


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--minutes", type=int, default=101)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    sample = long_sample(chosen.cache, "m4a", minutes=chosen.minutes)
    with standing_in(chosen.cache, latency=_LATENCY) as far_side, tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "vox"
        killed = run(root, far_side, sample=sample, kills=chosen.kills, seed=chosen.seed)
        calls, stats = far_side.calls(), far_side.stats()
        exact = compare(sample.words, (root / "outbox" / f"{sample.path.stem}.txt").read_text("utf-8").split()).exact
        result: dict[str, Any] = json.loads((root / "outbox" / f"{sample.path.stem}.json").read_text("utf-8"))
    billed = [chunk["billed_s"] for chunk in result["chunks"]]
    lost = under_way(calls, killed)
    rows: list[tuple[object, ...]] = [
        ("kills during the recording", len(killed), chosen.kills),
        ("every word once, in order", "yes" if exact else "no", "yes"),
        ("chunks", len(billed), ""),
        ("paid when every chunk is paid once, s", sum(billed), ""),
        ("paid, s", stats["seconds_paid"], ""),
        ("paid again, s", stats["seconds_paid"] - sum(billed), f"<= {lost * max(billed):.0f}"),
        ("chunks under way at the kills", lost, ""),
        ("files left at the service", len(stats["files"]), "0"),
    ]
    show(f"{chosen.minutes} minutes, killed at random", ("", "voxtrald", "target"), rows)
    write(chosen.json, {str(name): value for name, value, _ in rows})


if __name__ == "__main__":
    main()
