"""The whole way of a file through the real pipeline, in this process, with a recogniser that really listens."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import decode
from tests.sound.hearing import BROKEN, hear
from tests.sound.speech import RATE
from tests.storing import claim_file
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.budget import Budget
from voxtrald.dispatch.gate import Gate
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.senders import Senders
from voxtrald.engines.base import Capabilities
from voxtrald.errors import ApiRefused, Reason
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.outcome import Done, Failed, Outcome
from voxtrald.pipeline.recording import run_job
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results
from voxtrald.transcript.model import Answer, AnswerSegment

CAPABILITIES = Capabilities(
    formats=("mp3", "wav", "flac", "ogg"),
    max_chunk_ms=840_000,
    max_bytes=1 << 29,
    timestamps=frozenset({"segment"}),
    diarize=False,
    vocabulary=False,
    price_per_minute=0.06,
)


@dataclass
class Listener:
    """An engine that hears exactly the words that are in what it is sent.

    Attributes:
        asked: how many requests were made; each is paid.
        is_deaf: answers with nothing, and does not look at what it is sent.
    """

    asked: int = 0
    is_deaf: bool = False
    kind: str = "listener"
    model: str = "listener-1"
    service: str = "here"
    capabilities: Capabilities = CAPABILITIES
    parameters: dict[str, object] = field(default_factory=lambda: {"model": "listener-1"})
    uplink_bps = None

    def takes(self, *, longest_ms: int) -> None:
        """Take chunks of another length, and give no answer to speak of."""
        self.capabilities, self.is_deaf = replace(self.capabilities, max_chunk_ms=longest_ms), True

    def deliver(self, chunk):
        """Begin a delivery."""
        return Delivery(self, chunk)


@dataclass
class Delivery:
    """One chunk on its way to the listener."""

    listener: Listener
    chunk: object
    remote_files = ()

    def attempt(self):
        """Listen."""
        self.listener.asked += 1
        if self.listener.is_deaf:
            return Answer(text="", billed_s=self.chunk.duration_ms / 1000)
        try:
            words = [word for word in hear(decode(self.chunk.path), RATE) if word.text != BROKEN]
        except subprocess.CalledProcessError as error:
            raise ApiRefused("this is no audio", status=422) from error
        segments = [AnswerSegment(text=word.text, start_ms=word.start_ms, end_ms=word.end_ms) for word in words]
        text = " ".join(word.text for word in words)
        return Answer(text=text, segments=tuple(segments), billed_s=self.chunk.duration_ms / 1000)

    def close(self):
        """Nothing is left behind."""


@dataclass
class Shelf:
    """A destination that keeps in memory what would lie in a folder."""

    documents: dict[str, bytes] = field(default_factory=dict)
    report: str = ""
    partial_text: str | None = None

    def publish(self, job, documents, *, settings, missing=""):
        """Take a result."""
        del job, settings, missing
        self.documents = dict(documents)
        return tuple(documents)

    def quarantine(self, job, *, report, partial_text, reason):
        """Take what is said of a failed recording."""
        del reason
        self.report, self.partial_text = report, partial_text
        return (job.relative,)


@dataclass(frozen=True)
class Carried:
    """What became of a file.

    Attributes:
        asked: how many requests were paid for it.
        words: what was heard, also of a part.
    """

    outcome: Outcome
    shelf: Shelf
    asked: int

    @property
    def words(self) -> set[str]:
        """The words of the transcript, or of the part of it there is."""
        text = self.shelf.documents.get("txt", b"").decode() or self.shelf.partial_text or ""
        return set(text.split())

    @property
    def reason(self) -> Reason | None:
        """Why it failed, or None for a transcript."""
        if isinstance(self.outcome, Done):
            return None
        assert isinstance(self.outcome, Failed), self.outcome
        return self.outcome.reason

    @property
    def damage(self) -> list[dict[str, object]]:
        """What the result says of damage."""
        return json.loads(self.shelf.documents["json"])["source"]["damage"]


@dataclass
class Bench:
    """A ledger and the tools; one file at a time is laid on it.

    Attributes:
        sections: of the configuration, beside the defaults.
    """

    root: Path
    tools: Tools
    lane: Lane
    listener: Listener = field(default_factory=Listener)
    sections: dict[str, dict[str, object]] = field(default_factory=dict)

    def carry(self, file: Path) -> Carried:
        """Move a file into the inbox, and carry it to its end."""
        path, work, shelf = self.root / "inbox" / file.name, self.root / "work", Shelf()
        shutil.move(file, path)
        job = claim_file(self.tools.ledger, self.root, file.name)
        work.mkdir()
        asked = self.listener.asked
        assignment = Assignment(
            job=job,
            path=path,
            settings=Settings(**self.sections).for_recording(PurePosixPath(file.name)),
            engine=self.listener,
            capabilities=self.listener.capabilities,
            lane=self.lane,
            work=work,
            destination=shelf,
            tell=lambda _: None,
        )
        outcome = run_job(assignment, self.tools)
        shutil.rmtree(work)
        return Carried(outcome=outcome, shelf=shelf, asked=self.listener.asked - asked)


def open_bench(root: Path, closing: ExitStack, **sections: dict[str, object]) -> Bench:
    """Lay out a bench below `root`; whatever it opens is closed with `closing`."""
    clock, stop = Clock(), Stop()
    for name in ("inbox", "state"):
        (root / name).mkdir(parents=True)
    ledger = Ledger.open(root / "state" / "ledger.sqlite3", clock=clock)
    closing.callback(ledger.close)
    senders = Senders(size=2)
    closing.callback(senders.resize, 0)
    gate = Gate(
        service="here",
        policy=Policy(attempts=2, first_wait_s=0.01, max_wait_s=0.01),
        requests_per_s=None,
        clock=clock,
        tell=lambda _: None,
    )
    tools = Tools(
        ffmpeg=new_ffmpeg(stop=stop),
        results=Results(root / "state" / "results"),
        ledger=ledger,
        clock=clock,
        stop=stop,
        jitter=lambda: 0.0,
        cores=1,
        budget=Budget((), cost_since=ledger.cost_since, clock=clock),
    )
    return Bench(root=root, tools=tools, lane=Lane(service="here", gate=gate, senders=senders), sections=sections)
