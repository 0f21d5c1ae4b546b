"""What every engine is: its capabilities as a value, and one way to get a chunk transcribed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voxtrald.transcript.model import Answer, RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can take and give.

    Attributes:
        formats: container names it decodes, such as `mp3`.
        max_chunk_ms: longest audio per request.
        max_bytes: largest body per request.
        timestamps: granularities it offers (`segment`, `word`).
        price_per_minute: in `currency`, or None where it costs nothing or is unknown.
    """

    formats: frozenset[str]
    max_chunk_ms: int
    max_bytes: int
    timestamps: frozenset[str]
    diarize: bool
    vocabulary: bool
    price_per_minute: float | None
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


class Delivery(Protocol):
    """One chunk on its way: attempts share what was already uploaded."""

    def attempt(self) -> Answer:
        """Try once. Blocks until the engine answers.

        Raises:
            ApiError: in one of its kinds; call again later where the kind is worth it.
        """

    def close(self) -> None:
        """Delete the remote copy if this was its last user. Never raises for the far side's sake."""

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """The copies this delivery made and whether each is known to be deleted."""


class Engine(Protocol):
    """A transcription service or program."""

    kind: str
    model: str

    @property
    def capabilities(self) -> Capabilities:
        """What this engine, with this model, can take."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Every request parameter that can change the text; part of the key an answer is kept under."""

    @property
    def uplink_bps(self) -> float | None:
        """Bits per second that one upload carried lately, or None before the first one."""

    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin the delivery of one chunk. Does not touch the network yet."""

    def check(self) -> None:
        """Ask the far side whether it accepts us and knows the model.

        Raises:
            ApiError: where it does not.
        """

    def sweep(self, recorded: Iterable[str] = (), *, spare: Callable[[str], bool] | None = None) -> int:
        """Delete this installation's leftovers on the far side and say how many there were.

        `recorded` are ids known to be leftovers; `spare` says of a remote name whether somebody still uses it.

        Raises:
            ApiError: where it cannot be found out now.
        """

    def use_key(self, api_key: str) -> None:
        """Authorize with another key from the next request on.

        Raises:
            ConfigError: where it cannot be a key.
        """

    def abort(self) -> None:
        """Break off requests on their way, as well as it can be done."""

    def close(self) -> None:
        """Close idle connections."""
