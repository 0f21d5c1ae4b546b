"""What `voxtrald check` finds, on real folders."""

from __future__ import annotations

import pytest

from voxtrald.config import AudioSettings, EngineSettings, FolderSettings, Settings
from voxtrald.errors import ApiDenied, ApiUnreachable, StoreError
from voxtrald.service.doctor import Grade, examine

KEY = {"MISTRAL_API_KEY": "0123456789abcdef"}


@pytest.fixture
def folders(tmp_path):
    """Folders that are not there yet."""
    return FolderSettings(**{name: tmp_path / name for name in ("inbox", "outbox", "error", "state")})


def findings(folders, *, environ=KEY, service=lambda: "fine", **sections):
    """Examine; give the grade and the finding of each subject."""
    found = list(examine(Settings(folders=folders, **sections), environ=environ, ask_service=service))
    return {each.subject: (each.grade, each) for each in found}


def raising(error):
    """Make a service that answers with an error."""

    def ask():
        raise error

    return ask


def test_where_all_is_well_everything_is_named_as_fine(folders):
    """Configuration, ffmpeg, folders, key and service are looked at, in this order, and the key is not shown."""
    found = findings(folders)

    assert list(found) == ["configuration", "ffmpeg", "folders", "key", "service"]
    assert {grade for grade, _ in found.values()} == {Grade.FINE}
    assert not any("0123456789abcdef" in each.what for _, each in found.values())


def test_without_a_key_the_service_is_not_asked(folders):
    """A missing key is broken, with where to put it."""
    found = findings(folders, environ={}, service=pytest.fail)

    assert found["key"][0] is Grade.BROKEN
    assert "MISTRAL_API_KEY" in found["key"][1].what
    assert "service" not in found


@pytest.mark.parametrize(
    ("error", "subject", "grade"),
    [
        (ApiDenied("the service does not offer the model", hint="choose another"), "service", Grade.BROKEN),
        (ApiUnreachable("no answer from api.mistral.ai: it refuses connections"), "service", Grade.WARNING),
        (StoreError("the ledger is damaged", hint="move it away"), "state", Grade.BROKEN),
    ],
)
def test_what_the_service_says_is_graded(folders, error, subject, grade):
    """A refusal is broken, an absence only a warning: the daemon would wait for it. Each says what to do."""
    found = findings(folders, service=raising(error))

    assert found[subject][0] is grade
    assert found[subject][1].what == error.message
    assert found[subject][1].hint


def test_a_folder_that_cannot_be_used_is_broken(folders):
    """A file in a folder's place is named."""
    folders.outbox.write_bytes(b"")

    grade, finding = findings(folders)["folders"]

    assert grade is Grade.BROKEN
    assert str(folders.outbox) in finding.what
    assert finding.hint


def test_an_ffmpeg_that_does_not_run_is_broken(folders, tmp_path):
    """A wrong path in the configuration is found before a recording needs it."""
    grade, finding = findings(folders, audio=AudioSettings(ffmpeg=tmp_path / "no-ffmpeg"))["ffmpeg"]

    assert grade is Grade.BROKEN
    assert "no-ffmpeg" in finding.what


def test_a_dubious_setting_is_a_warning(folders):
    """What is allowed and worth a second look comes first, and does not keep the rest from being looked at."""
    settings = Settings(folders=folders, engine=EngineSettings(base_url="http://api.example.org"))

    found = list(examine(settings, environ=KEY, ask_service=lambda: "fine"))

    assert (found[0].grade, found[0].subject) == (Grade.WARNING, "configuration")
    assert "unencrypted" in found[0].what
    assert found[-1].subject == "service"
