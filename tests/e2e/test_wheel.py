"""What is installed with the command under test: in `make wheel` a real wheel, otherwise the tree itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxtrald import __version__

ROOT = Path(__file__).resolve().parent.parent.parent

# Read at import: the test suite scrubs the environment before each test.
COMMAND = Path(os.environ.get("VOXTRALD_COMMAND", Path(sys.executable).parent / "voxtrald"))

ASK = """
import importlib.metadata, json, pathlib, voxtrald
package = pathlib.Path(voxtrald.__file__).parent
distribution = importlib.metadata.distribution("voxtrald")
print(json.dumps({
    "files": [path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()],
    "version": distribution.version,
    "licence": distribution.metadata["License-Expression"],
    "commands": [entry.name for entry in distribution.entry_points],
    "tops": sorted({path.parts[0] for path in distribution.files if path.suffix == ".py"}),
}))
"""


@pytest.fixture
def installed(tmp_path):
    """Ask the interpreter that the command uses, from a folder where the tree is out of sight."""
    asked = [COMMAND.parent / "python", "-I", "-c", ASK]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(told.stdout)


def test_every_file_of_the_package_is_installed(installed):
    """Nothing of the package was left out of the wheel: no module, no schema, no example, no type marker."""
    package = ROOT / "voxtrald"
    wanted = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    compiled = {name for name in wanted if name.endswith(".pyc")}

    assert wanted - compiled - set(installed["files"]) == set()


def test_nothing_but_the_package_is_installed(installed):
    """The wheel brings no tests and no benchmarks into other people's environments."""
    assert set(installed["tops"]) <= {"voxtrald"}


def test_the_metadata_says_what_the_program_says(installed):
    """Version, licence and command of the installation are those of the source."""
    assert installed["version"] == __version__
    assert installed["licence"] == "Apache-2.0"
    assert installed["commands"] == ["voxtrald"]
    assert os.access(COMMAND, os.X_OK)
