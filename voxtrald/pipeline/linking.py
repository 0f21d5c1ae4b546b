"""A recording that is only named: a link file in the inbox, and what lies at the address in it.

An engine that fetches addresses itself is asked to; what it will not take, or is too long for it, is fetched here.
"""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from voxtrald.audio.prepare import PreparedChunk
from voxtrald.engines.base import Delivery
from voxtrald.engines.http.dialling import Offline
from voxtrald.engines.http.fetching import Fetched, Fetcher
from voxtrald.errors import (
    ApiBusy,
    ApiError,
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
    Reason,
    RecordingError,
    StopRequested,
)
from voxtrald.links import LONGEST_FILE_BYTES, Address, read_address, read_link
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.deciding import TryLater, judge_fetch
from voxtrald.pipeline.events import Event, Planned, Prepared, Ready, Reused
from voxtrald.pipeline.gathering import Gathering
from voxtrald.pipeline.progress import ChunkProgress, Progress
from voxtrald.pipeline.room import Room
from voxtrald.pipeline.settled import Gathered
from voxtrald.storage import storage_errors
from voxtrald.store.durable import open_source, room_for
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.store.results import ResultKey
from voxtrald.store.sources import require_claimed
from voxtrald.transcript.document import SourceFacts
from voxtrald.transcript.model import Answer, RemoteFile, Span

_UNKNOWN = Span(start_ms=0, end_ms=0)  # how long it is, only the engine's answer tells
_OFFLINE_S = 24 * 3600.0  # a night or a day without network is nobody's fault; a domain without servers is not ours
_ROOM_BYTES = 16 << 20  # of the disk, to be left free where nobody says how much will come

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link file says, and the SHA-256 of the file itself."""

    address: Address
    sha256: str

    def key(self, parameters: Mapping[str, object]) -> ResultKey:
        """The key of an engine's answer about the address: what lies there is taken to stay the same."""
        return ResultKey(audio_sha256=self.address_sha256, span=_UNKNOWN, parameters=parameters)

    @property
    def address_sha256(self) -> str:
        """The SHA-256 of the whole address."""
        return hashlib.sha256(self.address.url.encode()).hexdigest()


def read_claimed(assignment: Assignment, *, fetcher: Fetcher) -> Link:
    """Read the link file that was claimed.

    Raises:
        RecordingError: it names no address, or none that may be opened.
        RecordingChanged: the file is not, or no longer, the one that was claimed.
        StorageUnavailable: it cannot be read.
    """
    path = assignment.path
    with open_source(path) as file, storage_errors(path):
        content = file.read(LONGEST_FILE_BYTES + 1)
    require_claimed(path, assignment.job)
    address = read_address(read_link(path.name, content), hosts=fetcher.hosts)
    return Link(address=address, sha256=hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """The two ways to what one link names."""

    assignment: Assignment
    tools: Tools
    fetcher: Fetcher
    link: Link

    # --- the engine's way ------------------------------------------------------------------------------------

    def ask_engine(self) -> Gathered | None:
        """Have the engine fetch and transcribe it; None where it does not, or heard only a part.

        Raises:
            RecordingError: the address leads inside, or its host cannot be looked up in all attempts.
            StopRequested, StorageUnavailable, BudgetReached: as for any recording.
        """
        assignment = self.assignment
        if not assignment.capabilities.takes_addresses:
            return None
        if assignment.settings.audio.track != "default":
            self._tell_handed_back("the engine would choose another audio track")
            return None
        key = self.link.key(assignment.engine.parameters)
        reused = self._reused(key)
        if reused is None and self._is_capped:
            self._tell_handed_back("what it would cost is not known before, and spending is limited")
            return None
        if reused is None:  # an engine in this network must not be led to what is inside it
            self._insist(partial(self.fetcher.require_allowed, self.link.address))
        try:
            delivery = assignment.engine.deliver_address(self.link.address.url, key=key.digest)
            gathered = self._gather(key, delivery, reused=reused)
        except ApiRefused as error:
            self._tell_handed_back(error.message)
            return None
        return self._whole(gathered)

    def _gather(self, key: ResultKey, delivery: Delivery, *, reused: Reused | None) -> Gathered:
        mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        mailbox.put(Planned(spans=(_UNKNOWN,), duration_ms=0))
        mailbox.put(reused or Ready(index=0, chunk=self._unseen))
        mailbox.put(Prepared())
        gathering = Gathering(
            assignment=replace(self.assignment, tell=self._tell),
            tools=self.tools,
            key_of=lambda _: key,
            deliver=lambda *_: _ByAddress(delivery=delivery),
            room=Room(1),
            mailbox=mailbox,
            earlier=self.tools.ledger.attempts_of(self.assignment.job.id),
        )
        return gathering.run()

    def _reused(self, key: ResultKey) -> Reused | None:
        """Take the answer that was paid for earlier, where there is one."""
        kept = self.tools.results.find(key)
        if kept is None:
            return None
        self.assignment.books(self.tools.ledger).make_up(key, kept)
        return Reused(index=0, span=_UNKNOWN, kept=kept)

    @property
    def _is_capped(self) -> bool:
        """Whether a limit on spending counts for the recording; any length does to find out."""
        return self.tools.budget.is_capped(self.assignment.books(self.tools.ledger).charge_for(1))

    @property
    def _unseen(self) -> PreparedChunk:
        return PreparedChunk(
            span=_UNKNOWN,
            path=self.assignment.work / "unseen",
            extension="",
            how="address",
            offset_ms=0,
            duration_ms=0,
            size_bytes=0,
        )

    def _tell(self, progress: Progress) -> None:
        """Tell how far it is, but of no failure: it only means that we fetch it ourselves."""
        if not (isinstance(progress, ChunkProgress) and progress.state is ChunkState.FAILED):
            self.assignment.tell(progress)

    def _whole(self, gathered: Gathered) -> Gathered | None:
        """Give what was gathered its length, which the answer tells; None where that is nothing, or not all of it."""
        (chunk,) = gathered.chunks
        if chunk.kept is None:
            self._tell_handed_back(gathered.error.message if gathered.error else "")
            return None
        length_ms = chunk.kept.duration_ms
        if length_ms > self.assignment.capabilities.max_chunk_ms:
            self._tell_handed_back("it is longer than the service hears at once")
            return None
        self.tools.ledger.note_identity(self.assignment.job.id, duration_ms=length_ms)
        span = Span(start_ms=0, end_ms=length_ms)
        return Gathered(chunks=(replace(chunk, span=span),), duration_ms=length_ms)

    def _tell_handed_back(self, why: str) -> None:
        log.info("link_handed_back", host=self.link.address.host, error=why)

    def facts(self, gathered: Gathered) -> SourceFacts:
        """Describe a recording that only the engine has seen."""
        return SourceFacts(
            name=self.assignment.path.name,
            sha256=self.link.sha256,
            size_bytes=self.assignment.job.size_bytes,
            duration_ms=gathered.duration_ms,
            container="",
            codec="",
            address=self.link.address.shown,
        )

    # --- our own way -----------------------------------------------------------------------------------------

    def fetch(self) -> Fetched:
        """Fetch it into the work folder, however often that takes within the policy.

        Raises:
            RecordingError: it will not be had.
            StopRequested, StorageUnavailable: as for any recording.
        """
        fetched = self._insist(
            partial(
                self.fetcher.fetch,
                self.link.address,
                target=self.assignment.work / "fetched",
                require_room=partial(_require_room, self.assignment.work),
            )
        )
        log.info("link_fetched", host=self.link.address.host, size_bytes=fetched.size_bytes)
        return fetched

    def _insist(self, ask: Callable[[], T]) -> T:
        """Ask until there is an answer, or the attempts, which outlive a restart, are used up."""
        earlier = self.tools.ledger.attempts_of(self.assignment.job.id).get(self.link.address_sha256)
        counted, tries, began_s = earlier.attempts if earlier else 0, 0, self.tools.clock.monotonic_s()
        if earlier and earlier.next_at:
            self._wait((earlier.next_at - self.tools.clock.now()).total_seconds())
        while True:
            try:
                return ask()
            except (ApiUnreachable, ApiBusy) as error:
                tries += 1
                later = self._judge(error, counted=counted, tries=tries, began_s=began_s)
                counted = later.counted
            self._wait(later.wait_s)

    def _judge(self, error: ApiError, *, counted: int, tries: int, began_s: float) -> TryLater:
        is_recent = self.tools.clock.monotonic_s() - began_s < _OFFLINE_S
        later = judge_fetch(
            error,
            counted=counted,
            tries=tries,
            is_excused=isinstance(error, Offline) and is_recent,
            policy=self.assignment.policy,
            jitter=self.tools.jitter(),
        )
        if later is None:
            raise RecordingError(
                Reason.GAVE_UP,
                f"what the link names could not be fetched in all attempts: {error.message}",
                hint="see whether the link works in a browser, and try again when it does",
            ) from error
        self._note(error, later)
        return later

    def _note(self, error: ApiError, later: TryLater) -> None:
        self.tools.ledger.note_attempt(
            self.assignment.job.id,
            self.link.address_sha256,
            attempts=later.counted,
            error=error.slug,
            next_at=self.tools.clock.now() + timedelta(seconds=later.wait_s),
        )
        host, wait_s = self.link.address.host, round(later.wait_s, 1)
        log.info("fetch_retry_scheduled", host=host, error=error.message, attempt=later.counted, wait_s=wait_s)

    def _wait(self, wait_s: float) -> None:
        if self.tools.stop.wait(max(0.0, wait_s)):
            raise StopRequested("stopped while waiting to fetch")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByAddress:
    """A delivery of what is not ours: either it is there, or waiting will not bring it."""

    delivery: Delivery

    def attempt(self) -> Answer:
        try:
            return self.delivery.attempt()
        except ApiNotYet as error:
            raise ApiRefused(error.message, status=error.status) from error

    def close(self) -> None:
        self.delivery.close()

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        return self.delivery.remote_files


def _require_room(work: Path, size_bytes: int) -> None:
    room_for(work, size_bytes + _ROOM_BYTES)
