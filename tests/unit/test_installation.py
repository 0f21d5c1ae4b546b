"""What makes a systemd service, as a value."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
import yaml

from voxtrald.config import load_settings
from voxtrald.errors import ConfigError
from voxtrald.service.systemd.installation import Installation, hidden_from_service

UNITS = Path(__file__).resolve().parents[2] / "systemd"
ROOT_HOME = "/root"
SHIPPED = {path.name: path.read_text() for path in UNITS.iterdir()}


def files(**changes):
    """Give an installation's files by path."""
    installation = Installation(**{"command": "/opt/voxtrald/bin/voxtrald", **changes})
    return {str(file.path): file.text for file in installation.files(SHIPPED)}


def test_one_service_has_four_files():
    """A service consists of a configuration, a unit, a user and folders; the shipped unit is taken as it is."""
    made = files()

    assert list(made) == [
        "/etc/voxtrald/config.yaml",
        "/etc/systemd/system/voxtrald.service",
        "/etc/sysusers.d/voxtrald.conf",
        "/etc/tmpfiles.d/voxtrald.conf",
    ]
    assert made["/etc/systemd/system/voxtrald.service"] == SHIPPED["voxtrald.service"]


def test_the_configuration_names_absolute_folders(tmp_path):
    """The written configuration is valid, and its folders are those that the unit lets the service write to."""
    path = tmp_path / "config.yaml"
    path.write_text(files()["/etc/voxtrald/config.yaml"])
    folders = load_settings(path, environ={}).folders

    assert [str(folders.inbox), str(folders.outbox), str(folders.error)] == [
        f"/srv/voxtrald/{name}" for name in ("inbox", "outbox", "error")
    ]
    assert str(folders.state) == "/var/lib/voxtrald"


def test_an_instance_has_names_of_its_own():
    """Every path of an instance is its own, but for the user that all share."""
    made = files(instance="lv")

    assert list(made) == [
        "/etc/voxtrald/lv.yaml",
        "/etc/systemd/system/voxtrald@.service",
        "/etc/sysusers.d/voxtrald.conf",
        "/etc/tmpfiles.d/voxtrald-lv.conf",
    ]
    assert yaml.safe_load(made["/etc/voxtrald/lv.yaml"])["folders"] == {
        "inbox": "/srv/voxtrald-lv/inbox",
        "outbox": "/srv/voxtrald-lv/outbox",
        "error": "/srv/voxtrald-lv/error",
        "state": "/var/lib/voxtrald-lv",
    }
    assert "/srv/voxtrald-lv/inbox " in made["/etc/tmpfiles.d/voxtrald-lv.conf"]
    assert "/srv/voxtrald/" not in made["/etc/tmpfiles.d/voxtrald-lv.conf"]
    assert ":voxtrald :voxtrald-drop" in made["/etc/tmpfiles.d/voxtrald-lv.conf"]


def test_the_unit_starts_the_installed_command():
    """Wherever the command is, the unit names it, and nothing else."""
    unit = files(command="/usr/local/bin/voxtrald")["/etc/systemd/system/voxtrald.service"]

    assert "ExecStart=/usr/local/bin/voxtrald run --config /etc/voxtrald/config.yaml\n" in unit
    assert "/opt/" not in unit


def test_a_local_engine_brings_its_drop_in():
    """The drop-in of a local engine is installed where it is asked for."""
    assert "/etc/systemd/system/voxtrald.service.d/local-engine.conf" in files(has_local_engine=True)


@pytest.mark.parametrize("name", ["config", "../x", "a b", "-x", "Ä", "x" * 40])
def test_a_name_that_would_mislead_is_refused(name):
    """An instance's name is a plain word, and not that of the only service's configuration."""
    with pytest.raises(ConfigError, match="no name for an instance"):
        Installation(command="/usr/bin/voxtrald", instance=name)


@pytest.mark.parametrize("command", ["voxtrald", "/opt/my tools/voxtrald", "/opt/%i/voxtrald", ""])
def test_a_command_that_systemd_would_misread_is_refused(command):
    """A command is an absolute path without blanks and specifiers."""
    with pytest.raises(ConfigError, match="absolute path"):
        Installation(command=command)


@pytest.mark.parametrize(
    ("paths", "hidden"),
    [
        (("/opt/voxtrald/bin/voxtrald", "/usr/bin/python3.11"), None),
        (("/opt/voxtrald/bin/voxtrald", "/home/alice/.pyenv/bin/python3"), "/home/alice/.pyenv/bin/python3"),
        ((f"{ROOT_HOME}/bin/voxtrald",), f"{ROOT_HOME}/bin/voxtrald"),
        (("/homework/bin/voxtrald",), None),
    ],
)
def test_a_program_in_a_home_folder_is_found_out(paths, hidden):
    """What the unit hides from the service is named before it is installed."""
    assert hidden_from_service(paths) == hidden


def test_what_is_hidden_is_what_the_unit_hides():
    """The list of hidden folders is that of ProtectHome= and PrivateTmp=, which the unit uses."""
    assert "ProtectHome=yes" in SHIPPED["voxtrald.service"]
    assert "PrivateTmp=yes" in SHIPPED["voxtrald.service"]
    assert hidden_from_service([str(PurePosixPath("/run/user/1000/x"))])
