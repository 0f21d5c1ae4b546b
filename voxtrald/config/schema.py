"""The configuration as a JSON Schema, by which editors complete and explain the keys.

`python -m voxtrald.config.schema` prints it; the copy shipped beside the package is that output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from voxtrald.config.settings import Keys

SHIPPED = Path(__file__).parent.parent / "config.schema.json"


def schema_text() -> str:
    """Write the schema (JSON Schema 2020-12) of the configuration file."""
    schema: dict[str, Any] = {
        "$schema": GenerateJsonSchema.schema_dialect,
        **Keys.model_json_schema(by_alias=True),
        "title": "voxtrald configuration",
    }
    return json.dumps(_without_titles(schema), indent=2, ensure_ascii=False) + "\n"


def _without_titles(schema: Any, *, is_named: bool = False) -> Any:
    """Drop the titles made from field names, which editors would show instead of the explanations."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value, is_named=key in {"properties", "$defs"})
        for key, value in schema.items()
        if is_named or key != "title" or "$schema" in schema
    }


if __name__ == "__main__":
    sys.stdout.write(schema_text())
