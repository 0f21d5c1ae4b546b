"""Fill up the rules, and the engines that sidecars may choose: what they leave out keeps its value from above.

What belongs to another service does not. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxtrald.config.engine import USUAL_ADDRESSES, USUAL_KIND, bare_address
from voxtrald.config.settings import RULE_SECTIONS

# A key must not travel to another server, nor must clips of voices; and a model's name means nothing there.
SERVICE_KEYS = frozenset({"base_url", "model", "server", "api_key_file", "speaker_references"})
# A rule's limits stand beside those above, for a sum of its own; what it lets people choose stands in place of that.
INHERITING = frozenset(RULE_SECTIONS) - {"limits", "sidecars"}

Values = Mapping[str, Any]


def fill_rules(values: Values) -> dict[str, Any]:
    """Fill up each rule's sections with the keys it leaves out, and each offered engine, so that they are whole.

    Args:
        values: as they were written, in the file and in the environment; nothing is checked yet.
    """
    filled = dict(values)
    if isinstance(rules := values.get("rules"), list):
        filled["rules"] = [_filled(rule, values) if isinstance(rule, dict) else rule for rule in rules]
    sidecars = values.get("sidecars")
    if isinstance(sidecars, Mapping) and isinstance(engines := sidecars.get("engines"), Mapping):
        offered = {name: _merged("engine", outside=values.get("engine"), own=own) for name, own in engines.items()}
        filled["sidecars"] = {**sidecars, "engines": offered}
    return filled


def _filled(rule: Values, values: Values) -> dict[str, Any]:
    return {
        name: _merged(name, outside=values.get(name), own=own) if name in INHERITING else own
        for name, own in rule.items()
    }


def _merged(section: str, *, outside: Any, own: Any) -> Any:
    if not (isinstance(outside, Mapping) and isinstance(own, Mapping)):
        return own
    left_out = _not_inherited(outside, own) if section == "engine" else frozenset[str]()
    return {**{name: value for name, value in outside.items() if name not in left_out}, **own}


def _not_inherited(outside: Values, own: Values) -> frozenset[str]:
    if _service(own, usual=outside) != _service(outside, usual={}):
        return SERVICE_KEYS
    return frozenset({"speaker_references"}) if own.get("diarize") is False else frozenset()


def _service(engine: Values, *, usual: Values) -> tuple[Any, Any]:
    """Tell which service a group of engine keys asks: its kind and its address."""
    kind = engine.get("kind", usual.get("kind", USUAL_KIND))
    is_same_kind = kind == usual.get("kind", kind)
    inherited = usual.get("base_url") if is_same_kind else None
    address = engine.get("base_url", inherited or _usual_address(kind))
    return kind, bare_address(address) if isinstance(address, str) else address


def _usual_address(kind: Any) -> str | None:
    return USUAL_ADDRESSES.get(kind) if isinstance(kind, str) else None
