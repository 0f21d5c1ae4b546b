"""The shipped example and schema say the same as the program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from voxtrald.config import example_text, load_settings
from voxtrald.config.overriding import every_key
from voxtrald.config.reading import key_text, read_yaml
from voxtrald.config.schema import SHIPPED, schema_text

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.yaml"


def test_the_example_is_up_to_date():
    """config.example.yaml is what the program writes."""
    assert EXAMPLE.read_text("utf-8") == example_text(), "write it anew: voxtrald.config.example_text()"


def test_the_schema_is_up_to_date():
    """The shipped schema is what the program's models give."""
    assert SHIPPED.read_text("utf-8") == schema_text(), "python -m voxtrald.config.schema > the shipped file"


def test_the_schema_can_be_printed():
    """`python -m voxtrald.config.schema` prints the schema and nothing else."""
    command = [sys.executable, "-W", "error", "-m", "voxtrald.config.schema"]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert printed.stdout == schema_text()


def test_the_example_equals_the_defaults(tmp_path, monkeypatch):
    """The example as it stands changes nothing."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(example_text(), "utf-8")

    assert load_settings(path, environ={}) == load_settings(None, environ={})


def test_the_example_has_every_key_with_a_comment():
    """Each key stands in the example, those that are left to the engine behind a `#`, below its explanation."""
    text = re.sub(
        r"^  # (base_url|model|accepted|convert_to|max_minutes): ", r"  \1: ", example_text(), flags=re.MULTILINE
    )
    written = read_yaml(text, file="example")
    lines = text.splitlines()
    keys = [path for path in every_key() if path in written.places]

    uncommented = [key_text(path) for path in keys if "#" not in lines[written.places[path].line - 2]]

    assert keys == list(every_key())
    assert uncommented == []


def test_whoever_starts_from_the_example_can_choose_another_engine(tmp_path):
    """The example writes nothing that belongs to an engine, so that naming another one is enough."""
    path = tmp_path / "config.yaml"
    path.write_text(example_text(), "utf-8")

    loaded = load_settings(path, environ={})

    assert loaded.engine.wrote("kind")
    assert not any(loaded.engine.wrote(key) for key in ("base_url", "model"))
    assert not loaded.chunks.wrote("max_minutes")
    assert not any(loaded.audio.wrote(key) for key in ("accepted", "convert_to"))


def test_the_examples_schema_line_leads_to_the_schema():
    """The line for editors names the shipped schema, from a clone as from elsewhere."""
    first = example_text().splitlines()[0]
    elsewhere = example_text(schema=str(SHIPPED)).splitlines()[0]

    assert (ROOT / first.partition("$schema=")[2]).samefile(SHIPPED)
    assert elsewhere == f"# yaml-language-server: $schema={SHIPPED}"


def test_the_schema_accepts_the_example():
    """The schema is a proper one and takes the example."""
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(read_yaml(example_text(), file="example").values, schema)


@pytest.mark.parametrize(
    "values",
    [
        {"watch": {"settel_s": 1}},
        {"watch": {"settle_s": 0}},
        {"engine": {"kind": "whisper"}},
        {"engine": {"api_key": "x"}},
        {"rules": [{"engine": {}}]},
        {"rules": [{"match": "a", "folders": {}}]},
        {"base": "/"},
    ],
)
def test_the_schema_refuses_what_the_program_refuses(values):
    """Editors underline unknown keys, wrong choices and values out of range."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json.loads(schema_text()))


def test_the_schema_explains_every_key():
    """Each key of each group has a description."""
    definitions = json.loads(schema_text())["$defs"]

    unexplained = [
        f"{group}.{key}"
        for group, definition in definitions.items()
        for key, value in definition["properties"].items()
        if "description" not in value
    ]

    assert len(definitions) > 10
    assert unexplained == []
