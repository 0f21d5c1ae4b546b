"""Preparing a long recording, against the least it could cost on this machine, and against the notebook's way.

The least is ffmpeg itself: for copies it reads all packets and writes none; for the rest it decodes and encodes with
our settings, one process for each core with an equal part each. Ours is everything from the first look at the file
until the last chunk is ready to be sent, in a process that runs already; nothing is sent. Both come in turns, for
several rounds; medians count.

    python -m benchmarks.preparing --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from benchmarks.footprint import Footprint
from benchmarks.prepared import CORES
from benchmarks.recordings import LONG_MINUTES, long_sample
from benchmarks.reporting import options, show, write

CASES: Final = (
    *(("mp3", "copy"), ("wav", "copy")),
    *((name, "encode") for name in ("mp3", "m4a", "wav", "flac", "opus", "mp4")),
)
_ENCODING: Final = ("-ac", "1", "-ar", "16000", "-c:a", "libmp3lame", "-compression_level", "7", "-b:a", "48k")
_CPU_TARGETS: Final = {"copy": 3.0, "encode": 1.1}
_WALL_TARGETS: Final = {"encode": 1.3}
_FIRST_TARGETS_S: Final = {"copy": 0.3, "encode": 0.8}
_MEMORY_MIB: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What ffmpeg by itself needed."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What preparing needed.

    Attributes:
        cpu_s: of the process and all it started; `hash_cpu_s` of that for the content's SHA-256.
        made_s: until the first chunk was whole.
        handed_s: until it could be sent: what is paid for is kept under the content's SHA-256, so that must be known.
        tree_pss_mib: peak memory of all processes, shared pages counted once.
        tree_rss_mib: the same, shared pages counted in each.
    """

    wall_s: float
    cpu_s: float
    hash_cpu_s: float
    made_s: float
    handed_s: float
    tree_pss_mib: float
    tree_rss_mib: float
    uploaded_bytes: float
    chunks: float


def measure_limit(path: Path, *, way: str) -> Limit:
    """Run the least there is to do."""
    binary = imageio_ffmpeg.get_ffmpeg_exe()
    common = [binary, "-nostdin", "-v", "error", "-y"]
    if way == "copy":
        return _timed([[*common, "-i", str(path), "-map", "0:a:0", "-c", "copy", "-f", "null", "-"]])
    part_s = LONG_MINUTES * 60 / CORES
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        return _timed(
            [
                [
                    *(*common, "-threads", "1", "-ss", str(core * part_s), "-t", str(part_s), "-i", str(path)),
                    *("-map", "0:a:0", "-vn", "-map_metadata", "-1", *_ENCODING, f"{folder}/{core}.mp3"),
                ]
                for core in range(CORES)
            ]
        )


def _timed(commands: Sequence[Sequence[str]]) -> Limit:
    began_s = time.monotonic()
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    cpu_s = 0.0
    for process in running:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.args
        cpu_s += usage.ru_utime + usage.ru_stime
    return Limit(wall_s=time.monotonic() - began_s, cpu_s=cpu_s)


def measure_ours(path: Path, *, way: str) -> Run:
    """Prepare the recording in a process that is ready for it."""
    command = [sys.executable, "-m", "benchmarks.prepared", str(path), "--way", way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with Footprint(process.pid) as footprint:
            process.stdin.write("go\n")
            process.stdin.flush()
            seen: Mapping[str, float] = json.loads(process.stdout.readline())
        process.stdin.close()
    return Run(
        cpu_s=footprint.cpu_s,
        tree_pss_mib=footprint.peak_pss_mib,
        tree_rss_mib=footprint.peak_mib,
        **seen,
    )


def measure_notebook(path: Path) -> Run:
    """Make the notebook's pieces, from when it begins to read the file."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-m", "benchmarks.notebook", str(path), "--out", folder]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
            Footprint(process.pid) as footprint,
        ):
            marks = json.loads(process.communicate()[0])
    first_s = marks["first_s"] - marks["began_s"]
    return Run(
        wall_s=marks["ended_s"] - marks["began_s"],
        cpu_s=marks["cpu_s"],
        hash_cpu_s=0.0,
        made_s=first_s,
        handed_s=first_s,
        tree_pss_mib=footprint.peak_pss_mib,
        tree_rss_mib=footprint.peak_mib,
        uploaded_bytes=marks["uploaded_bytes"],
        chunks=marks["chunks"],
    )


def middle_limit(limits: Sequence[Limit]) -> Limit:
    """Give the medians of several runs."""
    return Limit(**{name: statistics.median(asdict(limit)[name] for limit in limits) for name in asdict(limits[0])})


def middle_run(runs: Sequence[Run]) -> Run:
    """Give the medians of several runs."""
    return Run(**{name: statistics.median(asdict(run)[name] for run in runs) for name in asdict(runs[0])})


def show_case(title: str, way: str, *, limit: Limit, ours: Run, notebook: Run | None) -> None:
    """Print one recording's table."""
    wall_target, cpu_target = _WALL_TARGETS.get(way), _CPU_TARGETS[way]
    own_cpu_s = ours.cpu_s - ours.hash_cpu_s
    notebook_of = asdict(notebook) if notebook else dict.fromkeys(asdict(ours), "")
    uploaded = notebook.uploaded_bytes / 1e6 if notebook else ""
    rows: list[tuple[object, ...]] = [
        (
            *("processor, s", limit.cpu_s, own_cpu_s, notebook_of["cpu_s"]),
            *(f"{own_cpu_s / limit.cpu_s:.2f}x", f"<= {cpu_target}x"),
        ),
        ("with the content's SHA-256, s", "", ours.cpu_s, "", f"{ours.cpu_s / limit.cpu_s:.2f}x", ""),
        (
            *("wall, s", limit.wall_s, ours.wall_s, notebook_of["wall_s"]),
            *(f"{ours.wall_s / limit.wall_s:.2f}x", f"<= {wall_target}x" if wall_target else ""),
        ),
        ("first chunk made, s", "", ours.made_s, notebook_of["made_s"], "", f"<= {_FIRST_TARGETS_S[way]}"),
        ("first chunk may leave, s", "", ours.handed_s, "", "", ""),
        ("peak memory (PSS), MiB", "", ours.tree_pss_mib, notebook_of["tree_pss_mib"], "", f"< {_MEMORY_MIB}"),
        ("peak memory (RSS), MiB", "", ours.tree_rss_mib, notebook_of["tree_rss_mib"], "", ""),
        ("to upload, MB", "", ours.uploaded_bytes / 1e6, uploaded, "", ""),
        ("chunks", "", ours.chunks, notebook_of["chunks"], "", ""),
    ]
    show(title, ("", "ffmpeg alone", "voxtrald", "notebook", "ratio", "target"), rows)


def main() -> None:
    """Measure the cases asked for."""
    names = [f"{extension}-{way}" for extension, way in CASES]
    parser = options(__doc__)
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--notebook", action="store_true", help="measure the notebook's way, too; minutes for each")
    chosen = parser.parse_args()
    figures = {}
    for extension, way in (case for case in CASES if "-".join(case) in chosen.cases):
        path = long_sample(chosen.cache, extension).path
        rounds = [(measure_limit(path, way=way), measure_ours(path, way=way)) for _ in range(chosen.rounds)]
        limit, ours = middle_limit([limit for limit, _ in rounds]), middle_run([run for _, run in rounds])
        notebook = measure_notebook(path) if chosen.notebook else None
        show_case(f"{extension}, {way}, {LONG_MINUTES} minutes", way, limit=limit, ours=ours, notebook=notebook)
        figures[f"{extension}-{way}"] = {
            "ffmpeg": asdict(limit),
            "voxtrald": asdict(ours),
            "notebook": asdict(notebook) if notebook else None,
        }
    write(chosen.json, figures)


if __name__ == "__main__":
    main()
