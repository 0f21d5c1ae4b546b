"""What every engine is: its capabilities as a value, and one way to get a chunk transcribed.

An engine kind is one module in the package `kinds`, named as `engine.kind` names it, with a function
`build(settings, surroundings)` that gives an `Engine`. Planning, merging, retrying and the store of answers know no
more of an engine than what stands here.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from voxtrald.clock import Clock
from voxtrald.config import EngineSettings
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.errors import ApiRefused
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Answer, RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can take and give.

    Attributes:
        formats: containers it decodes, such as `mp3`; the first one is what it likes best.
        max_chunk_ms: longest audio per request.
        usual_chunk_ms: how long chunks should be where the configuration says nothing, or None for its default. An
            engine that gives no times within a chunk wants them short.
        max_bytes: largest audio per request.
        timestamps: granularities it offers (`segment`, `word`).
        languages: ISO 639-1 codes it knows, or None where nobody knows.
        takes_addresses: whether it fetches a public web address itself.
        voice_clips: how many speakers it can know by clips of their voices beside those it was configured with.
        parallel: how many requests at once make sense, or None for as many as the configuration allows.
        price_per_minute: in `currency`, or None where it costs nothing or is unknown.
    """

    formats: tuple[str, ...]
    max_chunk_ms: int
    max_bytes: int
    timestamps: frozenset[str]
    diarize: bool
    vocabulary: bool
    usual_chunk_ms: int | None = None
    languages: frozenset[str] | None = None
    takes_addresses: bool = False
    voice_clips: int = 0
    parallel: int | None = None
    price_per_minute: float | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioChunk:
    """A prepared piece of audio, ready to be sent.

    Attributes:
        key: the key its answer will be kept under (hex).
        path: a file of its own on disk.
        extension: without the dot; decides the media type.
    """

    key: str
    path: Path
    extension: str
    size_bytes: int
    duration_ms: int


class UploadJournal(Protocol):
    """Where an engine writes down remote copies before and after it makes them (the ledger does this)."""

    def intend_upload(self, *, name: str, key: str) -> None:
        """Record that a remote file called `name` is about to exist."""

    def record_upload(self, *, name: str, remote_id: str) -> None:
        """Record the id the service gave to `name`."""

    def record_deletion(self, *, remote_id: str) -> None:
        """Record that the service confirmed the deletion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the house gives to a new engine.

    Attributes:
        api_key: the key for its service, or None where none is configured.
        environ: the process's environment.
        journal: for remote copies.
        remote_prefix: what names of remote copies begin with.
        slots: one for each open HTTP request, shared by all engines.
        in_use: shared by all engines that use one account, lest one deletes what another uses.
        state: a folder for what it wants to remember between runs, of its own files' names.
        cores: how many processors there are.
    """

    api_key: str | None
    environ: Mapping[str, str]
    journal: UploadJournal
    remote_prefix: str
    slots: RequestSlots
    in_use: CopiesInUse
    state: Path
    cores: int
    stop: Stop
    clock: Clock = field(default_factory=Clock)


class Delivery(Protocol):
    """One chunk on its way: attempts share what was already uploaded."""

    def attempt(self) -> Answer:
        """Try once. Blocks until the engine answers.

        Raises:
            ApiError: in one of its kinds; call again later where the kind is worth it.
            StopRequested: stop was asked for before or meanwhile.
        """

    def close(self) -> None:
        """Delete the remote copy if this was its last user. Never raises for the far side's sake."""

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """The copies this delivery made and whether each is known to be deleted."""


class Engine(ABC):
    """A transcription service or program. Threads share it.

    Attributes:
        kind: what `engine.kind` calls it.
        model: the model it asks for, as people know it.
        service: the far side's name for people, such as its address. What one engine learns of it (an outage, a
            refused key) holds for all that name the same service and use the same key.
    """

    kind: str
    model: str
    service: str

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this engine, with this model, can take."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, object]:
        """Every request parameter that can change the text; part of the key an answer is kept under."""

    @abstractmethod
    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin the delivery of one chunk. Does not touch the network yet."""

    @abstractmethod
    def check(self) -> str:
        """Ask the far side whether it accepts us and knows the model; say what is there, in one sentence.

        Raises:
            ApiError: where it does not.
        """

    @abstractmethod
    def adopt(self, settings: EngineSettings) -> None:
        """Ask in the manner of these settings from now on; for `varied`, before the first request."""

    def varied(self, settings: EngineSettings) -> Self:
        """Give an engine at the same far side that asks in another manner, over the same connections.

        It need not be closed. What the far side refuses of its manner is not held against this one's.

        Args:
            settings: differ from this engine's in language, vocabulary, speakers and times at most.
        """
        twin = copy.copy(self)
        twin.adopt(settings)
        return twin

    def adopt_voices(self, clips: Mapping[str, Path]) -> None:
        """Know these speakers from now on, where `voice_clips` says that it can; for `with_voices`."""
        del clips

    def with_voices(self, clips: Mapping[str, Path]) -> Self:
        """Give an engine at the same far side that knows some more speakers. It need not be closed.

        Args:
            clips: by the name that answers shall use, a file with the voice; at most `voice_clips`. They are read for
                each request.
        """
        twin = copy.copy(self)
        twin.adopt_voices(clips)
        return twin

    def deliver_address(self, address: str, *, key: str) -> Delivery:
        """Begin the delivery of what lies at a public web address; only where `takes_addresses` says so.

        Raises:
            ApiRefused: this engine takes no addresses.
        """
        del address, key
        raise ApiRefused(f"{self.service} does not fetch recordings from an address")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know before it matters, each in a sentence, as far as known without asking anybody."""
        return ()

    def learn(self) -> None:
        """Ask the far side at leisure what it offers, and log what people should know. Its failures do no harm."""

    @property
    def uplink_bps(self) -> float | None:
        """Bits per second that one upload carried lately, or None before the first one."""
        return None

    def sweep(self, recorded: Iterable[str] = (), *, spare: Callable[[str], bool] | None = None) -> int:
        """Delete this installation's leftovers on the far side and say how many there were.

        `recorded` are ids known to be leftovers; `spare` says of a remote name whether somebody still uses it.

        Raises:
            ApiError: where it cannot be found out now.
        """
        del recorded, spare
        return 0

    def use_key(self, api_key: str | None) -> None:
        """Authorize with another key from the next request on.

        Raises:
            ConfigError: where it cannot be a key, or is missing and needed.
        """

    def abort(self) -> None:
        """Break off requests on their way, as well as it can be done."""

    def close(self) -> None:
        """Close idle connections and release what is held."""
