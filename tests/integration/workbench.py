"""What the tests of Mistral's engine share: engines for the stand-in, a journal in memory, a chunk of speech."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.sound.speech import compose
from voxtrald.clock import Clock
from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Surroundings
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.kinds.mistral import MistralEngine
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.errors import StorageUnavailable
from voxtrald.stopping import Stop

PREFIX = "voxtrald-test"
WORDS = compose(6_000, seed=3)
TEXT = " ".join(word.text for word in WORDS)


@dataclass(slots=True)
class Journal:
    """A journal in memory that also keeps the order of its entries; `refused` is a kind for which the disk is full."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    refused: str = ""

    def _note(self, kind, text):
        if kind == self.refused:
            raise StorageUnavailable("no space is left", path=Path("journal"))
        self.entries.append((kind, text))

    def intend_upload(self, *, name, key):
        """Note an intention."""
        self._note("intended", f"{name} {key}")

    def record_upload(self, *, name, remote_id):
        """Note an id."""
        self._note("uploaded", f"{name} {remote_id}")

    def record_deletion(self, *, remote_id):
        """Note a deletion."""
        self._note("deleted", remote_id)

    def kinds(self):
        """The kinds of entries in order."""
        return [kind for kind, _ in self.entries]


@dataclass(slots=True)
class Bench:
    """What a test needs around an engine."""

    engine: MistralEngine
    journal: Journal
    stop: Stop


@dataclass(slots=True)
class Workshop:
    """Makes engines for a stand-in, each with surroundings of its own but one state folder."""

    far_side: object
    state: Path
    closing: ExitStack

    def __call__(self, *, far_side=None, api_key="test-key", prefix=PREFIX, clock=None, **settings):
        """Make an engine with these settings."""
        url = (far_side or self.far_side).url
        chosen = {"base_url": url, "read_timeout_s": 20, "connect_timeout_s": 5, **settings}
        journal, stop = Journal(), Stop()
        surroundings = Surroundings(
            api_key=api_key,
            environ={},
            journal=journal,
            remote_prefix=prefix,
            slots=RequestSlots(8, stop=Stop()),
            in_use=CopiesInUse(stop=stop),
            state=self.state,
            cores=2,
            stop=stop,
            clock=clock or Clock(),
        )
        engine = MistralEngine(settings=EngineSettings(**chosen), surroundings=surroundings)
        self.closing.callback(engine.close)
        return Bench(engine=engine, journal=journal, stop=stop)


def chunk_at(path, *, key="0123456789abcdef" * 4):
    """Describe a file as a chunk."""
    return AudioChunk(
        key=key,
        path=path,
        extension=path.suffix.removeprefix("."),
        size_bytes=path.stat().st_size,
        duration_ms=6_000,
    )


def heard(answer):
    """The words of an answer."""
    return " ".join(answer.text.split())
