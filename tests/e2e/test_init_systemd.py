"""`voxtrald init --systemd` into a staging tree, by the installed command."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.daemon import COMMAND, files_in

WRITTEN = [
    "etc/systemd/system/voxtrald.service",
    "etc/sysusers.d/voxtrald.conf",
    "etc/tmpfiles.d/voxtrald.conf",
    "etc/voxtrald/config.yaml",
]


@pytest.fixture
def init(tmp_path):
    """Give a function that runs the command on a staging tree."""

    def run(*options, typed=""):
        line = [COMMAND, "init", "--systemd", "--root", tmp_path / "root", *options]
        command = ("--command", "/opt/voxtrald/bin/voxtrald")
        return subprocess.run(
            [*line, *command], check=False, capture_output=True, text=True, timeout=60, input=typed, cwd=tmp_path
        )

    return run


def test_the_installed_command_brings_its_units(init, tmp_path):
    """Every file is written, from the wheel alone, and what is left to do is said."""
    done = init("--yes")

    assert done.returncode == 0, done.stderr
    assert files_in(tmp_path / "root") == WRITTEN
    assert "systemd-tmpfiles --create /etc/tmpfiles.d/voxtrald.conf" in done.stdout
    assert "systemctl enable --now voxtrald" in done.stdout


def test_the_plan_is_shown_and_can_be_declined(init, tmp_path):
    """Before anything is written every file and folder is named, and a no leaves everything as it was."""
    done = init(typed="n\n")

    assert done.returncode == 1
    assert all(f"/{name}" in done.stdout for name in WRITTEN)
    assert "/srv/voxtrald/inbox" in done.stdout
    assert files_in(tmp_path / "root") == []


def test_what_is_there_stays(init, tmp_path):
    """A file that somebody changed is left as it is, and named; the others are written."""
    config = tmp_path / "root/etc/voxtrald/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("mine: true\n")
    done = init("--yes")

    assert done.returncode == 0, done.stderr
    assert config.read_text() == "mine: true\n"
    assert "is there and differs" in done.stdout
    assert "Wrote 3 of 4 files." in done.stdout
    assert files_in(tmp_path / "root") == WRITTEN


def test_an_instance_and_a_local_engine_have_their_files(init, tmp_path):
    """An instance gets the template unit, and a local engine its drop-in."""
    init("--yes", "--instance", "lv", "--local-engine")

    assert files_in(tmp_path / "root") == [
        "etc/systemd/system/voxtrald@.service",
        "etc/systemd/system/voxtrald@.service.d/local-engine.conf",
        "etc/sysusers.d/voxtrald.conf",
        "etc/tmpfiles.d/voxtrald-lv.conf",
        "etc/voxtrald/lv.yaml",
    ]


def test_a_bad_name_is_refused(init, tmp_path):
    """A name that is none ends with the exit code of a bad configuration, and nothing is written."""
    done = init("--yes", "--instance", "../etc")

    assert done.returncode == 78
    assert "no name for an instance" in done.stderr
    assert files_in(tmp_path / "root") == []
