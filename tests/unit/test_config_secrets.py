"""Where the API key comes from."""

from __future__ import annotations

import pytest

from voxtrald.config import (
    EngineSettings,
    find_api_key,
    load_settings,
    require_api_key,
    setting_warnings,
)
from voxtrald.config.secrets import key_warnings, secret_paths
from voxtrald.errors import ConfigError


def read_api_key(engine, environ):
    """Read the key of an engine outside of rules."""
    return require_api_key(engine, environ, main=engine)


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
    """Plain http to another machine sends the key unencrypted; where there is no key, none travels."""
    engine = EngineSettings(base_url=base_url)

    assert bool(key_warnings(engine, {"MISTRAL_API_KEY": "abc"})) is is_warned
    assert key_warnings(engine, {}) == ()


# --- which key for which service ----------------------------------------------------------------------------

HERE, THERE = "http://127.0.0.1:8000", "https://asr.example"
EVERY_VARIABLE = {"MISTRAL_API_KEY": "for-mistral", "OPENAI_API_KEY": "for-openai", "LOCAL_API_KEY": "for-nobody"}


def found(engine, environ, *, main):
    """Find a key and show it, or None."""
    key = find_api_key(EngineSettings(**engine), environ, main=EngineSettings(**main))
    return key.get_secret_value() if key else None


@pytest.mark.parametrize(
    ("engine", "main", "key"),
    [
        ({}, {}, "for-mistral"),
        ({"base_url": HERE}, {"base_url": HERE}, "for-mistral"),
        ({"language": "lv", "model": "voxtral-mini-2602"}, {}, "for-mistral"),
        ({}, {"kind": "local"}, "for-mistral"),
        ({"base_url": THERE}, {}, None),
        ({"kind": "openai", "base_url": HERE}, {"kind": "openai", "base_url": HERE}, "for-openai"),
        ({"kind": "openai", "base_url": HERE}, {}, "for-openai"),
        ({"kind": "openai", "base_url": THERE}, {"kind": "openai", "base_url": HERE}, None),
        ({"kind": "local"}, {"kind": "local"}, None),
        ({"kind": "local"}, {}, None),
    ],
)
def test_a_variable_is_for_its_kind(engine, main, key):
    """Each kind has its variable, a local one none; of two addresses of a kind, the one outside of rules gets it."""
    assert found(engine, EVERY_VARIABLE, main=main) == key


@pytest.mark.parametrize(
    ("engine", "key"),
    [
        ({"language": "lv"}, "from-systemd"),
        ({"base_url": THERE}, None),
        ({"kind": "openai", "base_url": THERE}, None),
        ({"kind": "openai", "base_url": "https://api.mistral.ai"}, None),
        ({"kind": "local"}, None),
    ],
)
def test_the_credential_is_for_the_service_outside_of_rules(credentials, engine, key):
    """The key that systemd holds goes to no server that only a rule names."""
    assert found(engine, {"CREDENTIALS_DIRECTORY": str(credentials)}, main={}) == key


def test_a_rules_own_file_is_its_key(key_file, credentials):
    """A rule's engine with a file of its own uses that, whatever there is for the others."""
    engine = {"kind": "openai", "base_url": THERE, "api_key_file": key_file}

    assert found(engine, EVERY_VARIABLE | {"CREDENTIALS_DIRECTORY": str(credentials)}, main={}) == "from-the-file"


def test_a_broken_key_is_told_also_where_none_is_needed(key_file):
    """A file that was named and holds something else is not passed over."""
    key_file.write_text("", "utf-8")

    with pytest.raises(ConfigError, match="is empty"):
        found({"kind": "openai", "base_url": HERE, "api_key_file": key_file}, {}, main={})


def test_whoever_needs_a_key_for_another_service_is_told_where_to_put_it():
    """The hint does not lead to a source that is not read for that service."""
    with pytest.raises(ConfigError) as caught:
        require_api_key(EngineSettings(base_url=THERE), EVERY_VARIABLE, main=EngineSettings())

    [problem] = caught.value.problems
    assert "engine.api_key_file" in problem.hint
    assert "systemd" not in problem.hint


def test_every_engines_key_is_looked_at(tmp_path, key_file):
    """Warnings are about the engines of rules as well, each once."""
    key_file.chmod(0o644)
    path = tmp_path / "config.yaml"
    engine = f"{{kind: openai, base_url: 'http://asr.example', api_key_file: {key_file}}}"
    path.write_text(
        f"rules:\n- {{match: a, engine: {engine}}}\n- {{match: b, engine: {{language: lv}}}}\n"
        f"engine: {{api_key_file: {key_file}}}\n",
        "utf-8",
    )

    warnings = setting_warnings(load_settings(path, environ={}), environ={})

    assert len([warning for warning in warnings if "chmod" in warning]) == 1
    assert len([warning for warning in warnings if "asr.example" in warning]) == 1


def test_a_speaker_may_be_called_key():
    """The name of a voice is no secret, whatever it is."""
    engine = {"speaker_references": {"Key": "key.mp3"}, "token": "x"}

    assert list(secret_paths({"engine": engine})) == [("engine", "token")]
