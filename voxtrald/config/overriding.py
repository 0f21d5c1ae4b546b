"""Take keys from the environment: `VOXTRALD_WATCH__SETTLE_S=5` sets `watch.settle_s`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from voxtrald.config.reading import KeyPath, Place, Written, key_text, read_yaml
from voxtrald.config.secrets import SOURCES, is_secret_name
from voxtrald.config.settings import SECTIONS, Keys
from voxtrald.config.shape import Section
from voxtrald.errors import Problem

PREFIX = "VOXTRALD_"
NOT_KEYS = frozenset({"VOXTRALD_CONFIG", "VOXTRALD_FFMPEG"})
SEEMS_MEANT = 0.85  # so close that it is a misspelling rather than another program's variable


def variable_name(path: KeyPath) -> str:
    """Name the environment variable of a key."""
    return PREFIX + "__".join(str(part).upper() for part in path)


def every_key() -> tuple[KeyPath, ...]:
    """List the keys that an environment variable may set: those of the sections, and the few beside them."""
    beside: list[KeyPath] = [(name,) for name in Keys.model_fields if name not in SECTIONS]
    return tuple(beside + [(section, key) for section in SECTIONS for key in keys_of(section)])


def keys_of(section: str) -> tuple[str, ...]:
    """List the keys of a section as they are written."""
    model = Keys.model_fields[section].annotation
    if not (isinstance(model, type) and issubclass(model, Section)):
        return ()
    return tuple(field.alias or name for name, field in model.model_fields.items())


def override(written: Written, environ: Mapping[str, str]) -> Written:
    """Put the environment's values over the file's; a variable that sets nothing is a problem."""
    known = {variable_name(path): path for path in every_key()}
    values = dict(written.values or {})
    places = dict(written.places)
    problems = list(written.problems)
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_KEYS:
            continue
        if name not in known:
            problems.extend(_stray_problem(name, known))
            continue
        path = known[name]
        read = read_yaml(environ[name], file=name, has_lines=False, at=path)
        problems.extend(read.problems)
        if not read.problems:
            values = _with(values, path, read.values)
            places |= {path: Place(file=name)} | read.places
    return Written(values=values, places=places, problems=tuple(problems))


def _with(values: dict[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    head, *rest = path
    if not rest:
        return values | {str(head): value}
    group = values.get(str(head))
    inner = group if isinstance(group, dict) else {}
    return values | {str(head): _with(inner, tuple(rest), value)}


def _stray_problem(name: str, known: Mapping[str, KeyPath]) -> list[Problem]:
    close = get_close_matches(name, known, n=1, cutoff=SEEMS_MEANT)
    if not close and "__" not in name:
        return []
    hint = f"did you mean {close[0]}?" if close else ""
    if is_secret_name(name.rpartition("__")[2]):
        hint = f"the API key: {SOURCES}"
    parts = tuple(name.removeprefix(PREFIX).lower().split("__"))
    return [
        Problem(
            key=key_text(parts),
            what="is set in the environment, but there is no such key",
            hint=hint,
            file=name,
        )
    ]
