"""What to do next at the inbox, and when. Pure.

Four things come again and again: to see whether the inbox is there, to look through it, to poll the folders that give
no events, and to try whether they do. One is done at a time, in this order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from voxtrald.watch.hearing import Hearing, Switch
from voxtrald.watch.mounts import Place, has_true_folder_times
from voxtrald.watch.pacing import Kind, Round
from voxtrald.watch.scanning import TOP

POLLING_S = 5.0
"""How often the inbox is looked through where events cannot be relied on."""

CHECK_S = 5.0
"""How often to see whether the inbox is there."""

CANARY_S = 3600.0
"""How often to try whether the folders give events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do: see whether the inbox is there, look through a tree, or write the canaries of a round."""

    kind: Literal["arrive", "canaries"] | Kind
    below: PurePosixPath = TOP
    always: frozenset[PurePosixPath] = frozenset()
    number: int = 0


class Agenda:
    """When what is due.

    Args:
        rescan_s: how often to look through the inbox where events are heard.
        is_auto: whether folders without events are found out and polled.
    """

    def __init__(self, *, rescan_s: float, is_auto: bool) -> None:
        self._rescan_s = rescan_s
        self._is_auto = is_auto
        self._hearing = Hearing()
        self._rounds: dict[PurePosixPath, Round] = {}
        self._place: Place | None = None
        self._hears = False
        self._check_at_s = -math.inf
        self._canary_at_s = math.inf
        self._canaries = 0
        self._began_s = 0.0

    @property
    def polled(self) -> frozenset[PurePosixPath]:
        """The folders that give no events, as far as that was found out."""
        return self._hearing.polled

    def next_task(self, *, now_s: float, is_away: bool) -> Task | None:
        """Give what is due by now; it counts as begun."""
        if now_s >= self._check_at_s:
            self._check_at_s = now_s + min(CHECK_S, self._rescan_s)
            return Task(kind="arrive")
        if is_away:
            return None
        for each in self._rounds.values():
            if kind := each.due(now_s=now_s):
                return Task(kind=kind, below=each.below)
        if now_s < self._canary_at_s:
            return None
        self._canary_at_s = now_s + CANARY_S
        self._canaries += 1
        return Task(kind="canaries", always=self._hearing.calling() | {TOP}, number=self._canaries - 1)

    def due_s(self, *, is_away: bool) -> float:
        """Say when the next task is due."""
        rounds = () if is_away else (each.due_s() for each in self._rounds.values())
        return min(self._check_at_s, math.inf if is_away else self._canary_at_s, *rounds)

    # --- what came of it -------------------------------------------------------------------------------------

    def arrived(self, place: Place, *, is_new: bool, hears: bool, now_s: float) -> tuple[Switch, ...]:
        """Take in where the inbox lies, and whether every folder is listened to.

        `is_new` says that listening began anew: everything has to be looked at, and the folders to be tried.
        """
        switches = tuple(self._hearing.arrived(place, is_new=is_new)) if self._is_auto else ()
        self._place, self._hears = place, hears
        if is_new:
            self._canary_at_s = now_s if self._is_auto and hears else math.inf
            self.sweep_soon(now_s=now_s)
        self._pace(now_s=now_s)
        return switches

    def sweep_soon(self, *, now_s: float) -> None:
        """Have everything looked at next."""
        if TOP in self._rounds:
            self._rounds[TOP].sweep_s = now_s

    def began(self, *, now_s: float) -> None:
        """Take in that a look through a tree has begun."""
        self._began_s = now_s

    def ended(self, below: PurePosixPath, kind: Kind, *, now_s: float, has_news: bool) -> None:
        """Take in that it is over, and whether it had anything new to look into."""
        if below in self._rounds:
            self._rounds[below].ended(kind, now_s=now_s, took_s=now_s - self._began_s, has_news=has_news)

    def called(self, folders: Iterable[PurePosixPath], *, now_s: float) -> None:
        """Take in that canaries were written in these folders."""
        self._hearing.called(folders, now_s=now_s)

    def heard(self, folder: PurePosixPath, *, now_s: float) -> tuple[Switch, ...]:
        """Take in the event of a canary."""
        switches = tuple(self._hearing.heard(folder))
        self._pace(now_s=now_s)
        return switches

    def judge(self, *, now_s: float) -> tuple[Switch, ...]:
        """Say which folders are polled from now on because nothing was heard from them."""
        switches = tuple(self._hearing.judge(now_s=now_s))
        if switches:
            self._pace(now_s=now_s)
        return switches

    def judged_s(self) -> float:
        """Say when there is something to judge."""
        judged_s = self._hearing.judged_s
        return math.inf if judged_s is None else judged_s

    # --- how often -------------------------------------------------------------------------------------------

    def _pace(self, *, now_s: float) -> None:
        """Give every tree its round: the inbox, and each folder in it that is polled."""
        polling_s = min(POLLING_S, self._rescan_s)
        polled = self.polled
        top_s = self._rescan_s if self._hears and TOP not in polled else polling_s
        wanted = {TOP: top_s} | dict.fromkeys(sorted(polled), polling_s)
        for folder in self._rounds.keys() - wanted.keys():
            del self._rounds[folder]
        for folder, interval_s in wanted.items():
            known = self._rounds.get(folder)
            if known is None:
                self._rounds[folder] = self._new_round(folder, interval_s, now_s=now_s)
            elif known.interval_s != interval_s:
                known.interval_s = interval_s
                known.glance_s = now_s

    def _new_round(self, folder: PurePosixPath, interval_s: float, *, now_s: float) -> Round:
        types = self._place.types_below(folder) if self._place else ()
        can_glance = all(map(has_true_folder_times, types))
        return Round(below=folder, interval_s=interval_s, can_glance=can_glance, sweep_s=now_s, glance_s=now_s)
