"""How often to look through a tree. Pure.

The interval that was asked for holds as long as a look is cheap. A crowded inbox is swept more rarely, so that idle
looking takes at most one hundredth of the time, and in between a glance finds what is new. A glance that has found
something was work and not idling, and the next one comes sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

REST = 100.0
"""How many times as long as a look took the next one of its kind waits at least."""

REST_AT_WORK = 4.0
"""The same after a glance that had changed folders to look into."""

LONGEST_S = 1000.0
"""The longest wait for a sweep: what a glance cannot see is found by then."""

Kind = Literal["sweep", "glance"]


@dataclass(slots=True, kw_only=True)
class Round:
    """The looks at one tree that come again and again.

    Attributes:
        below: the tree, from the inbox.
        interval_s: from the end of one look to the next.
        can_glance: whether its file system tells which folders have changed.
        sweep_s: when every file is to be looked at again.
        glance_s: when a glance is due.
    """

    below: PurePosixPath
    interval_s: float
    can_glance: bool
    sweep_s: float = 0.0
    glance_s: float = 0.0

    def due(self, *, now_s: float) -> Kind | None:
        """Say what is due by now."""
        if now_s >= self.sweep_s:
            return "sweep"
        return "glance" if self.can_glance and now_s >= self.glance_s else None

    def due_s(self) -> float:
        """Say when something is due."""
        return min(self.sweep_s, self.glance_s) if self.can_glance else self.sweep_s

    def ended(self, kind: Kind, *, now_s: float, took_s: float, has_news: bool) -> None:
        """Take in that a look is over, and whether it had anything new to look into."""
        if kind == "sweep":
            self.sweep_s = now_s + self._wait_s(REST * took_s)
            self.glance_s = now_s + self.interval_s
        else:
            self.glance_s = now_s + self._wait_s((REST_AT_WORK if has_news else REST) * took_s)

    def _wait_s(self, rest_s: float) -> float:
        return max(self.interval_s, min(rest_s, LONGEST_S))
