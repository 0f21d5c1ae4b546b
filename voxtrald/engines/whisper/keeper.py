"""Whoever keeps a recogniser at hand: starts it when needed, again when it died, and says what its trouble means."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog

from voxtrald.clock import Clock
from voxtrald.engines.whisper.faults import error_during, error_for
from voxtrald.engines.whisper.places import Places
from voxtrald.engines.whisper.process import Child, Died, Ended, Pending, Rejected
from voxtrald.engines.whisper.protocol import Answered, Fault, Loaded, Opening, Request
from voxtrald.errors import ApiDenied, ApiError, ApiGarbled, ApiUnreachable, StopRequested
from voxtrald.stopping import Stop

# -P: a module lying in the current folder must not be run in the place of ours.
COMMAND: Final = (sys.executable, "-P", "-m", "voxtrald.engines.whisper.child")
_FETCHING_S: Final = 3600.0  # a large model through a slow line; the library has time-outs of its own for a dead one
_LOOK_AT_STOP_S: Final = 1.0

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a recogniser is started.

    Attributes:
        idle_s: how long it may sit there without work.
    """

    command: tuple[str, ...] = COMMAND
    opening: Opening
    idle_s: float


class Keeper:
    """Keep one recogniser for all threads.

    As many requests at once as `launch.opening.workers` says; the others wait here, so that their time does not run.
    """

    def __init__(self, launch: Launch, *, environment: Mapping[str, str], stop: Stop, clock: Clock) -> None:
        self._launch = launch
        self._environment = environment
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._facts: Loaded | None = None
        self._numbers = itertools.count(1)
        self._places = Places(launch.opening.workers, stop=stop)

    @property
    def facts(self) -> Loaded | None:
        """What is known of the model since it was first loaded."""
        return self._facts

    @property
    def pid(self) -> int | None:
        """The program's process id, or None where none is running or meant to."""
        child = self._child
        return child.pid if child else None

    def ask(self, request: Request, *, patience_s: float) -> Answered:
        """Have one file transcribed; `patience_s` is how long it may stay without a sign of life.

        Where the program dies while several files are with it, nobody can tell which one did it. Then each has a
        second try alone, so that an innocent one is never blamed.

        Raises:
            ApiError: what came instead.
            StopRequested: stop was asked for.
        """
        with self._stop.calling(self.kill):
            try:
                with self._places.taken(1):
                    return self._ask_once(request, patience_s=patience_s)
            except Died as death:
                self._take_note(death)
                if death.was_alone or not death.had_loaded:
                    raise _blame(death) from death
            try:
                with self._places.taken(self._places.count):
                    return self._ask_once(request, patience_s=patience_s)
            except Died as death:
                self._take_note(death)
                raise _blame(death) from death

    def look(self) -> Loaded | None:
        """Have the model loaded and say what it is; None for a named one that is not on this machine yet.

        Nothing is downloaded for a look.

        Raises:
            ApiError: it cannot be used.
            StopRequested: stop was asked for.
        """
        if self._launch.opening.is_folder or self._facts is not None:
            return self._look_at(self._running())
        child = self._start(may_fetch=False)
        try:
            return self._look_at(child)
        except ApiDenied as error:
            if isinstance(error.__cause__, Rejected) and error.__cause__.report.fault is Fault.NOT_FETCHED:
                return None
            raise
        finally:
            child.release()
            child.join()

    def _look_at(self, child: Child) -> Loaded:
        with self._stop.calling(child.kill):
            try:
                return self._loaded(child)
            except Died as death:
                self._take_note(death)
                raise _blame(death) from death

    def kill(self) -> None:
        """Break off whatever is under way."""
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """End the program where nothing is under way, and wait for its end."""
        child = self._child
        if child is not None and (child.release() or self._stop.is_set()):
            child.join()

    # --- one try -----------------------------------------------------------------------------------------------

    def _ask_once(self, request: Request, *, patience_s: float) -> Answered:
        numbered = replace(request, id=next(self._numbers))
        while True:
            child = self._running()
            try:
                pending = child.submit(numbered)
            except Ended:
                self._loaded(child)  # says why, where it never got that far; else it was released just now
                continue
            self._loaded(child)
            return self._answer(child, pending, patience_s=patience_s)

    def _answer(self, child: Child, pending: Pending, *, patience_s: float) -> Answered:
        try:
            return self._wait(pending.ending, until_s=lambda: pending.sign_at_s + patience_s)
        except TimeoutError as error:
            silence = f"the recogniser gave no sign of life for {patience_s:g} s"
            child.kill("it hung")
            raise ApiUnreachable(silence) from error
        except Rejected as error:
            raise _rejection(error, error_during) from error

    def _loaded(self, child: Child) -> Loaded:
        until_s = self._clock.monotonic_s() + _FETCHING_S
        try:
            facts = self._wait(child.loading, until_s=lambda: until_s)
        except TimeoutError as error:
            child.kill("it took too long to load the model")
            raise ApiUnreachable(f"the model was not loaded within {_FETCHING_S:g} s") from error
        except Rejected as error:
            raise _rejection(error, error_for) from error
        self._facts = facts
        return facts

    def _wait(self, future: Future[T], *, until_s: Callable[[], float]) -> T:
        """Wait for a result up to a moment that may move on meanwhile.

        Stop kills the program, which ends the wait. It is looked at all the same: a program that reads its model
        from a dead share cannot be killed.
        """
        while (left_s := until_s() - self._clock.monotonic_s()) > 0.0:
            try:
                return future.result(timeout=min(left_s, _LOOK_AT_STOP_S))
            except TimeoutError:
                self._require_running()
        raise TimeoutError

    def _running(self) -> Child:
        """Give the running program, or start it."""
        with self._lock:
            self._require_running()
            if self._child is None or self._child.is_leaving:
                self._child = self._start(may_fetch=True)
        if self._stop.is_set():
            self.kill()  # whoever asked us to stop may have found nothing to kill just before
        return self._child

    def _start(self, *, may_fetch: bool) -> Child:
        try:
            child = Child(
                self._launch.command,
                opening=replace(self._launch.opening, may_fetch=may_fetch),
                environment=self._environment,
                idle_s=self._launch.idle_s,
                monotonic_s=self._clock.monotonic_s,
            )
        except OSError as error:
            raise ApiUnreachable(f"the recogniser cannot be started: {error.strerror}") from error
        log.info("recogniser_started", pid=child.pid)
        return child

    def _take_note(self, death: Died) -> None:
        """Look at stop first: it is what ends a recogniser most often."""
        self._require_running()
        log.warning("recogniser_died", how=death.how, had_loaded=death.had_loaded)

    def _require_running(self) -> None:
        if self._stop.is_set():
            raise StopRequested("stopped while recognising")


def _rejection(rejected: Rejected, error_of: Callable[[Fault, str], ApiError]) -> ApiError:
    return error_of(rejected.report.fault, rejected.report.message)


def _blame(death: Died) -> ApiError:
    """Say whose fault a death is: with the model in memory and one file, that file's; else nobody's in particular."""
    if death.had_loaded and death.was_alone:
        return ApiGarbled(death.how)
    return ApiUnreachable(death.how)
