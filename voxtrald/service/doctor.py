"""What would keep the program from working, found out before it matters, each finding with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from voxtrald.audio.ffmpeg import find_ffmpeg
from voxtrald.config import Settings, read_api_key, setting_warnings
from voxtrald.errors import ApiDenied, ApiError, VoxtraldError
from voxtrald.store.folders import Folders


class Grade(StrEnum):
    """How bad a finding is."""

    FINE = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    grade: Grade
    subject: str
    what: str
    hint: str = ""


def examine(settings: Settings, *, environ: Mapping[str, str], ask_service: Callable[[], str]) -> Iterator[Finding]:
    """Look at everything in turn; give each finding as soon as it is there.

    `ask_service` asks the far side whether it accepts the key and offers the model: it says so, or raises.
    """
    warnings = setting_warnings(settings, environ=environ)
    yield from (Finding(grade=Grade.WARNING, subject="configuration", what=warning) for warning in warnings)
    if not warnings:
        yield Finding(grade=Grade.FINE, subject="configuration", what="read, no problem found")
    yield tried("ffmpeg", lambda: f"{find_ffmpeg(settings.audio.ffmpeg, environ)} runs")
    yield from folder_findings(settings)
    key = tried("key", lambda: found_key(settings, environ))
    yield key
    if key.grade is Grade.FINE:
        yield service_finding(ask_service)


def tried(subject: str, look: Callable[[], str]) -> Finding:
    """Make a finding of a look that may fail."""
    try:
        return Finding(grade=Grade.FINE, subject=subject, what=look())
    except VoxtraldError as error:
        return Finding(grade=Grade.BROKEN, subject=subject, what=error.message, hint=error.hint)


def found_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """Look for the key; say that it is there, never what it is.

    Raises:
        ConfigError: it is in none of its places.
    """
    read_api_key(settings.engine, environ)
    return "found"


def folder_findings(settings: Settings) -> Iterator[Finding]:
    """Try in every folder what will be done there."""
    folders = Folders.named_in(settings.folders)
    try:
        folders.ensure()
    except VoxtraldError as error:
        yield Finding(grade=Grade.BROKEN, subject="folders", what=error.message, hint=error.hint)
        return
    findings = folders.check_writable()
    for found in findings:
        grade = Grade.BROKEN if found.is_fatal else Grade.WARNING
        yield Finding(grade=grade, subject="folders", what=f"{found.folder} {found.what}", hint=found.hint)
    if not any(found.is_fatal for found in findings):
        yield Finding(grade=Grade.FINE, subject="folders", what="can be written and moved between")


def service_finding(ask: Callable[[], str]) -> Finding:
    """Say what the service thinks of the key and the model."""
    try:
        return Finding(grade=Grade.FINE, subject="service", what=ask())
    except ApiDenied as error:
        return Finding(grade=Grade.BROKEN, subject="service", what=error.message, hint=error.hint)
    except ApiError as error:
        hint = error.hint or "the daemon would wait and go on by itself; is the network there?"
        return Finding(grade=Grade.WARNING, subject="service", what=error.message, hint=hint)
    except VoxtraldError as error:
        return Finding(grade=Grade.BROKEN, subject="state", what=error.message, hint=error.hint)
