"""Prepares one recording in a process of its own, for `benchmarks.preparing`; nothing is sent.

Says `ready` once everything is imported and open, as in a daemon that is running; prepares when told to, by a line on
stdin; prints what it saw as one line of JSON, and ends with its stdin.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from voxtrald import logs
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.audio.probe import probe
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.config.sections import AudioSettings
from voxtrald.engines.base import Capabilities
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, Prepared, Ready
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.preparing import Preparation
from voxtrald.pipeline.room import Room
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results

CORES: Final = 2
_PLACES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """An engine that takes what Mistral's takes, and is never asked."""

    uplink_bps: float | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            formats=("mp3", "wav", "flac", "ogg"),
            max_chunk_ms=3 * 3_600_000,
            max_bytes=1 << 29,
            timestamps=frozenset({"segment"}),
            diarize=False,
            vocabulary=False,
        )
    )


def prepare(path: Path, *, way: str, root: Path) -> dict[str, float]:
    """Prepare all chunks, and delete each as soon as it is there."""
    stop = Stop()
    with Ledger.open(root / "ledger.sqlite3", clock=Clock()) as ledger:
        ffmpeg = Ffmpeg(find_ffmpeg(), slots=CORES, stop=stop)
        tools = Tools(
            ffmpeg=ffmpeg,
            results=Results(root / "results"),
            ledger=ledger,
            clock=Clock(),
            stop=stop,
            jitter=lambda: 0.0,
            cores=CORES,
            budget=cast("Any", None),
        )
        found = path.stat()
        job = ledger.claim(path.name, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
        assignment = _assign(job, path, way=way, work=root)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        return _run(assignment, tools)


def _assign(job: Any, path: Path, *, way: str, work: Path) -> Assignment:
    engine = Nobody()
    audio = AudioSettings(copy="always" if way == "copy" else "never")
    settings = Settings(audio=audio).for_recording(cast("Any", Path(path.name)))
    return Assignment(
        job=job,
        path=path,
        settings=settings,
        engine=cast("Any", engine),
        capabilities=engine.capabilities,
        lane=cast("Any", None),
        work=work,
        destination=cast("Any", None),
        tell=lambda _: None,
    )


def _run(assignment: Assignment, tools: Tools) -> dict[str, float]:
    began_s, began_at_s = time.monotonic(), time.time()
    mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    hashing: Future[float] = Future()
    room = Room(_PLACES)

    def identify() -> str:
        before_s = time.thread_time()
        digest = fingerprint(assignment.path, job=assignment.job, stop=tools.stop)
        hashing.set_result(time.thread_time() - before_s)
        return digest

    with ThreadPoolExecutor(max_workers=CORES + 2) as pool:
        identity = pool.submit(identify)
        source = probe(assignment.path, ffmpeg=tools.ffmpeg)
        preparation = Preparation(
            assignment=assignment,
            source=source,
            tools=tools,
            identity=identity,
            pool=pool,
            room=room,
            put=mailbox.put,
        )
        running = pool.submit(preparation.run)
        running.add_done_callback(lambda _: mailbox.put(Prepared()))
        seen = _consume(mailbox, room, began=(began_s, began_at_s))
        running.result()
    return {**seen, "wall_s": time.monotonic() - began_s, "hash_cpu_s": hashing.result()}


def _consume(mailbox: queue.SimpleQueue[Event], room: Room, *, began: tuple[float, float]) -> dict[str, float]:
    """Take the chunks; the first one was made when its file was last written, and may leave when it is handed over."""
    began_s, began_at_s = began
    made_s = handed_s = uploaded_bytes = 0.0
    chunks = 0
    while not isinstance(event := mailbox.get(), Prepared):
        if isinstance(event, Ready):
            made_s = made_s or event.chunk.path.stat().st_mtime - began_at_s
            handed_s = handed_s or time.monotonic() - began_s
            uploaded_bytes += event.chunk.size_bytes
            chunks += 1
            event.chunk.path.unlink()
            room.give()
    return {"made_s": made_s, "handed_s": handed_s, "uploaded_bytes": uploaded_bytes, "chunks": chunks}


def main() -> None:
    """Prepare one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--way", choices=["copy", "encode"], required=True)
    chosen = parser.parse_args()
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory(dir=chosen.recording.parent) as folder:
        seen = prepare(chosen.recording, way=chosen.way, root=Path(folder))
        sys.stdout.write(json.dumps(seen) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
