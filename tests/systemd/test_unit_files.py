"""The unit files as systemd's own tools see them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from voxtrald.cli.app import EXIT_USAGE
from voxtrald.config import load_settings
from voxtrald.errors import ConfigError

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = ("voxtrald.service", "voxtrald@.service")
MOST_EXPOSURE = 1.2
COMMAND = "/opt/voxtrald/bin/voxtrald"

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, of Debian's package systemd: make lab"
)


def analyze(*arguments):
    """Run systemd-analyze; no systemd needs to run for that."""
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def read_settings(text):
    """Read a unit's settings without its comments."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(params=SERVICES)
def unit(request, tmp_path):
    """Give a unit file whose command exists here."""
    path = tmp_path / request.param
    path.write_text((UNITS / request.param).read_text().replace(COMMAND, "/bin/true"))
    return path


@needs_analyze
def test_the_exposure_is_low(unit):
    """`systemd-analyze security` gives at most 1.2, of 10 for a service without any protection."""
    told = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSURE * 10:g}", unit)

    assert told.returncode == 0, told.stdout
    assert "Overall exposure level" in told.stdout


@needs_analyze
def test_the_local_engine_does_not_open_the_door(unit):
    """The drop-in for a local engine keeps the exposure below the same mark."""
    dropin = unit.with_name(f"{unit.name}.d") / "local-engine.conf"
    dropin.parent.mkdir()
    shutil.copyfile(UNITS / "local-engine.conf", dropin)
    merged = unit.with_name("merged.service")
    merged.write_text(unit.read_text().replace("[Install]", f"{dropin.read_text()}\n[Install]").replace("%i", "x"))
    told = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSURE * 10:g}", merged)

    assert told.returncode == 0, told.stdout


@needs_analyze
def test_the_units_are_clean(unit):
    """`systemd-analyze verify` finds nothing to complain of."""
    told = analyze("verify", "--man=no", unit)

    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@needs_analyze
def test_the_threshold_can_be_missed(unit):
    """A unit that lacks its sandbox fails the same test."""
    bare = "\n".join(line for line in read_settings(unit.read_text()) if not line.startswith(("Protect", "Private")))
    unit.write_text(bare)

    assert analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSURE * 10:g}", unit).returncode != 0


def test_an_instance_is_the_same_but_for_its_name():
    """The two units differ where the name of the instance stands, and nowhere else."""
    single, template = (read_settings((UNITS / name).read_text()) for name in SERVICES)
    changed = [(one, other) for one, other in zip(single, template, strict=True) if one != other]

    assert all("%i" in other for _, other in changed)
    assert {one.partition("=")[0] for one, _ in changed} == {
        "Description",
        "ExecStart",
        "LoadCredential",
        "ReadWritePaths",
        "StateDirectory",
    }


def test_the_stop_time_covers_the_grace():
    """The stop time-out is longer than the program's own default grace."""
    settings = load_settings(None, environ={})
    line = next(line for line in read_settings((UNITS / SERVICES[0]).read_text()) if line.startswith("TimeoutStopSec="))

    assert int(line.partition("=")[2]) > settings.stop_grace_s


def test_exit_codes_that_do_not_mend_themselves_prevent_a_restart():
    """The codes of a wrong command line and a wrong configuration are those that the unit names."""
    lines = read_settings((UNITS / SERVICES[0]).read_text())

    assert f"RestartPreventExitStatus={EXIT_USAGE} {ConfigError.exit_code}" in lines
