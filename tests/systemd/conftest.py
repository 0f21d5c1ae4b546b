"""The fixtures of the tests that need a real systemd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Recordings
from tests.standin.server import Standin
from tests.systemd.lab import Lab, booted, why_not
from tests.systemd.service import Service

# Read at import: the test suite scrubs the environment before each test.
COMMAND = Path(os.environ.get("VOXTRALD_COMMAND", Path(sys.executable).parent / "voxtrald"))

UNITS = Path(__file__).resolve().parents[2] / "systemd"
# An interpreter that was built as a shared library looks for it where it was installed, which the service cannot see.
START = """\
#!/bin/sh
LD_LIBRARY_PATH=/opt/python/lib exec /opt/voxtrald/bin/python -m voxtrald "$@"
"""
ASK = """
import json, pathlib, sys, sysconfig, voxtrald
print(json.dumps({
    "base": sys.base_prefix,
    "python": pathlib.Path(sys._base_executable).resolve().name,
    "packages": sysconfig.get_path("purelib"),
    "voxtrald": str(pathlib.Path(voxtrald.__file__).parent),
}))
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Give the trees that put the tested program, its interpreter and its libraries below the lab's /opt.

    Wherever they are on this machine, perhaps below a home folder, which services do not see.
    """
    root = tmp_path_factory.mktemp("installed")
    asking = [COMMAND.parent / "python", "-c", ASK]
    asked = subprocess.run(asking, cwd=root, check=True, capture_output=True, text=True)
    found = json.loads(asked.stdout)
    root.chmod(0o755)
    packages = root / Path(found["packages"]).relative_to(COMMAND.parent.parent)
    shutil.copytree(found["voxtrald"], packages / "voxtrald")
    if not (packages / "voxtrald/service/systemd/units").exists():  # as the wheel does it
        shutil.copytree(UNITS, packages / "voxtrald/service/systemd/units")
    (packages / "libraries.pth").write_text("/opt/libraries\n")
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(f"/opt/python/bin/{found['python']}")
    (root / "bin/voxtrald").write_text(START)
    (root / "bin/voxtrald").chmod(0o755)
    (root / "pyvenv.cfg").write_text("home = /opt/python/bin\n")
    return (f"{root}:/opt/voxtrald", f"{found['base']}:/opt/python", f"{found['packages']}:/opt/libraries")


@pytest.fixture
def lab(tmp_path: Path, installed: tuple[str, ...]) -> Iterator[Lab]:
    """Boot a systemd of its own for the test."""
    if reason := why_not():
        pytest.skip(reason)
    with booted(tmp_path / "lab", trees=installed) as running:
        yield running


@pytest.fixture
def service(lab: Lab) -> Iterator[Service]:
    """Install the service as `voxtrald init --systemd` does, with a key and a stand-in for the API on its loopback."""
    with lab.inside(Standin) as standin:
        service = Service(lab=lab, standin=standin)
        service.install()
        yield service
        print(service.lab.run("journalctl", "--no-pager", "--output=cat", "--unit=voxtrald*", check=False).stdout)
    assert standin.violations == []


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Make recordings in which every word is known."""
    return Recordings(tmp_path_factory.mktemp("recordings"))
