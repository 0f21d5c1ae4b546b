"""Runs the stand-in in a process of its own: `python -m tests.standin --port 0 --port-file FILE`."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.standin.server import Standin


def parse_latency(text: str) -> tuple[float, float]:
    """Read `1+0.01` as one second and a hundredth for each second of audio; `1` alone works too."""
    base, _, per_audio = text.partition("+")
    return float(base), float(per_audio or 0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it listens")
    parser.add_argument("--latency", type=parse_latency, default=(0.0, 0.0), metavar="BASE+PER_AUDIO_SECOND")
    parser.add_argument("--cap", type=int, help="transcriptions at once before 429")
    parser.add_argument("--key", action="append", help="accepted API key (default: test-key)")
    parser.add_argument("--dedupe", action="store_true", help="equal bytes share one file id")
    parser.add_argument("--memory", type=Path, help="folder that keeps what was heard, for the next run")
    chosen = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Standin(
        port=chosen.port,
        keys=chosen.key or ["test-key"],
        latency=chosen.latency,
        concurrency_cap=chosen.cap,
        dedupe=chosen.dedupe,
        memory=chosen.memory,
    ) as standin:
        print(standin.url, flush=True)
        if chosen.port_file is not None:
            _write_whole(chosen.port_file, standin.url.rpartition(":")[2])
        while not stopped.wait(0.2):
            pass


def _write_whole(path: Path, text: str) -> None:
    """Write so that a reader who polls for the file never sees half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    main()
