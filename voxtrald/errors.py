"""Every exception the program raises on purpose.

The class says whose fault it is (its scope), because that decides what happens: a bad recording is quarantined, a
refused key holds all work and touches no file, a bad config stops the program before any file moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final

from voxtrald.marks import Mark

_TOO_MANY_REQUESTS: Final = 429  # RFC 6585, section 4


class VoxtraldError(Exception):
    """Base of all our errors: a sentence for people, a slug for programs, a next step."""

    slug: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


# --- the machine: stop, move no file ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the configuration, and what to do about it.

    Attributes:
        key: dotted key path, such as `chunks.max_minutes`, or empty for the file as a whole.
        what: what is wrong, one sentence.
        hint: what to write instead, or empty.
        file: the file it stands in, or the environment variable's name.
        line: 1-based line in that file, where known.
    """

    key: str
    what: str
    hint: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """Show as `file:line: key: what (hint)`."""
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        head = ": ".join(part for part in (place, self.key) if part)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}: {self.what}{tail}" if head else f"{self.what}{tail}"


class ConfigError(VoxtraldError):
    """The configuration is wrong; carries every problem at once."""

    slug = "config"
    exit_code = 78

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class DependencyError(VoxtraldError):
    """A program we need is missing or unusable."""

    slug = "dependency"
    exit_code = 69


class StoreError(VoxtraldError):
    """The ledger or the state folder cannot be used: damaged, unreadable, or in use by another daemon."""

    slug = "store"
    exit_code = 74


# --- the service: wait, move no file ---------------------------------------------------------------------------


class StorageUnavailable(VoxtraldError):
    """A folder cannot be written now: disk full, read-only, share gone, no right. Goes on by itself when it can."""

    slug = "storage"
    exit_code = 74

    def __init__(self, message: str, *, path: Path, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class BudgetReached(VoxtraldError):
    """A request would pass a limit on spending; `until` is when the limit counts from nothing again."""

    slug = "budget"
    exit_code = 1

    def __init__(self, message: str, *, until: datetime, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.until = until


# --- one recording ---------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a recording was quarantined; stable slugs for scripts and reports."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NO_AUDIO = "no_audio"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    INCOMPLETE = "incomplete"
    TOO_LONG = "too_long"
    LINK_REFUSED = "link_refused"
    LINK_UNREACHABLE = "link_unreachable"
    REJECTED_BY_API = "rejected_by_api"
    GAVE_UP = "gave_up"


class RecordingError(VoxtraldError):
    """This file is at fault: quarantine it with a report, never retry it by itself."""

    slug = "recording"
    exit_code = 1

    def __init__(self, reason: Reason, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class RecordingChanged(VoxtraldError):
    """The file changed, moved or vanished while it was being worked on: forget this run and look again."""

    slug = "recording_changed"


class SidecarRefused(VoxtraldError):
    """A file beside or above the recording cannot be used: the recording waits until that is mended.

    `files` are those at fault, by their paths below the inbox, with what a change of each is noticed by.
    """

    slug = "sidecar"
    exit_code = 1

    def __init__(self, message: str, *, hint: str, files: Mapping[PurePosixPath, Mark]) -> None:
        super().__init__(message, hint=hint)
        self.files = files


# --- the far side ----------------------------------------------------------------------------------------------


class ApiError(VoxtraldError):
    """The transcription service did not give us a transcript.

    `status` is the HTTP status, or None where there was no answer. The message never carries a key, a signed
    address or spoken text.
    """

    slug = "api"

    def __init__(self, message: str, *, status: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ApiUnreachable(ApiError):
    """No answer: name look-up, refused connection, reset, time-out."""

    slug = "api_unreachable"


class ApiBusy(ApiError):
    """The server asks for patience: 408, 409, 425, 429, 5xx. `retry_after_s` is its own wish, which wins."""

    slug = "api_busy"

    @property
    def is_crowded(self) -> bool:
        """Whether too many requests came (429). That is said of all of them together, never of one."""
        return self.status == _TOO_MANY_REQUESTS

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class ApiNotYet(ApiError):
    """An uploaded file is not visible yet: 404, or 400 with code 3310 about its address."""

    slug = "api_not_yet"


class ApiGarbled(ApiError):
    """A success status without a transcript: HTML, cut JSON, a wrong shape."""

    slug = "api_garbled"


class ApiRefused(ApiError):
    """The server refuses this request for good: 400, 413, 415, 422.

    `parameter` is the optional request parameter the answer names, where it names one.
    """

    slug = "api_refused"

    def __init__(self, message: str, *, status: int | None = None, parameter: str | None = None) -> None:
        super().__init__(message, status=status)
        self.parameter = parameter


class ApiDenied(ApiError):
    """The key or the account is refused: 401, 402, 403. Holds all work, touches no file."""

    slug = "api_denied"


# --- not a failure ---------------------------------------------------------------------------------------------


class StopRequested(VoxtraldError):
    """Stop was asked for while waiting; the job returns to where it was."""

    slug = "stop"
