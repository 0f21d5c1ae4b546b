"""Things that many share at once in a simulation: a line or a processor's cores, and a count of slots."""

from __future__ import annotations

import heapq
import itertools
from typing import Final

import simpy

_SLACK: Final = 1e-9  # of what rounding leaves of a job


class Shared:
    """A capacity that all who use it share evenly, each up to a limit: processor sharing.

    Time is counted in work done for each user, which is the same for all who are there. So a job's end is known when
    it comes, whatever comes and goes meanwhile, and a change costs the logarithm of their number.
    """

    def __init__(self, env: simpy.Environment, *, capacity: float, most_each: float) -> None:
        self._env, self._capacity, self._most_each = env, capacity, most_each
        self._ends: list[tuple[float, int, simpy.Event]] = []
        self._numbers = itertools.count()
        self._done_each = 0.0
        self._at_s = env.now
        self._used = 0.0
        self._alarm = 0

    def take(self, amount: float) -> simpy.Event:
        """Give an event that comes when `amount` has been done."""
        self._advance()
        event = self._env.event()
        heapq.heappush(self._ends, (self._done_each + amount, next(self._numbers), event))
        self._set_alarm()
        return event

    def busy_share(self, length_s: float) -> float:
        """Say which share of the capacity was in use over a time."""
        self._advance()
        return self._used / self._capacity / length_s

    def _rate_each(self) -> float:
        return min(self._most_each, self._capacity / len(self._ends))

    def _advance(self) -> None:
        passed_s, self._at_s = self._env.now - self._at_s, self._env.now
        if self._ends:
            done = passed_s * self._rate_each()
            self._done_each += done
            self._used += done * len(self._ends)

    def _set_alarm(self) -> None:
        """Wake up when the next job ends; an earlier alarm finds that it is not meant any more."""
        self._alarm += 1
        if self._ends:
            left = max(0.0, self._ends[0][0] - self._done_each)
            alarm = self._alarm
            timeout = self._env.timeout(left / self._rate_each())
            timeout.callbacks.append(lambda _: self._wake(alarm))

    def _wake(self, alarm: int) -> None:
        if alarm != self._alarm:
            return
        self._advance()
        until = self._ends[0][0] + _SLACK * self._capacity
        while self._ends and self._ends[0][0] <= until:
            self._done_each = max(self._done_each, self._ends[0][0])
            heapq.heappop(self._ends)[2].succeed()
        self._set_alarm()


class Slots(simpy.Resource):
    """Slots, first come, first served, that know for how long they were held."""

    def __init__(self, env: simpy.Environment, count: int) -> None:
        super().__init__(env, count)
        self._used_s = 0.0
        self._at_s = env.now

    def busy_share(self, length_s: float) -> float:
        """Say which share of the slots was held over a time."""
        self._account()
        return self._used_s / self.capacity / length_s

    def _do_put(self, event: simpy.resources.resource.Request) -> None:
        self._account()
        super()._do_put(event)

    def _do_get(self, event: simpy.resources.resource.Release) -> None:
        self._account()
        super()._do_get(event)

    def _account(self) -> None:
        self._used_s += len(self.users) * (self._env.now - self._at_s)
        self._at_s = self._env.now
