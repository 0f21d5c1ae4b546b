"""The purse: what may still be spent, asked before every request of every recording.

The decisions are `spending.py`'s; this is their thread-safe shell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.spending import (
    Cap,
    Charge,
    Go,
    Hold,
    Later,
    Standing,
    Verdict,
    Window,
    caps_on,
    judge,
    window_start,
)


class CostSince(Protocol):
    """Adds up what was paid (the ledger does this)."""

    def __call__(self, since: datetime, *, currency: str, rule: str = "") -> float:
        """Give the sum from `since` on in a currency: of all, or under one rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Money is set aside until `release`, which comes when what was really paid is in the ledger, or nothing was."""

    release: Callable[[], None]


class Budget:
    """Set money aside for requests under way, and say no to what would pass a cap."""

    def __init__(self, caps: Sequence[Cap], *, cost_since: CostSince, clock: Clock) -> None:
        self._caps = tuple(caps)
        self._cost_since = cost_since
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: list[Charge] = []

    def use(self, caps: Sequence[Cap]) -> None:
        """Use other caps from now on."""
        with self._lock:
            self._caps = tuple(caps)

    def is_capped(self, charge: Charge) -> bool:
        """Whether a cap holds for this charge."""
        return bool(caps_on(charge, self._caps))

    def look(self, charge: Charge) -> Verdict:
        """Say whether this could be spent now, without setting anything aside.

        Raises:
            StorageUnavailable: what was spent cannot be looked up.
        """
        with self._lock:
            return self._judge(charge)

    def reserve(self, charge: Charge) -> Reserved | Later | Hold:
        """Set aside what a request will cost, or say why not.

        Raises:
            StorageUnavailable: what was spent cannot be looked up.
        """
        with self._lock:
            verdict = self._judge(charge)
            if not isinstance(verdict, Go):
                return verdict
            self._under_way.append(charge)
        return Reserved(release=lambda: self._release(charge))

    def _release(self, charge: Charge) -> None:
        with self._lock:
            self._under_way.remove(charge)

    def _judge(self, charge: Charge) -> Verdict:
        # Under the lock from the first look at the ledger on: what is booked meanwhile is still reserved, and so is
        # at worst counted twice, never not at all.
        caps = caps_on(charge, self._caps)
        if not caps:
            return Go()
        now = self._clock.now()
        return judge(charge, [self._standing(cap, charge.currency, now=now) for cap in caps], now=now)

    def _standing(self, cap: Cap, currency: str, *, now: datetime) -> Standing:
        spent = self._cost_since(window_start(cap.window, now), currency=currency, rule=cap.rule)
        under_way = [each for each in self._under_way if each.currency == currency and cap in caps_on(each, (cap,))]
        return Standing(cap=cap, spent=spent, reserved=sum(each.cost or 0.0 for each in under_way))


def caps_in(settings: Settings) -> tuple[Cap, ...]:
    """Read the caps from the settings and their rules."""
    limits = [("", settings.limits), *((rule.match, rule.limits) for rule in settings.rules if rule.limits)]
    amounts = [
        (pattern, window, getattr(group, f"max_cost_per_{window}")) for pattern, group in limits for window in Window
    ]
    return tuple(
        Cap(key=f"limits.max_cost_per_{window}", window=window, amount=amount, rule=pattern)
        for pattern, window, amount in amounts
        if amount is not None
    )
