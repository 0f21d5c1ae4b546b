"""Asking for as much as is wanted, and doing without what the far side refuses by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Protocol, Self, TypeVar

import structlog

from voxtrald.errors import ApiRefused
from voxtrald.transcript.model import Answer

log = structlog.get_logger()


class LeanPlan(Protocol):
    """A request that can do without its optional parameters."""

    @property
    def optional(self) -> Mapping[str, object]:
        """The parameters that may be refused, by the names they are sent under."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """What was asked for and is left out."""

    def without(self, refused: Collection[str]) -> Self:
        """Leave out parameters, and tell so."""


Plan = TypeVar("Plan", bound=LeanPlan)


class Concessions:
    """The parameters one engine has learnt to leave out. Threads share it."""

    def __init__(self, *, model: str) -> None:
        self._model = model
        self._refused: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def ask(self, plan: Plan, send: Callable[[Plan], Answer]) -> Answer:
        """Send a plan; leave out for good what is refused by name, and send it again at once.

        The answer tells what was left out.

        Raises:
            ApiError: what `send` raises, unless it is such a refusal.
        """
        while True:  # ends: each round leaves out at least one more parameter
            leaner = plan.without(self._refused)
            try:
                answer = send(leaner)
            except ApiRefused as error:
                if not self._concede(error.parameter, leaner):
                    raise
            else:
                return replace(answer, dropped=tuple(dict.fromkeys((*leaner.dropped, *answer.dropped))))

    def _concede(self, parameter: str | None, plan: LeanPlan) -> bool:
        """Leave a refused parameter out from now on, if it was in this request at all."""
        if parameter is None or parameter not in plan.optional:
            return False
        with self._lock:
            self._refused |= {parameter}
        log.warning("parameter_refused", parameter=parameter, model=self._model)
        return True
