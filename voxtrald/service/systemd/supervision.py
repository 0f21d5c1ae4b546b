"""The daemon under a service manager: ready when it can work or knows what it waits for, alive while it decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.threads import Broken
from voxtrald.engines.base import Engine
from voxtrald.errors import ApiDenied
from voxtrald.service.situation import Situation
from voxtrald.service.systemd.sd_notify import ServiceManager
from voxtrald.service.systemd.statusline import status_text

_READY_WITHIN_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTried:
    """A far side was asked whether it accepts our key: what it said, or why it did not."""

    lane: Lane
    result: str | Broken


@dataclass(slots=True, kw_only=True)
class Supervision:
    """What the main thread tells the service manager. Does nothing where there is none.

    Attributes:
        services: an engine of each far side, and the lane to it.
        put: takes `KeyTried` in another thread.
    """

    manager: ServiceManager
    services: Callable[[], Iterator[tuple[Engine, Lane]]]
    put: Callable[[KeyTried], None]
    _refused: str = ""
    _asked: set[str] = field(default_factory=set)
    _ready_by_s: float = math.inf

    def begin(self, *, now_s: float) -> None:
        """Have every far side asked whether it accepts our key, so that a refused one is known before work comes.

        The daemon is ready as soon as all have answered, whatever they said, or after a while.
        """
        if not self.manager.is_listening:
            return
        self._ready_by_s = now_s + _READY_WITHIN_S
        for engine, lane in self.services():
            self._asked.add(lane.service)
            lane.senders.submit(engine.check, done=partial(self._hear, lane))

    def take(self, tried: KeyTried) -> None:
        """Hold all work of a far side that refuses the key; be ready when all have been heard."""
        self._asked.discard(tried.lane.service)
        if isinstance(tried.result, Broken):
            error = tried.result.error
            log.warning("key_not_accepted_yet", service=tried.lane.service, error=str(error))
            if isinstance(error, ApiDenied):
                tried.lane.gate.denied(error.message)
        if not self._asked:
            self._be_ready()

    def tick(self, look: Callable[[], Situation], *, is_stopping: bool, dead: tuple[str, ...], now_s: float) -> float:
        """Tell what is due; say in how many seconds something is due again. See `ServiceManager.tick`."""
        told_in_s = self.manager.tick(
            lambda: status_text(look(), is_stopping=is_stopping, refused=self._refused),
            dead=(*dead, *self._dead_senders()),
            now_s=now_s,
        )
        if now_s >= self._ready_by_s:
            self._be_ready()
        return min(told_in_s, self._ready_by_s - now_s)

    def reloading(self, *, now_s: float) -> None:
        """Tell that the configuration is read again."""
        self.manager.reloading(now_s=now_s)

    def reloaded(self, problems: tuple[str, ...] = ()) -> None:
        """Tell that it was read; `problems` are why it is not used."""
        self._refused = ", ".join(problems)
        self.manager.ready()

    def _hear(self, lane: Lane, result: str | Broken) -> None:
        self.put(KeyTried(lane=lane, result=result))

    def _dead_senders(self) -> Iterator[str]:
        if self.manager.is_listening:
            yield from (name for _, lane in self.services() for name in lane.senders.dead())

    def _be_ready(self) -> None:
        self._ready_by_s = math.inf
        self.manager.ready()
