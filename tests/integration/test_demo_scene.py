"""The folder of the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.daemon import files_in
from tests.speech import SAMPLE, SAMPLE_TEXT
from voxtrald.config import load_settings
from voxtrald.demonstration.scene import Scene, engine_section, sample_text
from voxtrald.demonstration.trouble import DemoFailed

MOST_SAMPLE_BYTES = 400_000


def used(folder: Path) -> Scene:
    """Give a folder in which a demonstration has ended."""
    scene = Scene(folder)
    scene.clear()
    scene.prepare(engine_section({"kind": "local", "model": "tiny.en"}))
    scene.drop()
    for name in ("outbox/meetings/sample.txt", "state/ledger.sqlite3", "error/meetings/sample.m4a.error.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return scene


@pytest.mark.parametrize("model", ["tiny.en", "/with space/and: colon", 'quoted "model"', "Größe"])
def test_the_configuration_is_valid(model, tmp_path):
    """What is written loads, names the model as it is, and has a rule for the sub-folder of the sample."""
    scene = Scene(tmp_path / "demo")
    scene.prepare(engine_section({"kind": "local", "model": model}))
    settings = load_settings(scene.config, environ={})
    dropped = settings.for_recording(Path(scene.drop()))

    assert settings.engine.kind == "local"
    assert settings.engine.model == model
    assert settings.folders.inbox == scene.inbox
    assert dropped.engine.language == "en"
    assert dropped.output.formats != settings.output.formats


def test_a_used_folder_is_cleared(tmp_path):
    """What an earlier demonstration left goes, and nothing else is touched."""
    scene = used(tmp_path)
    (tmp_path / "notes.md").write_text("mine")
    scene.clear()

    assert files_in(tmp_path) == ["notes.md"]


def test_an_empty_folder_may_be_used(tmp_path):
    """A folder that somebody made for the demonstration is taken, and so is one that is not there yet."""
    for folder in (tmp_path, tmp_path / "new"):
        Scene(folder).clear()

    assert files_in(tmp_path) == []


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    """Where no demonstration left its mark, nothing is cleared."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "thesis.wav").write_bytes(b"precious")

    with pytest.raises(DemoFailed, match="was not made by a demonstration"):
        Scene(tmp_path).clear()

    assert (tmp_path / "inbox" / "thesis.wav").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["inbox/mine.m4a", "outbox/meetings/mine.txt", "error/mine.m4a"])
def test_a_file_that_somebody_added_is_named_and_kept(name, tmp_path):
    """Files that no demonstration made stop the next one before it clears anything."""
    scene = used(tmp_path)
    (tmp_path / name).write_bytes(b"mine")
    before = files_in(tmp_path)

    with pytest.raises(DemoFailed, match=name):
        scene.clear()

    assert files_in(tmp_path) == before


def test_a_link_is_not_followed(tmp_path):
    """A link that somebody put into the inbox counts as a file of theirs, and what it leads to is kept."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "old.wav").touch()
    scene = used(tmp_path / "demo")
    (scene.inbox / "archive").symlink_to(tmp_path / "archive")

    with pytest.raises(DemoFailed, match="inbox/archive"):
        scene.clear()

    assert (tmp_path / "archive" / "old.wav").exists()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    """Where the folder cannot be used, its name and another way are told."""
    (tmp_path / "file").touch()

    with pytest.raises(DemoFailed, match="cannot be used") as failed:
        Scene(tmp_path / "file" / "demo").prepare("")

    assert "--folder" in failed.value.hint


def test_the_sample_is_small_and_complete():
    """The sample is in the package, small enough for a repository, and its text stands beside it."""
    assert SAMPLE.read_bytes()[4:8] == b"ftyp"
    assert SAMPLE.stat().st_size < MOST_SAMPLE_BYTES
    assert sample_text() == SAMPLE_TEXT.read_text("utf-8")
