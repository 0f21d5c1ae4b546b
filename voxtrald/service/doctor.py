"""What would keep the program from working, found out before it matters, each finding with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.config import KEY_NEEDED, Settings, find_api_key, require_api_key, setting_warnings
from voxtrald.dispatch.budget import caps_in
from voxtrald.dispatch.spending import Cap, unpriced
from voxtrald.engines.base import Engine
from voxtrald.errors import ApiDenied, ApiError, ConfigError, VoxtraldError
from voxtrald.stopping import Stop
from voxtrald.store.folders import Folders
from voxtrald.watch.anchor import inbox_trouble

OpenEngines = Callable[[], AbstractContextManager[Iterable[Engine]]]


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


def examine(settings: Settings, *, environ: Mapping[str, str], open_engines: OpenEngines) -> Iterator[Finding]:
    """Look at everything in turn; give each finding as soon as it is there.

    `open_engines` makes the engines of the settings and their rules, and closes them afterwards.
    """
    warnings = setting_warnings(settings, environ=environ)
    yield from (Finding(grade=Grade.WARNING, subject="configuration", what=warning) for warning in warnings)
    if not warnings:
        yield Finding(grade=Grade.FINE, subject="configuration", what="read, no problem found")
    yield from decoder_findings(settings, environ)
    yield from folder_findings(settings)
    key = tried("key", lambda: found_key(settings, environ))
    yield key
    if key.grade is Grade.FINE:
        yield from engine_findings(open_engines, caps=caps_in(settings))


def decoder_findings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Run ffmpeg, then run it in its jail and say what that is made of."""
    try:
        binary = find_ffmpeg(settings.audio.ffmpeg, environ)
    except VoxtraldError as error:
        yield Finding(grade=Grade.BROKEN, subject="ffmpeg", what=error.message, hint=error.hint)
        return
    yield Finding(grade=Grade.FINE, subject="ffmpeg", what=f"{binary} runs")
    ffmpeg = Ffmpeg(binary, slots=1, stop=Stop())
    try:
        jail = ffmpeg.jail()
    except VoxtraldError as error:
        yield Finding(grade=Grade.BROKEN, subject="decoder", what=error.message, hint=error.hint)
    else:
        yield Finding(grade=Grade.FINE, subject="decoder", what=f"jailed: {jail}")
        missing = (f"the kernel does not offer {layer}" for layer in jail.absent)
        yield from (Finding(grade=Grade.WARNING, subject="decoder", what=what, hint=_JAIL_HINT) for what in missing)
    finally:
        ffmpeg.close()


_JAIL_HINT: Final = "work goes on without it; docs/security.md says what that means"


def tried(subject: str, look: Callable[[], str]) -> Finding:
    """Make a finding of a look that may fail."""
    try:
        return Finding(grade=Grade.FINE, subject=subject, what=look())
    except VoxtraldError as error:
        return Finding(grade=Grade.BROKEN, subject=subject, what=error.message, hint=error.hint)


def found_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """Look for the keys of all engines; say whether there are any, never what they are.

    Raises:
        ConfigError: one is needed and in none of its places, or cannot be used.
    """
    asked = [(engine, require_api_key if engine.kind in KEY_NEEDED else find_api_key) for engine in settings.engines]
    keys = [look(engine, environ, main=settings.engine) for engine, look in asked]
    return "found" if any(keys) else "none is set, and none is required"


def folder_findings(settings: Settings) -> Iterator[Finding]:
    """Try in every folder what will be done there."""
    folders = Folders.named_in(settings.folders)
    if away := inbox_trouble(settings.folders.inbox, state=settings.folders.state):
        yield Finding(grade=Grade.BROKEN, subject="folders", what=away.message, hint=away.hint)
        return
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


def engine_findings(open_engines: OpenEngines, *, caps: Sequence[Cap]) -> Iterator[Finding]:
    """Ask every engine; where our own tools cannot be opened, say that instead."""
    try:
        with open_engines() as engines:
            for engine in engines:
                found = service_finding(engine)
                yield found
                price = engine.capabilities.price_per_minute
                warnings = (*engine.warnings, *unpriced([(engine.model, price)], caps))
                fresh = [what for what in warnings if not what.startswith(found.what)]  # a retired model is told once
                yield from (Finding(grade=Grade.WARNING, subject="model", what=what) for what in fresh)
    except ConfigError as error:
        yield Finding(grade=Grade.BROKEN, subject="configuration", what=error.message, hint=error.hint)
    except VoxtraldError as error:
        yield Finding(grade=Grade.BROKEN, subject="state", what=error.message, hint=error.hint)


def service_finding(engine: Engine) -> Finding:
    """Say what a service thinks of the key and the model."""
    try:
        return Finding(grade=Grade.FINE, subject="service", what=engine.check())
    except ApiDenied as error:
        return Finding(grade=Grade.BROKEN, subject="service", what=error.message, hint=error.hint)
    except ApiError as error:
        hint = error.hint or "the daemon would wait and go on by itself; is the network there?"
        return Finding(grade=Grade.WARNING, subject="service", what=error.message, hint=hint)
