"""Who has to be told what: from outcomes and gates to messages and scripts, by the settings."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from voxtrald import logs
from voxtrald.clock import Clock
from voxtrald.config import NotifySettings, Settings
from voxtrald.errors import Reason
from voxtrald.pipeline.outcome import Done, Failed, Outcome, Tally
from voxtrald.service.messages.digesting import Route
from voxtrald.service.messages.happenings import Event, Happening
from voxtrald.service.messages.notifying import Address, Count, Errand, Notifier, ScriptRunner, Tell
from voxtrald.transcript.model import Span
from voxtrald.transcript.rendering.clocks import spans_text

if TYPE_CHECKING:
    from types import ModuleType

PATIENCE_S: Final = 3.0
"""How long the end of the program waits for the last messages and scripts."""

WHOM: Final[Mapping[Event, AbstractSet[str]]] = {Event.PARTIAL: {Event.DONE.value, Event.FAILED.value}}
"""Who is told of an event that has no name of its own in `notify.on`: those who want one of these, once."""

_REPORT: Final = ".error.txt"


class Telling:
    """The two threads that tell, and what they are given to tell.

    Neither thread exists, and nothing is imported for it, before the settings name an address or a script.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        told: Count,
        ran_script: Count,
    ) -> None:
        """Understand the addresses.

        Raises:
            ConfigError: one of them is none.
        """
        self._clock = clock
        self._jitter = jitter
        self._told = told
        self._ran_script = ran_script
        self._notifier: Notifier | None = None
        self._runner: ScriptRunner | None = None
        self.prepare(settings)()

    def prepare(self, settings: Settings) -> Callable[[], None]:
        """Understand other settings; give what makes them count.

        Raises:
            ConfigError: an address cannot be used; nothing has changed.
        """
        channels = open_channels(settings)

        def use() -> None:
            self._settings = settings
            asked = tuple(all_notify(settings))
            if self._runner is None and any(notify.script for notify in asked):
                self._runner = ScriptRunner(clock=self._clock, count=self._ran_script)
            if self._notifier is not None:
                self._notifier.use(channels)
            elif any(notify.urls or notify.script for notify in asked):
                self._notifier = self._start(channels)

        return use

    def ended(self, recording: str, outcome: Outcome) -> None:
        """Tell of a recording that is done, wholly or in part, or failed."""
        if self._notifier is None or not isinstance(outcome, Done | Failed):
            return
        notify = self._settings.for_recording(PurePosixPath(recording)).notify
        happening = self._happening(recording, outcome)
        if not WHOM.get(happening.event, {happening.event.value}) & set(notify.on):
            return
        self._notifier.tell(Tell(happening=happening, route=route_of(notify)))
        if notify.script is not None:
            self._run(Errand(script=notify.script, happening=happening))

    def held(self, service: str, *, reason: str, hint: str) -> None:
        """Tell that all work for a service stands still; a second time it is no news."""
        self._tell_of_all(Happening(event=Event.HELD, service=service, reason=reason, hint=hint))

    def resumed(self, service: str) -> None:
        """Tell that it goes on, where it was told to stand still."""
        self._tell_of_all(Happening(event=Event.RESUMED, service=service))

    def close(self) -> None:
        """Send what waits, for a moment, and end."""
        until_s = self._clock.monotonic_s() + PATIENCE_S
        if self._notifier is not None:
            self._notifier.close(patience_s=PATIENCE_S)
        if self._runner is not None:
            self._runner.close(patience_s=max(0.0, until_s - self._clock.monotonic_s()))

    def _start(self, channels: Mapping[str, Address]) -> Notifier:
        return Notifier(
            channels=channels,
            clock=self._clock,
            jitter=self._jitter,
            run=self._run,
            count=self._told,
        )

    def _run(self, errand: Errand) -> None:
        if self._runner is not None:
            self._runner.run(errand)

    def _tell_of_all(self, happening: Happening) -> None:
        if self._notifier is None:
            return
        notify = self._settings.notify
        route = route_of(notify) if happening.event.value in notify.on else None
        self._notifier.tell(Tell(happening=happening, route=route))

    def _happening(self, recording: str, outcome: Done | Failed) -> Happening:
        folders = self._settings.folders
        tally = outcome.tally
        match outcome:
            case Done(outputs=outputs):
                paths = tuple(str(folders.outbox / name) for name in outputs)
                happening = _about(Event.DONE, recording, paths=paths, tally=tally)
                return _with_holes(happening, outcome.missing) if outcome.is_partial else happening
            case Failed(outputs=outputs):
                paths = tuple(str(folders.error / name) for name in outputs)
                happening = _about(Event.FAILED, recording, paths=paths, tally=tally)
                return replace(happening, reason=outcome.reason.value, error=outcome.message, hint=outcome.hint)


def _about(event: Event, recording: str, *, paths: tuple[str, ...], tally: Tally) -> Happening:
    return Happening(
        event=event,
        recording=recording,
        path=main_path(paths),
        outputs=paths,
        duration_s=tally.duration_ms / 1000,
        cost=tally.cost,
        currency=tally.currency,
    )


def _with_holes(happening: Happening, missing: tuple[Span, ...]) -> Happening:
    return replace(
        happening,
        event=Event.PARTIAL,
        reason=Reason.INCOMPLETE.value,
        error=f"missing {spans_text(missing)}",
        hint="the places are marked in it; listen there",
        missing=missing,
    )


def main_path(paths: tuple[str, ...]) -> str:
    """Choose the one file to look at: the report of a failure, else the first of the results."""
    return next((path for path in paths if path.endswith(_REPORT)), next(iter(paths), ""))


def route_of(notify: NotifySettings) -> Route:
    """Say who is told, by these settings."""
    return Route(urls=notify.urls, template=notify.template, script=notify.script)


def all_notify(settings: Settings) -> Iterator[NotifySettings]:
    """Give the settings for all recordings, then those of the rules."""
    yield settings.notify
    yield from (rule.notify for rule in settings.rules if rule.notify is not None)


def open_channels(settings: Settings) -> Mapping[str, Address]:
    """Understand every address in the settings.

    Raises:
        ConfigError: with a problem for each that cannot be used.
    """
    urls = [url for notify in all_notify(settings) for url in notify.urls]
    if not urls:
        return {}
    apprising = _apprising()
    for url in urls:
        for secret in secrets_in(url):
            logs.hide(secret)
    channels: Mapping[str, Address] = apprising.open_channels(urls)
    return channels


def secrets_in(url: str) -> Iterator[str]:
    """Give the texts that must not be shown although they stand in the address: all of it, and its password."""
    yield url
    try:
        password = urlsplit(url).password
    except ValueError:  # brackets that do not close
        return
    if password:
        yield password


def _apprising() -> ModuleType:
    """Load the library only for those who use it: it takes a quarter of a second and twenty megabytes."""
    return importlib.import_module("voxtrald.service.messages.apprising")
