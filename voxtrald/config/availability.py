"""Keys that this version knows and cannot honour: said aloud, never silently ignored. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from voxtrald.config.reading import Written
from voxtrald.config.refusing import problem_at
from voxtrald.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A key, or some values of it, whose feature is still to come.

    Attributes:
        path: the key.
        beginning: how a value begins that is not available; empty where none but the neutral one (null, false, [])
            is available.
        instead: what works today.
    """

    path: tuple[str, str]
    beginning: str = ""
    instead: str = "leave the key out"

    def refuses(self, value: Any) -> bool:
        """Tell whether `value` is not available."""
        if self.beginning:
            return isinstance(value, str) and value.startswith(self.beginning)
        return bool(value)


UNAVAILABLE = (
    Unavailable(path=("dispatch", "url"), beginning="postgres", instead="sqlite works for one host"),
    Unavailable(path=("web", "listen"), instead="see `voxtrald status`"),
)


def availability_problems(written: Written) -> Iterator[Problem]:
    """Find what this version cannot do. None of these keys may stand in a rule."""
    values = written.values or {}
    for entry in UNAVAILABLE:
        section, key = entry.path
        group = values.get(section)
        if isinstance(group, Mapping) and entry.refuses(group.get(key)):
            what = "is not available in this version"
            yield problem_at(written, entry.path, what=what, hint=entry.instead)
