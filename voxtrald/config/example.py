"""The example configuration: every key with its default and its explanation, made from the models."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from voxtrald.config.settings import Keys
from voxtrald.config.shape import ByEngine, Section

WIDTH = 100
SCHEMA_IN_CLONE = "voxtrald/config.schema.json"
HEAD = """\
voxtrald: what may be set, with the value that holds where a key is left out.

Every key can also be set in the environment: watch.settle_s as VOXTRALD_WATCH__SETTLE_S.
`voxtrald check` reads this file and names everything that is wrong with it, with the line.

A key behind a `#` depends on the engine; what stands there holds for engine.kind mistral.
"""


def example_text(*, schema: str = SCHEMA_IN_CLONE) -> str:
    """Write the example.

    Args:
        schema: path or address of the JSON Schema as an editor finds it from the file.
    """
    lines = [f"# yaml-language-server: $schema={schema}", *_comment(HEAD, indent="")]
    for name, field in Keys.model_fields.items():
        lines += ["", *_key(name, field)]
    return "\n".join(lines) + "\n"


def _key(name: str, field: FieldInfo) -> Iterator[str]:
    default = field.default
    if not isinstance(default, Section):
        yield from _leaf(name, field, value=default)
        return
    yield from _comment(type(default).__doc__ or "", indent="")
    yield f"{name}:"
    for index, (inner_name, inner) in enumerate(type(default).model_fields.items()):
        yield from [""] if index else []
        yield from _leaf(inner.alias or inner_name, inner, value=getattr(default, inner_name), indent="  ")


def _leaf(name: str, field: FieldInfo, *, value: Any, indent: str = "") -> Iterator[str]:
    yield from _comment(field.description or "", indent=indent)
    for example in field.examples or ():
        yield f"{indent}# Example: {_yaml(name, example)}"
    mark = "# " if ByEngine() in field.metadata else ""
    yield f"{indent}{mark}{_yaml(name, value)}"


def _comment(text: str, *, indent: str) -> Iterator[str]:
    for index, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        yield from [f"{indent}#"] if index else []
        yield from textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}# ",
            break_on_hyphens=False,
            break_long_words=False,
        )


def _yaml(name: str, value: Any) -> str:
    written: str = yaml.safe_dump(_plain(value), default_flow_style=True, sort_keys=False, allow_unicode=True)
    alone = written.removesuffix("...\n").strip()  # PyYAML ends a lone scalar with `...`
    return f"{name}: {alone}"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return f"./{value}"
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
