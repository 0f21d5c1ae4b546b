"""Which settings a recording would get, and where each of them comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from voxtrald.config import EngineSettings, OutputSettings, Overlaid, RecordingSettings, Settings
from voxtrald.errors import Problem, RecordingChanged
from voxtrald.pipeline.consulting import judge, unchanged
from voxtrald.store.folders import Folders

ENGINE_KEYS = {"language": "language", "vocabulary": "context_bias", "diarize": "diarize", "timestamps": "timestamps"}
OUTPUT_KEYS = {"speakers": "speakers", "formats": "formats"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One setting, by the name that sidecars have for it, its value, and who set it."""

    key: str
    value: str
    source: str


def explain(settings: Settings, relative: PurePosixPath) -> tuple[Origin, ...] | tuple[Problem, ...]:
    """Look up what counts for a recording now, whether or not it is there; or what is wrong beside it.

    Args:
        settings: the administrator's.
        relative: the recording's path below the inbox.

    Raises:
        StorageUnavailable: the inbox cannot be looked at.
    """
    own = settings.for_recording(relative)
    laid = _laid(settings, own, relative)
    if not isinstance(laid, Overlaid):
        return tuple(problem for problems in laid.values() for problem in problems)
    return tuple(_origins(laid, own=own, general=settings))


def _laid(
    settings: Settings, own: RecordingSettings, relative: PurePosixPath
) -> Overlaid | Mapping[PurePosixPath, tuple[Problem, ...]]:
    if not own.heeds_sidecars:
        return unchanged(own)
    try:
        return judge(Folders.named_in(settings.folders).sidecars.read(str(relative)), settings=own)
    except RecordingChanged:  # there is no such folder yet, so nothing lies in it
        return unchanged(own)


def _origins(laid: Overlaid, *, own: RecordingSettings, general: Settings) -> Iterator[Origin]:
    engine = laid.settings.engine
    named = " ".join(filter(None, [engine.kind, engine.model, engine.base_url]))
    rule = f"the rule {own.rule}" if own.rule else ""
    by_rule = rule if own.engine != general.engine else "the configuration"
    yield Origin(key="engine", value=named, source=_files(laid, "engine") or by_rule)
    parts: tuple[tuple[Mapping[str, str], Any, Any, Any], ...] = (
        (ENGINE_KEYS, engine, own.engine, general.engine),
        (OUTPUT_KEYS, laid.settings.output, own.output, general.output),
    )
    for keys, given, of_own, of_all in parts:
        for key, name in keys.items():
            value = _text(getattr(given, name))
            source = _files(laid, key) or _administrator(name, of_own, of_all, rule=rule)
            yield Origin(key=key, value=value, source=source)


def _files(laid: Overlaid, key: str) -> str:
    return " and ".join(laid.sources.get(key, ()))


def _administrator(
    name: str, own: EngineSettings | OutputSettings, general: EngineSettings | OutputSettings, *, rule: str
) -> str:
    if getattr(own, name) != getattr(general, name):
        return rule
    return "the configuration" if own.wrote(name) else "the default"


def _text(value: Any) -> str:
    plain = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(plain, ensure_ascii=False)


def below_inbox(settings: Settings, path: Path) -> PurePosixPath | None:
    """Give a recording's path below the inbox; None where it lies elsewhere.

    Args:
        settings: name the inbox.
        path: as people write it, from here or from the inbox.
    """
    inbox = settings.folders.inbox
    for place in (Path.cwd() / path, inbox / path):
        try:
            relative = place.relative_to(inbox)
        except ValueError:
            continue
        if ".." not in relative.parts and relative.name:
            return PurePosixPath(relative)
    return None
