"""The table of settings in the README, made from the settings themselves.

`python -m tests.settings_table` writes it anew; a test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from voxtrald.config.settings import Keys, Settings
from voxtrald.config.shape import Section

README = Path(__file__).resolve().parent.parent / "README.md"
PLACE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)


def settings_table() -> str:
    """Write a row for every key: its name, its default, its explanation."""
    rows = [f"| `{key}` | `{shown(default_of(field))}` | {one_line(field)} |" for key, field in keys()]
    return "\n".join(["| Key | Default | Meaning |", "|---|---|---|", *rows]) + "\n"


def keys() -> Iterator[tuple[str, FieldInfo]]:
    """Give every key as it is written in the file, with dots between section and name."""
    for name, field in Keys.model_fields.items():
        if not isinstance(field.default, Section):
            yield name, field
            continue
        for inner_name, inner in type(field.default).model_fields.items():
            yield f"{name}.{inner.alias or inner_name}", inner


def default_of(field: FieldInfo) -> Any:
    """Give the value that holds where a key is left out, with the engine that is taken where none is named."""
    return field.get_default(call_default_factory=True, validated_data={"kind": Settings().engine.kind})


def shown(default: Any) -> str:
    """Write a default as YAML takes it."""
    if isinstance(default, Mapping):
        return json.dumps(dict(default))
    if isinstance(default, tuple):
        return f"[{', '.join(default)}]"
    if isinstance(default, str) and not isinstance(default, Path):
        return default
    return f"./{default}" if isinstance(default, Path) else json.dumps(default)


def one_line(field: FieldInfo) -> str:
    """Write an explanation so that it fits into a row."""
    return " ".join((field.description or "").split()).replace("|", "\\|")


def main() -> None:
    """Write the table into the README."""
    README.write_text(PLACE.sub(lambda _: settings_table(), README.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
