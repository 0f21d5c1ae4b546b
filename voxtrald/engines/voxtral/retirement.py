"""When a model is taken away, and what to say about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from voxtrald.engines.voxtral.models import ModelRules

_WARNED_BEFORE = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """The end of a model, near or past.

    Attributes:
        on: the day; on the day itself it may still answer.
        replacement: the model the service recommends instead, or None.
        is_past: whether the model is gone.
    """

    model: str
    on: date
    replacement: str | None
    is_past: bool

    @property
    def what(self) -> str:
        """Say it in one sentence, without the advice."""
        return f"the model {self.model} {'was' if self.is_past else 'will be'} taken away on {self.on}"

    @property
    def advice(self) -> str:
        """Say what to do."""
        if self.replacement is None:
            return "choose another engine.model"
        return f"write `model: {self.replacement}` under `engine`"


def retirement_of(model: str, rules: ModelRules, *, today: date) -> Retirement | None:
    """Tell whether the model is gone or will be within sixty days; None where there is nothing to say yet."""
    on = rules.retires_on
    if on is None or on > today + _WARNED_BEFORE:
        return None
    return Retirement(model=model, on=on, replacement=rules.replacement, is_past=on < today)
