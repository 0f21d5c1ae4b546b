"""What the tests of the store room share: a claimed recording, folders, and a crash at a named step."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voxtrald import steps
from voxtrald.clock import Clock
from voxtrald.steps import Step
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job
from voxtrald.store.ledger import Ledger

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here, as far as the code under test can tell."""


@contextmanager
def crash_at(place: int | None) -> Iterator[list[Step]]:
    """Crash at the announcement with this number, counted from 0; give the steps that were announced."""
    seen: list[Step] = []

    def note(step: Step) -> None:
        seen.append(step)
        if len(seen) - 1 == place:
            raise Crash

    steps.listen(note)
    try:
        yield seen
    finally:
        steps._listeners.remove(note)


class Ticking:
    """A wall clock that goes on a second whenever it is read; `at` can be set."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        """Read the time."""
        self.at += timedelta(seconds=1)
        return self.at


def ticking_clock() -> Clock:
    """Make a clock that only tests move."""
    return Clock(monotonic_s=lambda: 0.0, now=Ticking())


def make_folders(root: Path) -> Folders:
    """Make the four folders below `root`."""
    folders = Folders(inbox=root / "inbox", outbox=root / "outbox", error=root / "error", state=root / "state")
    folders.ensure()
    return folders


def claim_file(ledger: Ledger, root: Path, relative: str, content: bytes | None = None) -> Job:
    """Claim a file of the inbox, after writing it where content is given."""
    path = root / "inbox" / relative
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = path.lstat()
    return ledger.claim(relative, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)


@contextmanager
def small_disk(place: Path, *, size_kb: int) -> Iterator[Path]:
    """Mount a small file system at `place`, or skip the test loudly where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system: a really full disk stays untested")
    place.mkdir(parents=True, exist_ok=True)
    options = f"size={size_kb}k"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here: a really full disk stays untested")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def read_tree(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
