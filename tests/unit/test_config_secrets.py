"""Where the API key comes from."""

from __future__ import annotations

import pytest

from voxtrald.config import read_api_key
from voxtrald.config.secrets import key_warnings
from voxtrald.config.sections import EngineSettings
from voxtrald.errors import ConfigError


@pytest.fixture
def key_file(tmp_path):
    """Give a file with a key that only its owner can read."""
    path = tmp_path / "key"
    path.write_text("from-the-file\n", "utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def credentials(tmp_path):
    """Give a folder of systemd credentials with our key in it."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "api-key").write_text("from-systemd", "utf-8")
    return folder


def problem_of(engine, environ):
    """Read a key that cannot be had; give the one problem."""
    with pytest.raises(ConfigError) as caught:
        read_api_key(engine, environ)
    [problem] = caught.value.problems
    return problem


def test_the_sources_are_asked_in_order(key_file, credentials):
    """The systemd credential goes before the file, the file before the environment."""
    with_file, without_file = EngineSettings(api_key_file=key_file), EngineSettings()
    environ = {"MISTRAL_API_KEY": " from-the-environment\n"}
    under_systemd = environ | {"CREDENTIALS_DIRECTORY": str(credentials)}

    found = [
        read_api_key(with_file, under_systemd),
        read_api_key(with_file, environ),
        read_api_key(without_file, environ),
    ]

    assert [key.get_secret_value() for key in found] == [
        "from-systemd",
        "from-the-file",
        "from-the-environment",
    ]


def test_other_credentials_do_not_stand_in_the_way(tmp_path):
    """A service with credentials, none of them ours, goes on to the next source."""
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "MISTRAL_API_KEY": "abc"}

    assert read_api_key(EngineSettings(), environ).get_secret_value() == "abc"


def test_the_key_is_never_shown(key_file):
    """Printing the key prints stars."""
    key = read_api_key(EngineSettings(api_key_file=key_file), {})

    assert "from-the-file" not in f"{key} {key!r}"


def test_without_a_key_the_sources_are_explained():
    """No key at all is a problem that names the three sources."""
    problem = problem_of(EngineSettings(), {"MISTRAL_API_KEY": " "})

    assert problem.what == "no API key was found"
    assert all(source in problem.hint for source in ("systemd", "engine.api_key_file", "MISTRAL_API_KEY"))


def test_a_file_that_is_not_there_is_not_passed_over(tmp_path):
    """A named file that cannot be read is an error even where the environment has a key."""
    problem = problem_of(EngineSettings(api_key_file=tmp_path / "absent"), {"MISTRAL_API_KEY": "abc"})

    assert problem.what == "the API key cannot be read: no such file or directory"
    assert problem.file == str(tmp_path / "absent")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\n", "is empty, where the API key should stand"),
        (b"one\ntwo\n", "must hold the API key and nothing else, in one line"),
        (b"MISTRAL_API_KEY=s3cret", "must hold the API key alone, without a name before it"),
        (b"Bearer-s3cret", "must hold the API key alone, without a name before it"),
        (b"x" * 5000, "must hold the API key and nothing else, in one line"),
        (b"\xff\xfe\x00", "does not hold an API key: it is not text"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(key_file, content, what):
    """What cannot be a key is told without showing it."""
    key_file.write_bytes(content)

    problem = problem_of(EngineSettings(api_key_file=key_file), {})

    assert problem.what == what
    assert "s3cret" not in str(problem)


def test_a_file_that_all_can_read_is_worth_a_warning(key_file):
    """A key that strangers on this machine can read is warned of, one of the owner is not."""
    engine = EngineSettings(api_key_file=key_file)

    quiet = key_warnings(engine, {})
    key_file.chmod(0o644)
    [warning] = key_warnings(engine, {})

    assert quiet == ()
    assert f"chmod 600 {key_file}" in warning


@pytest.mark.parametrize(
    ("base_url", "is_warned"),
    [
        ("https://api.mistral.ai", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("http://[::1]:80", False),
        ("http://proxy.example", True),
        ("http://localhost.example", True),
        ("http://127.0.0.1.example", True),
    ],
)
def test_a_key_on_an_open_wire_is_worth_a_warning(base_url, is_warned):
    """Plain http to another machine sends the key unencrypted."""
    assert bool(key_warnings(EngineSettings(base_url=base_url), {})) is is_warned
