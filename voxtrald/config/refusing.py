"""Say what is wrong with written values, in words for people who have not read this program. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from voxtrald.config.overriding import every_key, keys_of
from voxtrald.config.reading import KeyPath, Written, key_text
from voxtrald.config.sections import RuleLimitSettings
from voxtrald.config.settings import RULE_SECTIONS, SECTIONS, Keys
from voxtrald.config.shape import Wrong
from voxtrald.errors import Problem

UNITS = {"_s": " seconds", "_minutes": " minutes", "_kbps": " kbit/s", "_hz": " Hz"}
RULE_DEPTH = 2  # ("rules", 0, "engine", ...): what follows is a path like one outside of rules
OFFERS = ("sidecars", "engines")
OFFER_DEPTH = 3  # ("sidecars", "engines", "here", ...): what follows is a path like one in `engine`


def problem_at(written: Written, path: KeyPath, *, what: str, hint: str = "") -> Problem:
    """Make a problem of the key at `path`, with the place it was written in."""
    place = written.place(path)
    if place is None:
        return Problem(key=key_text(path), what=what, hint=hint)
    return Problem(key=key_text(path), what=what, hint=hint, file=place.file, line=place.line)


def validation_problems(error: ValidationError, written: Written) -> tuple[Problem, ...]:
    """Translate everything that validation found.

    A rule's section is checked together with the keys it takes over from the section outside; what is wrong
    there is told once, where it was written.
    """
    found = [wrong for details in error.errors() for wrong in _wrongs(details)]
    outside = {(path, what) for path, what, _ in found if _home(path) == path}
    return tuple(
        problem_at(written, path, what=what, hint=hint)
        for path, what, hint in found
        if path in written.places or _home(path) == path or (_home(path), what) not in outside
    )


def _home(path: KeyPath) -> KeyPath:
    """Give the place outside of rules, and outside of the engines that sidecars may choose, of the same key."""
    if path[:1] == ("rules",):
        return path[RULE_DEPTH:]
    return ("engine", *path[OFFER_DEPTH:]) if path[:2] == OFFERS and len(path) > OFFER_DEPTH else path


def _wrongs(details: ErrorDetails) -> Iterator[tuple[KeyPath, str, str]]:
    path = tuple(details["loc"])
    if details["type"] == "wrongs":
        wrongs: tuple[Wrong, ...] = details["ctx"]["wrongs"]
        for wrong in wrongs:
            yield (*path, wrong.key), wrong.what, wrong.hint
    elif details["type"] == "refusal":
        yield path, details["ctx"]["what"], details["ctx"]["hint"]
    elif details["type"] == "default_factory_not_called":
        return  # a default that depends on another key, which is wrong and told
    elif details["type"] == "extra_forbidden":
        yield (path, *_unknown_key(path))
    else:
        yield (path, *_wrong_value(details, unit=_unit(path)))


def _unit(path: KeyPath) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def _unknown_key(path: KeyPath) -> tuple[str, str]:
    *around, last = _home(path)
    name = str(last)
    if path[:1] == ("rules",) and not around:
        return _unknown_rule_key(name)
    if path[:1] == ("rules",) and around == ["limits"] and name in keys_of("limits"):
        allowed = ", ".join(RuleLimitSettings.model_fields)
        return "cannot differ between recordings", f"a rule's limits may hold {allowed}"
    siblings = keys_of(str(around[0])) if around else tuple(Keys.model_fields)
    close = get_close_matches(name.lower(), siblings, n=1)
    if close:
        return "is not a known key", f"did you mean `{close[0]}`?"
    homes = [key_text(key) for key in every_key() if key[-1] == name and len(key) > 1]
    if homes:
        return "is not a known key here", f"did you mean `{homes[0]}`?"
    return "is not a known key", f"there are {', '.join(siblings)}"


def _unknown_rule_key(name: str) -> tuple[str, str]:
    allowed = ", ".join(RULE_SECTIONS)
    if name in SECTIONS:
        return "cannot differ between recordings", f"a rule may hold {allowed}"
    close = get_close_matches(name.lower(), ("match", *RULE_SECTIONS), n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"a rule holds match and some of {allowed}"
    return "is not a known key", hint


TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a group of keys",
    "model_type": "must be a group of keys",
    "model_attributes_type": "must be a group of keys",
    "path_type": "must be a path",
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
BELOW = "indent its keys below it"
HINTS = {"tuple_type": "such as [one, two]", "model_type": BELOW, "dict_type": BELOW}
PATTERNS = {
    "language": ("is not a language code", "two or three small letters such as lv, or null"),
    "accepted": ("is not a format's name", "small letters without a dot, such as mp3"),
    "url": ("must be sqlite or a postgresql:// address", ""),
    "link_hosts": ("is not a host's name", "such as media.example.org or *.example.org, without https://"),
}
BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _wrong_value(details: ErrorDetails, *, unit: str) -> tuple[str, str]:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "literal_error":
        return _not_a_choice(details["input"], context)
    if kind == "string_pattern_mismatch":
        name = next((part for part in reversed(details["loc"]) if part in PATTERNS), "")
        return PATTERNS.get(str(name), (details["msg"], ""))
    if kind in BOUNDS:
        bound, words = BOUNDS[kind]
        return f"must be {words} {context[bound]:g}{unit}", ""
    if kind in {"float_type", "int_type"} and unit:
        return f"{TYPES[kind]} of{unit}", "without the unit" if isinstance(details["input"], str) else ""
    return TYPES.get(kind, details["msg"]), HINTS.get(kind, "")


def _not_a_choice(value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    expected = str(context["expected"])
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    close = get_close_matches(str(value).lower(), choices, n=1) if isinstance(value, str) else []
    shown = f"`{value}`" if isinstance(value, str | int | float) else "this"
    hint = f"did you mean `{close[0]}`?" if close else ""
    return f"must be one of {', '.join(choices)}, not {shown}", hint
