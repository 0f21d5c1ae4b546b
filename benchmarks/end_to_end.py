"""A long recording, the notebook's way and the daemon's, one right after the other on the same machine.

For each format: the notebook as a process of its own, and before and after it the daemon, already running, from the
rename into its inbox until the last output is there; the slower of the two counts. Both talk to a stand-in in a process
of its own, which takes 1 s + 0.01 s for each second of audio to transcribe.

    python -m benchmarks.end_to_end --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.far_side import FarSide, first_upload_s, standing_in, uploaded_bytes
from benchmarks.footprint import Footprint
from benchmarks.notebook import read_words
from benchmarks.program import running
from benchmarks.recordings import LONG_MINUTES, Accuracy, Sample, compare, long_sample
from benchmarks.reporting import options, show, write

_TIMEOUT_S = 1800
_TOTAL = {"mp3": ">= 10x", "m4a": ">= 8x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way, measured."""

    way: str
    total_s: float
    first_upload_s: float
    peak_mib: float
    cpu_s: float
    far_side_cpu_s: float
    uploaded_mb: float
    paid_s: int
    requests: int
    left_there: int
    accuracy: Accuracy


def run_notebook(sample: Sample, *, cache: Path) -> Run:
    """Measure the notebook's way, from when it begins to read the file."""
    with standing_in(cache) as far_side, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.notebook", str(sample.path), "--base-url", far_side.url]
        with (
            subprocess.Popen([*command, "--out", folder], stdout=subprocess.PIPE, text=True) as process,
            Footprint(process.pid) as footprint,
        ):
            marks = json.loads(process.communicate()[0])
        return measured(
            "notebook",
            far_side=far_side,
            interval=(marks["began_s"], marks["ended_s"]),
            cost=(footprint.peak_mib, marks["cpu_s"]),
            accuracy=compare(sample.words, read_words(Path(folder))),
        )


def run_daemon(sample: Sample, *, cache: Path) -> Run:
    """Measure the daemon, from the rename until the recording has followed its transcripts."""
    with (
        standing_in(cache) as far_side,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=far_side.url) as program,
    ):
        staged = program.stage(sample.path)
        with Footprint(program.process.pid) as footprint:
            began_s = program.drop(staged)
            ended_s = program.wait_for(lambda: program.is_done(sample.path), timeout_s=_TIMEOUT_S)
        return measured(
            "voxtrald",
            far_side=far_side,
            interval=(began_s, ended_s),
            cost=(footprint.peak_mib, footprint.cpu_s),
            accuracy=compare(sample.words, program.text_of(sample.path)),
        )


def run_pair(sample: Sample, *, cache: Path) -> tuple[Run, Run]:
    """Measure both ways; the daemon before and after the notebook, and of its two runs the slower one counts."""
    run_daemon(sample, cache=cache)  # unmeasured, so that the stand-in knows the chunks, see `standing_in`
    before = run_daemon(sample, cache=cache)
    notebook = run_notebook(sample, cache=cache)
    after = run_daemon(sample, cache=cache)
    return notebook, max(before, after, key=lambda run: run.total_s)


def measured(
    way: str,
    *,
    far_side: FarSide,
    interval: tuple[float, float],
    cost: tuple[float, float],
    accuracy: Accuracy,
) -> Run:
    """Put a run's figures together with what the far side saw of it."""
    began_s, ended_s = interval
    peak_mib, cpu_s = cost
    calls, stats = far_side.calls(), far_side.stats()
    return Run(
        way=way,
        total_s=ended_s - began_s,
        first_upload_s=first_upload_s(calls) - began_s,
        peak_mib=peak_mib,
        cpu_s=cpu_s,
        far_side_cpu_s=far_side.cpu_s(),
        uploaded_mb=uploaded_bytes(calls) / 1e6,
        paid_s=stats["seconds_paid"],
        requests=len(calls),
        left_there=len(stats["files"]),
        accuracy=accuracy,
    )


def show_pair(extension: str, notebook: Run, daemon: Run) -> None:
    """Print one format's table."""
    rows: list[tuple[object, ...]] = [
        ("end to end, s", notebook.total_s, daemon.total_s, ratio(notebook.total_s, daemon.total_s), _TOTAL[extension]),
        (
            "to the first upload, s",
            notebook.first_upload_s,
            daemon.first_upload_s,
            ratio(notebook.first_upload_s, daemon.first_upload_s),
            ">= 40x",
        ),
        ("peak memory, MiB", notebook.peak_mib, daemon.peak_mib, ratio(notebook.peak_mib, daemon.peak_mib), "< 200"),
        ("processor, s", notebook.cpu_s, daemon.cpu_s, ratio(notebook.cpu_s, daemon.cpu_s), ""),
        ("the far side's processor, s", notebook.far_side_cpu_s, daemon.far_side_cpu_s, "", ""),
        ("uploaded, MB", notebook.uploaded_mb, daemon.uploaded_mb, ratio(notebook.uploaded_mb, daemon.uploaded_mb), ""),
        ("paid, s", notebook.paid_s, daemon.paid_s, "", ""),
        ("files left at the service", notebook.left_there, daemon.left_there, "", "0"),
        ("words lost", notebook.accuracy.lost, daemon.accuracy.lost, "", "0"),
        ("words doubled", notebook.accuracy.doubled, daemon.accuracy.doubled, "", "0"),
        ("broken pieces of words", notebook.accuracy.cut, daemon.accuracy.cut, "", "0"),
        ("text exact", notebook.accuracy.exact, daemon.accuracy.exact, "", "True"),
    ]
    show(f"{extension}, {LONG_MINUTES} minutes", ("", "notebook", "voxtrald", "ratio", "target"), rows)


def ratio(before: float, after: float) -> str:
    """Say how many times less it became."""
    return f"{before / after:.1f}x"


def main() -> None:
    """Measure the formats asked for."""
    parser = options(__doc__)
    parser.add_argument("--formats", nargs="+", choices=_TOTAL, default=list(_TOTAL))
    chosen = parser.parse_args()
    figures = {}
    for extension in chosen.formats:
        sample = long_sample(chosen.cache, extension)
        notebook, daemon = run_pair(sample, cache=chosen.cache)
        show_pair(extension, notebook, daemon)
        figures[extension] = {"notebook": asdict(notebook), "voxtrald": asdict(daemon)}
    write(chosen.json, figures)


if __name__ == "__main__":
    main()
