"""Put an installation's files where they belong; never over one that is there."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from voxtrald.errors import DependencyError
from voxtrald.service.systemd.installation import NewFile
from voxtrald.storage import storage_errors

IN_PACKAGE = Path(__file__).parent / "units"
IN_CLONE = Path(__file__).parents[3] / "systemd"

_COMMAND_S = 60.0


class Presence(StrEnum):
    """What is where a file should go."""

    MISSING = "new"
    SAME = "is there"
    DIFFERENT = "is there and differs"


def read_shipped() -> dict[str, str]:
    """Read the shipped unit files by name: from the wheel, or from the clone an editable installation points to."""
    folder = IN_PACKAGE if IN_PACKAGE.is_dir() else IN_CLONE
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.is_file()}


def presence_of(file: NewFile, *, root: Path) -> Presence:
    """Look whether a file is there already.

    Raises:
        StorageUnavailable: it cannot be looked at.
    """
    path = placed(file, root=root)
    with storage_errors(path):
        try:
            return Presence.SAME if path.read_text("utf-8", errors="replace") == file.text else Presence.DIFFERENT
        except FileNotFoundError:
            return Presence.MISSING


def write_missing(files: Sequence[NewFile], *, root: Path) -> tuple[Path, ...]:
    """Write those files that are not there; give their paths.

    Raises:
        StorageUnavailable: one cannot be written; those before it were.
    """
    written = []
    for file in files:
        path = placed(file, root=root)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("x", encoding="utf-8") as target:
                    target.write(file.text)
            except FileExistsError:
                continue
            path.chmod(0o644)  # whatever the administrator's umask: the service has to read it
        written.append(path)
    return tuple(written)


def run_command(command: Sequence[str]) -> None:
    """Run one of the installation's commands.

    Raises:
        DependencyError: it is not there, or did not succeed.
    """
    line = " ".join(command)
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_COMMAND_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DependencyError(f"cannot run {line}", hint="is systemd installed, and does it run?") from error
    if done.returncode != 0:
        raise DependencyError(f"{line} ended with {done.returncode}", hint=done.stderr.strip())


def placed(file: NewFile, *, root: Path) -> Path:
    """Give the path of a file below `root`."""
    return root / file.path.relative_to("/")
