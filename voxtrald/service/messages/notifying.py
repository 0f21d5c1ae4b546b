"""Tell people and their programs what happened, in the background: never blocking work, never failing it.

Two threads, both only while somebody wants to be told. One collects, words and sends messages; the other runs
scripts, one after the other, because a script may take a minute and a message must not wait for it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from voxtrald.clock import Clock
from voxtrald.dispatch import threads
from voxtrald.dispatch.threads import Broken, guarded
from voxtrald.service.messages.delivering import Letter, Outbasket, letters_for, shown_address
from voxtrald.service.messages.digesting import Addressed, Digesting, Holds, Route
from voxtrald.service.messages.happenings import Event, Happening, Message, message_about
from voxtrald.service.messages.scripts import LAST_WORD_S, run_script
from voxtrald.stopping import Stop

MOST_WAITING: Final = 1000

_ENDING: Final = "the program ends"

log = structlog.get_logger()

Count = Callable[[str], None]


class Address(Protocol):
    """Where a message can be sent."""

    def send(self, message: Message) -> bool:
        """Send it, once; say whether it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Something to tell; without a route it is only remembered, as a hold is for the sake of its end."""

    happening: Happening
    route: Route | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A script to run for an event."""

    script: Path
    happening: Happening


class Notifier:
    """The thread that sends messages.

    Args:
        channels: what can be written to, by address.
        jitter: a random number in [0, 1).
        run: takes the errands of holds and their ends; those of recordings are nothing for this thread.
        count: hears "sent" or "dropped" once for each message and address.
    """

    def __init__(
        self,
        *,
        channels: Mapping[str, Address],
        clock: Clock,
        jitter: Callable[[], float],
        run: Callable[[Errand], None],
        count: Count,
        digesting: Digesting | None = None,
        holds: Holds | None = None,
        outbasket: Outbasket | None = None,
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._jitter = jitter
        self._run = run
        self._count = count
        self._digesting = Digesting() if digesting is None else digesting
        self._holds = Holds() if holds is None else holds
        self._outbasket = Outbasket() if outbasket is None else outbasket
        self._ends: dict[str, Tell] = {}
        self._inbox: queue.Queue[Tell | None] = queue.Queue(maxsize=MOST_WAITING)
        self._closing = threading.Event()
        self._last_s = 0.0
        self._thread = threads.start("notifier", self._serve, done=_tell_death)

    def use(self, channels: Mapping[str, Address]) -> None:
        """Know these addresses from now on; letters to others are dropped."""
        self._channels = channels

    def tell(self, tell: Tell) -> None:
        """Take something to tell. Never blocks: where too much waits, this is dropped."""
        try:
            self._inbox.put_nowait(tell)
        except queue.Full:
            log.warning("notification_dropped", about=tell.happening.event.value, why="too much waits")
            self._count("dropped")

    def close(self, *, patience_s: float) -> None:
        """Send what waits, each once more, for at most so long, and end."""
        self._last_s = self._clock.monotonic_s() + patience_s
        self._closing.set()
        with contextlib.suppress(queue.Full):  # then it is not asleep
            self._inbox.put_nowait(None)
        self._thread.join(patience_s)

    # --- the thread --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._take_all(wait_s=self._wait_s())
            self._tell_ends()
            self._post(self._digesting.due(now_s=self._now_s()))
            if letter := self._outbasket.next_due(now_s=self._now_s()):
                self._send(letter)
        self._take_all(wait_s=0.0)
        self._post(self._digesting.flush())
        for letter in self._outbasket.take_all():
            if self._now_s() < self._last_s:
                self._send(letter, is_last=True)
            else:
                self._drop(letter, why=_ENDING)

    def _now_s(self) -> float:
        return self._clock.monotonic_s()

    def _wait_s(self) -> float | None:
        now_s = self._now_s()
        parts = (self._digesting, self._holds, self._outbasket)
        return min((due_s for part in parts if (due_s := part.due_s(now_s=now_s)) is not None), default=None)

    def _take_all(self, *, wait_s: float | None) -> None:
        """Take everything that lies in the inbox, so that what came together is told together."""
        try:
            self._take(self._inbox.get(block=wait_s != 0.0, timeout=wait_s))
            while True:
                self._take(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _take(self, tell: Tell | None) -> None:
        if tell is None:
            return
        happening, route, now_s = tell.happening, tell.route, self._now_s()
        match happening.event:
            case Event.HELD if self._holds.held(happening.service):
                self._announce(tell)
            case Event.RESUMED:
                self._ends[happening.service] = tell
                self._holds.went_on(happening.service, now_s=now_s)
            case Event.DONE | Event.PARTIAL | Event.FAILED if route is not None and route.urls:
                self._digesting.add(happening, route=route, now_s=now_s)

    def _tell_ends(self) -> None:
        for service in self._holds.resumed(now_s=self._now_s()):
            self._announce(self._ends.pop(service))

    def _announce(self, tell: Tell) -> None:
        """Tell of all work: at once, by itself."""
        if tell.route is None:
            return
        message = message_about(tell.happening, template=tell.route.template)
        self._post((Addressed(route=tell.route, message=message),))
        if tell.route.script is not None:
            self._run(Errand(script=tell.route.script, happening=tell.happening))

    def _post(self, addressed: Iterable[Addressed]) -> None:
        for letter in self._outbasket.put(letters_for(addressed, now_s=self._now_s())):
            self._drop(letter, why="too much waits")

    def _send(self, letter: Letter, *, is_last: bool = False) -> None:
        channel = self._channels.get(letter.url)
        if channel is None:
            self._drop(letter, why="the address is not in the settings any more")
            return
        sent = guarded(partial(channel.send, letter.message))  # its library may raise anything
        if sent is True:
            log.debug("notification_sent", about=letter.message.event.value, to=shown_address(letter.url))
            self._count("sent")
        elif is_last:
            self._drop(letter, why=_ENDING)
        elif not self._outbasket.failed(letter, now_s=self._now_s(), jitter=self._jitter()):
            self._drop(letter, why=f"it did not arrive in {letter.attempts + 1} attempts")

    def _drop(self, letter: Letter, *, why: str) -> None:
        log.warning("notification_dropped", about=letter.message.event.value, to=shown_address(letter.url), why=why)
        self._count("dropped")


class ScriptRunner:
    """The thread that runs scripts, one after the other.

    Args:
        count: hears "done" or "failed" once for each run.
    """

    def __init__(self, *, clock: Clock, count: Count, environ: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._count = count
        self._environ = environ
        self._stop = Stop()
        self._errands: queue.Queue[Errand | None] = queue.Queue(maxsize=MOST_WAITING)
        self._thread = threads.start("scripts", self._serve, done=_tell_death)

    def run(self, errand: Errand) -> None:
        """Take an errand. Never blocks: where too many wait, this one is dropped."""
        try:
            self._errands.put_nowait(errand)
        except queue.Full:
            self._fail(errand, trouble="too many runs wait")

    def close(self, *, patience_s: float) -> None:
        """Let what waits come to its end for at most so long, then end it."""
        with contextlib.suppress(queue.Full):  # so many cannot be waited for
            self._errands.put_nowait(None)
            self._thread.join(patience_s)
        self._stop.set()
        self._thread.join(2 * LAST_WORD_S)

    def _serve(self) -> None:
        while (errand := self._errands.get()) is not None and not self._stop.is_set():
            ran = run_script(
                errand.script,
                errand.happening,
                environ=self._environ,
                monotonic_s=self._clock.monotonic_s,
                stop=self._stop,
            )
            log.debug("script_ended", script=str(errand.script), output=ran.output)
            if ran.trouble:
                self._fail(errand, trouble=ran.trouble)
            else:
                self._count("done")

    def _fail(self, errand: Errand, *, trouble: str) -> None:
        log.warning("script_failed", script=str(errand.script), about=errand.happening.event.value, trouble=trouble)
        self._count("failed")


def _tell_death(result: Broken | None) -> None:
    if isinstance(result, Broken):  # a fault of ours, and no reason to stop transcribing
        log.error("notifications_stopped", error=repr(result.error), exc_info=result.error)
