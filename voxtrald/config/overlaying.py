"""The administrator's settings with what people wrote beside a recording laid over them. Pure.

What is laid over can change how a recording is asked for and shown. Who is asked is chosen among the engines that its
settings offer; nothing else of an engine, and no other section, is within reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxtrald.config.engine import EngineSettings
from voxtrald.config.settings import RecordingSettings
from voxtrald.config.shape import FixedMapping
from voxtrald.config.sidecars import Sidecar
from voxtrald.errors import Problem

MANNER: Mapping[str, str] = {
    "language": "language",
    "vocabulary": "context_bias",
    "diarize": "diarize",
    "timestamps": "timestamps",
}
"""The keys of a sidecar that say how an engine is asked, and what `engine` calls them."""

SHOWN: Mapping[str, str] = {"speakers": "speakers", "formats": "formats"}
"""The keys that say what becomes of the answer, and what `output` calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one file beside a recording says.

    Attributes:
        file: its path below the inbox.
        sidecar: its keys, where it is a sidecar.
        names: its names, where it is a list of them.
    """

    file: str
    sidecar: Sidecar | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaid:
    """The settings that a recording gets.

    Attributes:
        service: the administrator's engine behind `settings.engine`, which asks it in another manner at most.
        choice: the name under which `service` was chosen, or empty where it is the recording's by the administrator.
        sources: which file each key comes from that is not the administrator's, by the sidecar's names of the keys.
    """

    settings: RecordingSettings
    service: EngineSettings
    choice: str
    sources: Mapping[str, tuple[str, ...]]


def overlay(settings: RecordingSettings, layers: Sequence[Layer]) -> Overlaid | tuple[Problem, ...]:
    """Lay files over the administrator's settings, key by key; or say which engine cannot be chosen.

    Args:
        settings: of the recording, by the administrator.
        layers: from the farthest to the nearest, which wins. Lists of names are added up instead.
    """
    written = {key: (layer, value) for layer in layers for key, value in _written(layer)}
    problems = tuple(_refused(layer, settings) for layer in layers if not _may_choose(layer, settings))
    if problems:
        return problems
    chosen = written["engine"][1] if "engine" in written else None
    service = settings.engine if chosen is None else settings.choices[chosen]
    values = {key: value for key, (_, value) in written.items()}
    names = [name for layer in reversed(layers) for name in layer.names]
    sources = {key: (layer.file,) for key, (layer, _) in written.items()}
    if names:
        values["vocabulary"] = tuple(dict.fromkeys((*values.get("vocabulary", settings.engine.context_bias), *names)))
        lists = (layer.file for layer in reversed(layers) if layer.names)
        sources["vocabulary"] = (*sources.get("vocabulary", ()), *lists)
    engine = _in_manner(service, like=settings.engine, values=values)
    output = settings.output.replaced({name: values[key] for key, name in SHOWN.items() if key in values})
    laid = replace(settings, engine=engine, output=output)
    return Overlaid(settings=laid, service=service, choice=chosen or "", sources=sources)


def _written(layer: Layer) -> Sequence[tuple[str, Any]]:
    sidecar = layer.sidecar
    return (
        []
        if sidecar is None
        else [(key, getattr(sidecar, key)) for key in type(sidecar).model_fields if sidecar.wrote(key)]
    )


def _may_choose(layer: Layer, settings: RecordingSettings) -> bool:
    chosen = layer.sidecar.engine if layer.sidecar is not None else None
    return chosen is None or chosen in settings.choices


def _refused(layer: Layer, settings: RecordingSettings) -> Problem:
    names = ", ".join(settings.choices)
    hint = f"there are {names}" if names else "leave the key out: none can be chosen here"
    return Problem(key="engine", what="is not an engine that can be chosen here", hint=hint, file=layer.file)


def _in_manner(service: EngineSettings, *, like: EngineSettings, values: Mapping[str, Any]) -> EngineSettings:
    """Ask a service in the manner of another engine's settings, with some values in place of theirs."""
    manner = {name: values.get(key, getattr(like, name)) for key, name in MANNER.items()}
    # Clips of voices stay with the service they were given for, and mean nothing where speakers are not told apart.
    left_out = {} if manner["diarize"] else {"speaker_references": FixedMapping[Path]({})}
    return service.replaced({**manner, **left_out})
