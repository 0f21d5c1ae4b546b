"""From a recording to chunks that can be sent: in order, no more than there is room for, whatever way they are made."""

from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pytest

from tests.integration.audio_files import TALK_MS, WORDS, hear_file, new_ffmpeg, texts, write_talk
from tests.storing import claim_file, ticking_clock
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.audio.probe import probe
from voxtrald.config import Settings
from voxtrald.config.sections import AudioSettings, ChunkSettings
from voxtrald.engines.base import Capabilities
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Planned, Prepared, Ready
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.preparing import Preparation, Room
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
    parameters: dict[str, object] = field(default_factory=dict)
    capabilities: Capabilities = CAPABILITIES


@dataclass
class Bench:
    """A preparation in threads of its own, and who takes its chunks."""

    preparation: Preparation
    pool: ThreadPoolExecutor
    mailbox: queue.SimpleQueue

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
                spans = event.spans
            elif isinstance(event, Ready):
                chunks.append((event.index, event.chunk))
                self.preparation.room.give()
        return spans, chunks


@pytest.fixture
def preparing(tmp_path):
    """Give a function that prepares the talk in a format."""
    stop, pool = Stop(), ThreadPoolExecutor(max_workers=10)
    ledger = Ledger.open(tmp_path / "ledger.sqlite3", clock=ticking_clock())

    def start(name, *options, cores=2, places=10, uplink_bps=None, spoil=None, **audio):
        path = tmp_path / "inbox" / name
        path.parent.mkdir(exist_ok=True)
        write_talk(path, *options)
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
        engine = Nobody(uplink_bps=uplink_bps)
        settings = Settings(chunks=CHUNKS, audio=AudioSettings(**audio)).for_recording(PurePosixPath(name))
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        assignment = Assignment(
            job=job,
            path=path,
            settings=settings,
            engine=engine,
            capabilities=CAPABILITIES,
            lane=None,
            work=work,
            destination=None,
            tell=lambda _: None,
        )
        identity: Future[str] = Future()
        identity.set_result(fingerprint(path, job=job, stop=stop))
        mailbox = queue.SimpleQueue()
        preparation = Preparation(
            assignment=assignment,
            source=probe(path, ffmpeg=ffmpeg),
            tools=tools,
            identity=identity,
            pool=pool,
            room=Room(places),
            put=mailbox.put,
        )
        return Bench(preparation, pool, mailbox)

    with ledger, pool:
        yield start


def words_in(chunks: list[tuple[int, PreparedChunk]]) -> list[str]:
    """Listen to all chunks."""
    return [word for _, chunk in chunks for word in texts(hear_file(chunk.path))]


def ways(chunks: list[tuple[int, PreparedChunk]]) -> list[str]:
    """Say how each chunk was made."""
    return [chunk.how for _, chunk in chunks]


@pytest.mark.parametrize(
    ("name", "options", "audio", "rest"),
    [
        ("a.mp3", ("-b:a", "96k"), {"copy": "always"}, "copied"),
        ("a.mp3", ("-b:a", "128k"), {"copy": "never"}, "encoded"),
        ("a.wav", (), {"copy": "always"}, "copied"),
        ("a.m4a", (), {}, "encoded"),
    ],
)
def test_all_words_are_in_the_chunks_in_order(preparing, name, options, audio, rest):
    """Copied or encoded, the chunks come in order and together hold every word once."""
    spans, chunks = preparing(name, *options, **audio).run()

    assert [index for index, _ in chunks] == list(range(len(spans)))
    assert ways(chunks) == [rest] * len(spans)
    assert words_in(chunks) == texts(WORDS)
    assert spans[-1].end_ms == pytest.approx(TALK_MS, abs=60)


def test_a_first_chunk_finds_out_how_fast_the_line_is(preparing):
    """As long as nothing was uploaded the first chunk is copied, the others are encoded; nothing is lost between."""
    _, chunks = preparing("a.mp3", "-b:a", "128k").run()

    assert ways(chunks) == ["copied", *["encoded"] * (len(chunks) - 1)]
    assert words_in(chunks) == texts(WORDS)


def test_frames_that_are_irregular_are_encoded(preparing):
    """An mp3 with rubbish in it is not copied by its bytes, and its words come nevertheless."""

    def spoil(content):
        half = len(content) // 2
        return content[:half] + b"rubbish" * 20 + content[half:]

    _, chunks = preparing("a.mp3", "-b:a", "96k", copy="always", spoil=spoil).run()

    assert ways(chunks)[-1] == "encoded"
    assert len(set(words_in(chunks)) & set(texts(WORDS))) >= len(WORDS) - 2


@pytest.mark.parametrize("places", [1, 3])
def test_less_room_than_cores_is_enough(preparing, places):
    """However little room there is, what is done is handed over, so that it can be answered and make room."""
    spans, chunks = preparing("a.m4a", cores=8, places=places).run()

    assert [index for index, _ in chunks] == list(range(len(spans)))
