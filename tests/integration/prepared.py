"""What the tests of preparing and of hearing share: a preparation in threads of its own, and who takes its chunks."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import write_talk
from tests.storing import claim_file, ticking_clock
from voxtrald.audio.probe import probe
from voxtrald.config import Settings
from voxtrald.config.sections import AudioSettings, ChunkSettings
from voxtrald.engines.base import Capabilities
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Planned, Prepared, Ready, Reused
from voxtrald.pipeline.hearing import Hearing
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.preparing import Preparation
from voxtrald.pipeline.room import Room
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results

SOON_S = 30.0
CHUNKS = ChunkSettings(max_minutes=0.1, first_minutes=0.05, search_s=1, overlap_s=0)
CAPABILITIES = Capabilities(
    formats=("mp3", "wav"),
    max_chunk_ms=60_000,
    max_bytes=1 << 24,
    timestamps=frozenset({"segment"}),
    diarize=False,
    vocabulary=False,
)


@dataclass
class Nobody:
    """An engine that is never asked."""

    uplink_bps: float | None = None
    model: str = "nobody"
    parameters: dict[str, object] = field(default_factory=dict)
    capabilities: Capabilities = CAPABILITIES


@dataclass
class Bench:
    """A preparation in threads of its own, and who takes its chunks.

    `reused` are the numbers of the chunks whose answers were kept.
    """

    preparation: Preparation
    pool: ThreadPoolExecutor
    mailbox: queue.SimpleQueue
    plan: Planned | None = None
    reused: list[int] = field(default_factory=list)

    @property
    def hearing(self):
        """Who listens."""
        return self.preparation.hearing

    @property
    def sha256(self):
        """The recording's identity."""
        return self.preparation.identity.result()

    @property
    def results(self):
        """The store of answers, plans and maps."""
        return self.preparation.tools.results

    def speech(self, hearing=None):
        """Wait for the map."""
        return (hearing or self.hearing).speech(sha256=self.sha256, duration_ms=self.plan.duration_ms)

    def hear_anew(self):
        """Give somebody who listens and has heard nothing yet."""
        heard = self.preparation
        return Hearing(assignment=heard.assignment, tools=heard.tools, source=heard.source, pool=self.pool)

    def run(self):
        """Take every chunk and give its place back; give the plan and the chunks."""
        running = self.pool.submit(self.preparation.run)
        running.add_done_callback(lambda _: self.mailbox.put(Prepared()))
        try:
            return self._take()
        finally:
            self.preparation.room.cancel()
            running.result(SOON_S)

    def _take(self):
        spans, chunks = (), []
        while not isinstance(event := self.mailbox.get(timeout=SOON_S), Prepared):
            if isinstance(event, Planned):
                self.plan, spans = event, event.spans
            elif isinstance(event, Reused):
                self.reused.append(event.index)
            elif isinstance(event, Ready):
                chunks.append((event.index, event.chunk))
                self.preparation.room.give()
        return spans, chunks


@contextmanager
def workshop(tmp_path: Path) -> Iterator:
    """Give a function that prepares the talk, or what `write` writes, in the format of a name."""
    stop, pool = Stop(), ThreadPoolExecutor(max_workers=10)
    ledger = Ledger.open(tmp_path / "ledger.sqlite3", clock=ticking_clock())

    def start(
        name, *options, cores=2, places=10, uplink_bps=None, spoil=None, chunks=CHUNKS, write=write_talk, **audio
    ):
        path = tmp_path / "inbox" / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            write(path, *options)
        if spoil:
            path.write_bytes(spoil(path.read_bytes()))
        job = claim_file(ledger, tmp_path, name)
        ffmpeg = new_ffmpeg(stop=stop)
        tools = Tools(
            ffmpeg=ffmpeg,
            results=Results(tmp_path / "results"),
            ledger=ledger,
            clock=ticking_clock(),
            stop=stop,
            jitter=lambda: 0.0,
            cores=cores,
            budget=None,
        )
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        assignment = Assignment(
            job=job,
            path=path,
            settings=Settings(chunks=chunks, audio=AudioSettings(**audio)).for_recording(PurePosixPath(name)),
            engine=Nobody(uplink_bps=uplink_bps),
            capabilities=CAPABILITIES,
            lane=None,
            work=work,
            destination=None,
            tell=lambda _: None,
        )
        identity: Future[str] = Future()
        identity.set_result(fingerprint(path, job=job, stop=stop))
        mailbox = queue.SimpleQueue()
        source = probe(path, ffmpeg=ffmpeg)
        preparation = Preparation(
            assignment=assignment,
            source=source,
            tools=tools,
            identity=identity,
            pool=pool,
            room=Room(places),
            put=mailbox.put,
            hearing=Hearing(assignment=assignment, tools=tools, source=source, pool=pool),
        )
        return Bench(preparation, pool, mailbox)

    with ledger, pool:
        yield start
