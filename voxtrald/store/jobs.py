"""What the ledger knows of one recording's life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. The last three are ends."""

    WAITING = "waiting"
    WORKING = "working"
    PUBLISHING = "publishing"
    DEFERRED = "deferred"
    """Waits for something around us: room on a disk, a share, or what may be spent."""
    DONE = "done"
    PARTIAL = "partial"
    """Published like one that is done, with the places marked in it where there is no text."""
    FAILED = "failed"


PUBLISHED = frozenset({JobState.DONE, JobState.PARTIAL})
ENDED = PUBLISHED | {JobState.FAILED}
UNFINISHED = frozenset(JobState) - ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A document to be published: its name in the recording's outbox folder, and its content's digest."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The names chosen for one recording's set, written down before the first of them appears.

    Attributes:
        folder: of all names, as a POSIX path below the outbox.
        stem: what the names have in common.
        outputs: the documents.
        source_name: the original's name, or None where it does not go to the outbox.
        missing: from when to when there is no text, as people read it; empty where it is complete. It stands here so
            that a start that finds the set published can tell how the job ended.
    """

    folder: str
    stem: str
    outputs: tuple[Output, ...]
    source_name: str | None
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording's life.

    Attributes:
        id: short; ids of later jobs sort after those of earlier ones.
        relative: POSIX path below the inbox, with surrogate escapes where a name is not UTF-8.
        owner: the token of the process that claimed it, or empty for the daemon.
        reason: slug of why it is in this state.
        detail: a sentence about it; the report where it failed, and where it is partial, what is missing.
        attempts: how often it was claimed.
        publication: the names intended for its set, once they are chosen.
        outputs: what it ended with, as POSIX paths below the outbox, or the error folder where it failed.
        billed_s: seconds of audio paid for.
        cost: their price, or None where no price is known.
    """

    id: str
    relative: str
    size_bytes: int
    mtime_ns: int
    inode: int
    owner: str
    state: JobState
    reason: str | None
    detail: str | None
    sha256: str | None
    duration_ms: int | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    publication: Publication | None
    outputs: tuple[str, ...]
    billed_s: float
    cost: float | None
    chunks_total: int | None
    chunks_done: int
    chunks_reused: int
