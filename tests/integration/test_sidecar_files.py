"""Files beside recordings: which are read, what is refused of them, and where they go."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest

from voxtrald.config import Settings, read_sidecar
from voxtrald.errors import RecordingChanged, SidecarRefused
from voxtrald.pipeline.consulting import consult, note_text
from voxtrald.store.sidecars import LONGEST_BYTES, Sidecars, candidates


@pytest.fixture
def place(tmp_path, make_files):
    """Give the folders, with a recording two levels deep."""
    make_files(tmp_path, {"inbox/a/b/talk.m4a": b"x", "outbox/.keep": b"", "error/.keep": b""})
    return tmp_path


@pytest.fixture
def sidecars(place):
    """Give the sidecars of these folders."""
    return Sidecars(inbox=place / "inbox", outbox=place / "outbox", error=place / "error")


def settings_for(relative):
    """Give a recording's settings by the defaults."""
    return Settings().for_recording(PurePosixPath(relative))


def test_files_count_from_the_farthest_to_the_nearest(place, sidecars, make_files):
    """Those of all folders from the inbox down are read in order, the recording's own last; others are not."""
    names = ["names.txt", "voxtrald.yaml", "a/b/names.txt", "a/b/talk.voxtrald.yaml", "a/b/talk.m4a.voxtrald.yaml"]
    others = ["a/b/other.voxtrald.yaml", "a/x/voxtrald.yaml", "a/b/talk.mp3.voxtrald.yaml"]
    make_files(place / "inbox", dict.fromkeys([*names, *others], "language: lv"))

    found = sidecars.read("a/b/talk.m4a")

    assert [str(beside.relative) for beside in found] == names
    assert {beside.content for beside in found} == {b"language: lv"}


def test_a_recording_without_an_ending_has_one_file_of_its_own():
    """The two names of its own file are the same then."""
    assert [str(each) for each in candidates("talk")] == ["names.txt", "voxtrald.yaml", "talk.voxtrald.yaml"]


@pytest.mark.parametrize("what", ["link", "folder", "pipe", "big"])
def test_only_plain_small_files_are_read(place, sidecars, tmp_path, what):
    """A link, a folder, a pipe and a huge file are at fault and unread, and nothing blocks."""
    secret = tmp_path / "secret"
    secret.write_text("language: lv")
    path = place / "inbox/a/voxtrald.yaml"
    match what:
        case "link":
            path.symlink_to(secret)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "big":
            path.write_bytes(b"#" * (LONGEST_BYTES + 1))
    (found,) = sidecars.read("a/b/talk.m4a")

    assert found.fault
    assert found.content == b""


def test_a_link_in_the_place_of_a_folder_leads_nowhere(place, sidecars, tmp_path, make_files):
    """No file outside of the inbox is read, whatever the folders are exchanged for."""
    make_files(tmp_path, {"elsewhere/voxtrald.yaml": "language: lv"})
    (place / "inbox/c").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RecordingChanged):
        sidecars.read("c/talk.m4a")


# --- held -------------------------------------------------------------------------------------------------------


def test_a_fault_leaves_a_note_and_a_good_file_takes_it_away(place, sidecars, make_files):
    """The note says what is wrong, and disappears when the file is read without fault, or is gone."""
    make_files(place / "inbox", {"a/voxtrald.yaml": "languag: lv", "a/b/names.txt": b"\xff\xfe\xfd"})
    with pytest.raises(SidecarRefused) as caught:
        consult("a/b/talk.m4a", settings=settings_for("a/b/talk.m4a"), sidecars=sidecars)
    notes = {path.name: path.read_text("utf-8") for path in (place / "error").rglob("*.error.txt")}
    make_files(place / "inbox", {"a/voxtrald.yaml": "language: lv"})
    (place / "inbox/a/b/names.txt").unlink()
    laid = consult("a/b/talk.m4a", settings=settings_for("a/b/talk.m4a"), sidecars=sidecars)

    assert set(map(str, caught.value.files)) == {"a/voxtrald.yaml", "a/b/names.txt"}
    assert "a/voxtrald.yaml" in caught.value.message
    assert "did you mean `language`?" in notes["voxtrald.yaml.error.txt"]
    assert "a/b/talk.m4a" in notes["voxtrald.yaml.error.txt"]
    assert "save it as plain text" in notes["names.txt.error.txt"]
    assert list((place / "error").rglob("*.error.txt")) == []
    assert laid.settings.engine.language == "lv"


def test_where_they_do_not_count_nothing_is_read(place, sidecars, make_files):
    """Turned off, even a bad file changes nothing."""
    make_files(place / "inbox", {"voxtrald.yaml": "- nonsense"})
    off = Settings.model_validate({"sidecars": {"enabled": False}}).for_recording(PurePosixPath("a/b/talk.m4a"))

    assert consult("a/b/talk.m4a", settings=off, sidecars=sidecars).settings == off


def test_the_note_shows_what_can_be_written():
    """What the note gives as an example is itself a good file, with the engines that can be chosen here."""
    text = note_text(PurePosixPath("voxtrald.yaml"), (), recording="talk.m4a", choices=("here",))
    example = "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))
    trimmed = "\n".join(line.split("   ")[0] for line in example.splitlines())
    sidecar, problems = read_sidecar(trimmed.encode(), file="example")

    assert problems == ()
    assert (sidecar.language, sidecar.engine) == ("lv", "here")


# --- going along ------------------------------------------------------------------------------------------------


def leave(place, *, to):
    """Move the recording as publishing does."""
    target = place / to
    target.parent.mkdir(parents=True, exist_ok=True)
    (place / "inbox/a/b/talk.m4a").rename(target)


def test_its_own_files_follow_a_recording(place, sidecars, make_files):
    """They get the name that the recording has got; folders keep theirs."""
    names = ["a/b/talk.m4a.voxtrald.yaml", "a/b/talk.voxtrald.yaml", "a/b/voxtrald.yaml"]
    make_files(place / "inbox", dict.fromkeys(names, "language: lv"))
    leave(place, to="outbox/a/b/talk (2).m4a")
    sidecars.follow_to_outbox("a/b/talk.m4a", to="a/b/talk (2).m4a")

    assert sorted(path.name for path in (place / "inbox/a/b").iterdir()) == ["voxtrald.yaml"]
    assert sorted(path.name for path in (place / "outbox/a/b").iterdir()) == [
        "talk (2).m4a",
        "talk (2).m4a.voxtrald.yaml",
        "talk (2).voxtrald.yaml",
    ]


def test_a_file_for_another_recording_stays(place, sidecars, make_files):
    """What serves a second recording of the stem stays for it, and goes with the last of them."""
    make_files(place / "inbox", {"a/b/talk.voxtrald.yaml": "", "a/b/talk.wav": b"y", "a/b/talk.txt": "notes"})
    leave(place, to="outbox/a/b/talk.m4a")
    sidecars.follow_to_outbox("a/b/talk.m4a", to="a/b/talk.m4a")
    stayed = (place / "inbox/a/b/talk.voxtrald.yaml").exists()
    (place / "inbox/a/b/talk.wav").rename(place / "outbox/a/b/talk.wav")
    sidecars.follow_to_outbox("a/b/talk.wav", to="a/b/talk.wav")

    assert stayed
    assert (place / "outbox/a/b/talk.voxtrald.yaml").exists()


def test_a_new_recording_keeps_what_lies_beside_it(place, sidecars, make_files):
    """Where another recording has come under the name meanwhile, its file is not taken away."""
    make_files(place / "inbox", {"a/b/talk.m4a.voxtrald.yaml": "language: lv"})
    sidecars.follow_to_outbox("a/b/talk.m4a", to="a/b/talk.m4a")

    assert (place / "inbox/a/b/talk.m4a.voxtrald.yaml").exists()


def test_a_taken_name_is_not_taken_over(place, sidecars, make_files):
    """What lies in the outbox already stays as it is; the newcomer gets a number."""
    make_files(place, {"outbox/a/b/talk.m4a.voxtrald.yaml": "old", "inbox/a/b/talk.m4a.voxtrald.yaml": "new"})
    leave(place, to="outbox/a/b/talk.m4a")
    sidecars.follow_to_outbox("a/b/talk.m4a", to="a/b/talk.m4a")

    assert (place / "outbox/a/b/talk.m4a.voxtrald.yaml").read_text() == "old"
    assert (place / "outbox/a/b/talk.m4a (2).voxtrald.yaml").read_text() == "new"


def test_they_are_deleted_with_a_recording_that_is_deleted(place, sidecars, make_files):
    """Where originals are deleted, nothing is left for the next recording of the name."""
    make_files(place / "inbox", {"a/b/talk.m4a.voxtrald.yaml": "language: lv"})
    (place / "inbox/a/b/talk.m4a").unlink()
    sidecars.follow_to_outbox("a/b/talk.m4a", to=None)

    assert list((place / "inbox/a/b").iterdir()) == []


def test_they_go_to_the_error_folder_and_back(place, sidecars, make_files):
    """A failed recording's file goes with it, and comes back before it; not where another one has its name."""
    make_files(place / "inbox", {"a/b/talk.voxtrald.yaml": "language: lv"})
    leave(place, to="error/a/b/talk.m4a")
    sidecars.follow_to_error("a/b/talk.m4a", to="a/b/talk.m4a")
    went = (place / "error/a/b/talk.voxtrald.yaml").exists()
    make_files(place / "inbox", {"a/b/talk.m4a": b"another"})
    sidecars.give_back("a/b/talk.m4a", relative="a/b/talk.m4a")
    stayed = (place / "error/a/b/talk.voxtrald.yaml").exists()
    (place / "inbox/a/b/talk.m4a").unlink()
    sidecars.give_back("a/b/talk.m4a", relative="a/b/talk.m4a")

    assert (went, stayed) == (True, True)
    assert (place / "inbox/a/b/talk.voxtrald.yaml").exists()
