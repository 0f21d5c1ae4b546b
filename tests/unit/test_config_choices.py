"""Choices that are files of the program, and what is offered of them."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from voxtrald.config.choices import engine_kinds, module_names, output_formats
from voxtrald.config.schema import schema_text
from voxtrald.config.shape import OneOf
from voxtrald.transcript.rendering import FORMATS


def test_adding_a_file_adds_a_choice(tmp_path):
    """Every module of the folder is a choice, in order; what begins with `_`, and what is no module, is none."""
    for name in ("whisper.py", "deepgram.py", "_shared.py", "__init__.py", "notes.md"):
        (tmp_path / name).write_text("raise RuntimeError('imported')\n")

    names = module_names(tmp_path)

    assert names == ("deepgram", "whisper")


def test_looking_imports_nothing(tmp_path):
    """A choice is not loaded before it is chosen."""
    (tmp_path / "never_imported_choice.py").write_text("raise RuntimeError('imported')\n")

    assert module_names(tmp_path) == ("never_imported_choice",)
    assert "never_imported_choice" not in sys.modules


def test_the_engines_kinds_are_those_of_their_folder():
    """Mistral's engine is found without its being named anywhere."""
    assert "mistral" in engine_kinds()


def test_the_formats_that_may_be_asked_for_are_those_that_exist():
    """What output.formats offers is every format that can be rendered, and no other."""
    assert set(output_formats()) == set(FORMATS)


def test_editors_offer_the_choices():
    """The schema lists what the folders hold."""
    definitions = json.loads(schema_text())["$defs"]
    kind = definitions["EngineSettings"]["properties"]["kind"]

    assert definitions["OutputSettings"]["properties"]["formats"]["items"]["enum"] == list(output_formats())
    assert kind.get("enum", [kind.get("const")]) == list(engine_kinds())


def test_what_is_no_choice_is_refused_with_the_choices():
    """A wrong word is answered as for any other closed list."""
    choice = TypeAdapter(Annotated[str, OneOf(("local", "mistral"))])

    with pytest.raises(ValidationError) as caught:
        choice.validate_python("cloud")

    [error] = caught.value.errors()
    assert (error["type"], error["ctx"]) == ("literal_error", {"expected": "'local' or 'mistral'"})
