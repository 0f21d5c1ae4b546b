"""Keys that this version knows and cannot honour: said aloud, never silently ignored. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from voxtrald.config.reading import KeyPath, Written
from voxtrald.config.refusing import problem_at
from voxtrald.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A key, or some values of it, whose feature is still to come.

    Attributes:
        path: the key.
        values: the values that are not available; empty where none but the neutral one (null, false, []) is.
        beginning: instead of whole values, how such a value begins.
        instead: what works today.
    """

    path: tuple[str, str]
    values: tuple[str, ...] = ()
    beginning: str = ""
    instead: str = "leave the key out"

    def refused(self, value: Any) -> str | None:
        """Name the part of `value` that is not available; empty text stands for the key itself."""
        if self.beginning:
            return "" if isinstance(value, str) and value.startswith(self.beginning) else None
        if self.values:
            return value if value in self.values else None
        return "" if value else None


UNAVAILABLE = (
    Unavailable(path=("engine", "kind"), values=("openai", "local"), instead="mistral is the engine of this version"),
    Unavailable(path=("dispatch", "url"), beginning="postgres", instead="sqlite works for one host"),
    Unavailable(path=("watch", "links"), instead="drop the recording itself"),
    Unavailable(path=("audio", "skip_silence_over_s")),
    Unavailable(path=("limits", "max_cost_per_day"), instead="set a limit in the service's own console"),
    Unavailable(path=("limits", "max_cost_per_month"), instead="set a limit in the service's own console"),
    Unavailable(path=("web", "listen"), instead="see `voxtrald status`"),
    Unavailable(path=("metrics", "listen"), instead="see `voxtrald status`"),
    Unavailable(path=("notify", "urls"), instead="watch the log or the error folder"),
)


def availability_problems(written: Written) -> Iterator[Problem]:
    """Find what this version cannot do, outside and inside of rules."""
    values = written.values or {}
    yield from _in_sections(written, values, at=())
    rules = values.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        yield from _in_sections(written, rule, at=("rules", index))


def _in_sections(written: Written, values: Any, *, at: KeyPath) -> Iterator[Problem]:
    for entry in UNAVAILABLE:
        section, key = entry.path
        group = values.get(section) if isinstance(values, Mapping) else None
        refused = entry.refused(group.get(key)) if isinstance(group, Mapping) else None
        if refused is not None:
            subject = f"`{refused}` is" if refused else "is"
            what = f"{subject} not available in this version"
            yield problem_at(written, (*at, section, key), what=what, hint=entry.instead)
