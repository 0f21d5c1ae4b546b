"""What cannot be meant about the engines that files beside recordings may choose. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from voxtrald.config.reading import Written
from voxtrald.config.refusing import OFFERS, problem_at
from voxtrald.errors import Problem

OF_THE_RECORDING = ("language", "diarize", "timestamps", "context_bias", "speaker_references")


def offer_problems(written: Written) -> Iterator[Problem]:
    """Find keys that a recording brings along to whichever engine is chosen, and names that stand for no engine."""
    values = written.values or {}
    section = values.get("sidecars")
    engines = section.get("engines") if isinstance(section, Mapping) else None
    engines = engines if isinstance(engines, Mapping) else {}
    for name, engine in engines.items():
        for key in OF_THE_RECORDING if isinstance(engine, Mapping) else ():
            if key in engine:
                what = "has no meaning here: it is taken from the recording's own settings"
                yield problem_at(written, (*OFFERS, name, key), what=what, hint="leave it out")
    rules = values.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        yield from _in_rule(written, rule, index=index, engines=engines)


def _in_rule(written: Written, rule: Any, *, index: int, engines: Mapping[str, Any]) -> Iterator[Problem]:
    section = rule.get("sidecars") if isinstance(rule, Mapping) else None
    names = section.get("engines") if isinstance(section, Mapping) else None
    for at, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str) and name not in engines:
            close = get_close_matches(name, engines, n=1)
            hint = f"did you mean `{close[0]}`?" if close else "it needs an entry of this name in `sidecars.engines`"
            path = ("rules", index, "sidecars", "engines", at)
            yield problem_at(written, path, what="is no engine that sidecars may choose", hint=hint)
