"""When is which message due? A burst becomes one message, a hold that comes and goes is told once. Pure.

Like the settling of files: a state machine without a clock, told what happened and when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from voxtrald.service.messages.happenings import Event, Happening, Message, digest_of, message_about

WINDOW_S = 30.0
"""How long events are collected after the first of their kind was told at once."""

CALM_S = 30.0
"""How long work has to go on before it counts as resumed: a reload lets a refused key try again, in vain."""

_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is told, and in whose words: the addresses of messages, and the operator's own program."""

    urls: tuple[str, ...] = ()
    template: str | None = None
    script: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A message and where it goes."""

    route: Route
    message: Message


@dataclass(slots=True, kw_only=True)
class _Window:
    """What of one kind was collected since the last message; only so many are kept, all are counted."""

    until_s: float
    count: int = 0
    first: list[Happening] = field(default_factory=list)

    def add(self, happening: Happening) -> None:
        self.count += 1
        if len(self.first) < _KEPT:
            self.first.append(happening)


class Digesting:
    """Turn what happens to recordings into messages: the first at once, what follows soon after together."""

    def __init__(self, *, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._windows: dict[tuple[Route, Event], _Window] = {}

    def add(self, happening: Happening, *, route: Route, now_s: float) -> None:
        """Take in what happened to a recording."""
        window = self._windows.setdefault((route, happening.event), _Window(until_s=now_s))
        window.add(happening)

    def due(self, *, now_s: float) -> tuple[Addressed, ...]:
        """Give the messages whose time has come, each once."""
        found = []
        for key, window in list(self._windows.items()):
            if window.until_s > now_s:
                continue
            del self._windows[key]
            if window.count:
                found.append(_addressed(key, window))
                self._windows[key] = _Window(until_s=now_s + self._window_s)
        return tuple(found)

    def due_s(self, *, now_s: float) -> float | None:
        """Say in how many seconds `due` has something to give, or None where it has not."""
        times = [window.until_s for window in self._windows.values() if window.count]
        return max(0.0, min(times) - now_s) if times else None

    def flush(self) -> tuple[Addressed, ...]:
        """Give all that was collected, before its time."""
        found = tuple(_addressed(key, window) for key, window in self._windows.items() if window.count)
        self._windows.clear()
        return found


def _addressed(key: tuple[Route, Event], window: _Window) -> Addressed:
    route, event = key
    if window.count == 1:
        return Addressed(route=route, message=message_about(window.first[0], template=route.template))
    return Addressed(route=route, message=digest_of(event, window.first, count=window.count))


class Holds:
    """Tell a hold once, however often it is found again, and its end when work has gone on for a while."""

    def __init__(self, *, calm_s: float = CALM_S) -> None:
        self._calm_s = calm_s
        self._told: set[str] = set()
        self._ending: dict[str, float] = {}

    def held(self, service: str) -> bool:
        """Take in that all work for a far side is held; say whether that is news."""
        self._ending.pop(service, None)
        is_news = service not in self._told
        self._told.add(service)
        return is_news

    def went_on(self, service: str, *, now_s: float) -> None:
        """Take in that the work goes on, for now."""
        if service in self._told:
            self._ending.setdefault(service, now_s + self._calm_s)

    def resumed(self, *, now_s: float) -> tuple[str, ...]:
        """Give the far sides whose hold is over for good, each once."""
        over = tuple(service for service, at_s in self._ending.items() if at_s <= now_s)
        for service in over:
            del self._ending[service]
            self._told.discard(service)
        return over

    def due_s(self, *, now_s: float) -> float | None:
        """Say in how many seconds `resumed` has something to give, or None where nothing is to come."""
        return max(0.0, min(self._ending.values()) - now_s) if self._ending else None
