"""May this be spent? The caps, and what follows from what is spent and what is under way. Pure.

Caps hold for days and months in UTC, and for one currency. What is under way is reserved at its price until it is
paid or has failed, so that requests at the same time cannot pass a cap together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_DUST = 1e-9  # sums of fractions are not exact
_SMALL = 0.1
_SMALLEST = 0.0001


class Window(StrEnum):
    """How long a cap holds before it counts from nothing again."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that may be spent in a window.

    Attributes:
        key: the configuration's name for it.
        rule: the pattern of the rule whose recordings it is about, or empty for all.
    """

    key: str
    window: Window
    amount: float
    rule: str = ""

    @property
    def name(self) -> str:
        """Name it for people."""
        return f'{self.key} of the rule "{self.rule}"' if self.rule else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a request will cost, or None where nobody knows; `rule` is the pattern its recording matched, or empty."""

    cost: float | None
    currency: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A cap, what was spent in its window, and what is reserved for requests under way."""

    cap: Cap
    spent: float
    reserved: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """It may be spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What is under way may need all that is left: ask again when some of it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """It would pass a cap, whatever becomes of what is under way.

    Attributes:
        until: when the cap's window ends.
    """

    until: datetime
    reason: str
    hint: str


Verdict = Go | Later | Hold


def caps_on(charge: Charge, caps: Sequence[Cap]) -> tuple[Cap, ...]:
    """Choose the caps that a request counts for: none where it costs nothing, or where nobody knows what."""
    return tuple(cap for cap in caps if cap.rule in {"", charge.rule}) if charge.cost else ()


def judge(charge: Charge, standings: Sequence[Standing], *, now: datetime) -> Verdict:
    """Decide whether a request may be made.

    Args:
        charge: what it will cost.
        standings: of the caps it counts for.
        now: an aware instant.
    """
    cost = charge.cost or 0.0
    passed = [each for each in standings if each.spent + cost > each.cap.amount + _DUST]
    if passed:
        last = max(passed, key=lambda each: window_end(each.cap.window, now))
        return hold(charge, last, now=now)
    is_taken = any(each.spent + each.reserved + cost > each.cap.amount + _DUST for each in standings)
    return Later() if is_taken else Go()


def hold(charge: Charge, standing: Standing, *, now: datetime) -> Hold:
    """Say what would be passed, by what, and until when."""
    cap, cost = standing.cap, charge.cost or 0.0
    until = window_end(cap.window, now)
    limit = f"{cap.name} ({money(cap.amount)} {charge.currency})"
    reason = f"would pass {limit}: spent {money(standing.spent)}, this part costs {money(cost)}"
    hint = f"it goes on by itself at {until:%Y-%m-%d %H:%M} UTC, or when the limit is raised (reload)"
    if cost > cap.amount + _DUST:
        hint = "this part alone costs more than that: raise the limit, or lower chunks.max_minutes (reload)"
    return Hold(until=until, reason=reason, hint=hint)


def window_start(window: Window, now: datetime) -> datetime:
    """Say when the window began that `now`, in UTC, is in."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if window is Window.DAY else midnight.replace(day=1)


def window_end(window: Window, now: datetime) -> datetime:
    """Say when the next window begins."""
    start = window_start(window, now)
    if window is Window.DAY:
        return start + timedelta(days=1)
    return (start + timedelta(days=31)).replace(day=1)


def money(amount: float) -> str:
    """Write an amount with two digits behind the point, and with four where it is small."""
    if amount <= 0:
        return "0.00"
    if amount < _SMALLEST:
        return f"less than {_SMALLEST}"
    return f"{amount:.2f}" if amount >= _SMALL else f"{amount:.4f}".rstrip("0")


def unpriced(models: Sequence[tuple[str, float | None]], caps: Sequence[Cap]) -> Iterator[str]:
    """Warn of each model whose price nobody knows, where something is capped: what it costs is not counted.

    Args:
        models: their names and prices.
        caps: all there are.
    """
    if caps:
        yield from (
            f"the price of {model} is not known, so what it costs is not counted and no limit holds it"
            for model, price in dict(models).items()
            if price is None
        )
