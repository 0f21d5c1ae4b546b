"""The simulation against the real daemon: the same recordings, the same far side, side by side."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.arrivals import dropped_at_once
from benchmarks.capacity import SOUNDS, Service, Site
from benchmarks.far_side import LATENCY, standing_in, uploaded_bytes
from benchmarks.footprint import cpu_s
from benchmarks.program import Program, running
from benchmarks.recordings import Sample, long_sample, memos
from benchmarks.reporting import percentile, table
from benchmarks.simulated_service import Weather
from benchmarks.simulation import simulate

_MEMOS: Final = 60
_MEMO_S: Final = 10.0
_LONG_MINUTES: Final = (28, 30, 32)
_LOOPBACK_MBIT: Final = 5000.0
_LOOPBACK_SHORT_S: Final = 0.005
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was seen, or foreseen; times from the drop to the text in seconds."""

    memos_s: list[float]
    long_s: list[float]
    cpu_s: float
    sent_mb: float

    def rows(self) -> dict[str, float]:
        """Name the figures that are compared."""
        return {
            "until the last text, s": max(self.memos_s + self.long_s),
            "a memo, median, s": statistics.median(self.memos_s),
            "a memo, 95 %, s": percentile(self.memos_s, 95),
            "a long recording, median, s": statistics.median(self.long_s),
            "processor, s": self.cpu_s,
            "sent, MB": self.sent_mb,
        }


def foresee(*, cores: int) -> Run:
    """Simulate the drop on a machine with so many cores, against a far side without chance."""
    site = Site(name="here", cores=cores, uplink_mbit=_LOOPBACK_MBIT)
    base_s, per_audio_s = LATENCY
    service = Service(latency_s=base_s, latency_per_audio_s=per_audio_s, short_s=_LOOPBACK_SHORT_S)
    lengths_s = [_MEMO_S] * _MEMOS + [60.0 * minutes for minutes in _LONG_MINUTES]
    arrivals = dropped_at_once([(length_s, SOUNDS["m4a"]) for length_s in lengths_s])
    outcome = simulate(arrivals, site=site, service=service, weather=Weather(spread=0.0))
    waited_s = [course.waited_s for course in outcome.courses]
    sent = sum(arrival.duration_s * arrival.sound.bytes_per_s for arrival in arrivals)
    return Run(
        memos_s=waited_s[:_MEMOS],
        long_s=waited_s[_MEMOS:],
        cpu_s=outcome.busy["cores"] * cores * outcome.length_s,
        sent_mb=sent / 1e6,
    )


def measure(cache: Path) -> Run:
    """Drop the same into the inbox of a real daemon."""
    samples = [*memos(cache, _MEMOS), *(long_sample(cache, "m4a", minutes=minutes) for minutes in _LONG_MINUTES)]
    with (
        standing_in(cache) as far_side,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=far_side.url) as program,
    ):
        before_s = cpu_s(program.process.pid)
        waited_s = _drop(program, samples)
        return Run(
            memos_s=waited_s[:_MEMOS],
            long_s=waited_s[_MEMOS:],
            cpu_s=cpu_s(program.process.pid) - before_s,
            sent_mb=uploaded_bytes(far_side.calls()) / 1e6,
        )


def _drop(program: Program, samples: list[Sample]) -> list[float]:
    staged = [program.stage(sample.path) for sample in samples]
    dropped_at = time.time()
    for each in staged:
        program.drop(each)
    program.wait_for(lambda: all(program.is_done(sample.path) for sample in samples), timeout_s=_TIMEOUT_S)
    # A rename changes the time of status: when the original followed its texts into the outbox.
    return [(program.outbox / sample.path.name).stat().st_ctime - dropped_at for sample in samples]


def validation_table(cache: Path, *, cores: int) -> str:
    """Compare what the simulation says with what the daemon does.

    The daemon runs twice: in the first run the stand-in has to listen, in the second it remembers.
    """
    foreseen = foresee(cores=cores).rows()
    measure(cache)
    measured = measure(cache).rows()
    rows = [
        (name, foreseen[name], measured[name], f"{100 * (foreseen[name] / measured[name] - 1):+.0f} %")
        for name in foreseen
    ]
    return table(("", "simulated", "measured", "error"), rows)
