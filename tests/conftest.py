"""The fixtures that tests share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import imageio_ffmpeg
import pytest

from tests.ffmpegs import close_ffmpegs
from tests.standin.server import Standin

_POLL_S = 0.01

# A busy machine is no failure, so nothing has a deadline; a build must not fail by the luck of a draw.
hypothesis.settings.register_profile("here", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("here"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

MakeFiles = Callable[[Path, Mapping[str, bytes | str]], None]
ReadFiles = Callable[[Path], dict[str, bytes]]
WaitUntil = Callable[..., object]


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key and settings away from every test."""
    for name in list(os.environ):
        if name.startswith("VOXTRALD_") or name in {
            "MISTRAL_API_KEY",
            "CREDENTIALS_DIRECTORY",
            "NOTIFY_SOCKET",
        }:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _ended_wardens() -> Iterator[None]:
    """Leave no warden to the next test."""
    yield
    close_ffmpegs()


@pytest.fixture
def standin() -> Iterator[Standin]:
    """Run a stand-in for the API; the test fails if its client broke the contract or the stand-in failed."""
    with Standin() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def make_files() -> MakeFiles:
    """Give a function that writes a tree of files from their contents by relative path."""

    def make(root: Path, contents: Mapping[str, bytes | str]) -> None:
        for name, content in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


@pytest.fixture
def read_files() -> ReadFiles:
    """Give a function that reads a tree of files into their contents by relative path."""

    def read(root: Path) -> dict[str, bytes]:
        paths = (path for path in sorted(root.rglob("*")) if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}

    return read


@pytest.fixture
def wait_until() -> WaitUntil:
    """Give a function that polls until a predicate is true, and says what it last saw when it never is."""

    def wait(predicate: Callable[[], object], *, timeout_s: float = 10.0, what: str = "the condition") -> object:
        until_s = time.monotonic() + timeout_s
        while not (seen := predicate()):
            if time.monotonic() >= until_s:
                pytest.fail(f"{what} did not come true within {timeout_s} s; last seen: {seen!r}")
            time.sleep(_POLL_S)  # the one place where tests wait for the world outside
        return seen

    return wait


@pytest.fixture(scope="session")
def ffmpeg_exe() -> Path:
    """Point at the static ffmpeg."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())
