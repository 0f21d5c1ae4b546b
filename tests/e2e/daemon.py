"""The installed command on folders of its own: what the end-to-end tests start, feed and look at.

    def test_x(place, recordings):                    # fixtures of tests/e2e/conftest.py
        daemon = place.start({"chunks": {...}})       # writes config.yaml, waits for "daemon_started"
        place.drop(recordings.make("mp3-cbr").path, "sub/talk.mp3")
        place.wait_for("sub/talk.txt")                # in the outbox, with the original beside it
        place.words("sub/talk")                       # the transcript's words
        daemon.events("recording_done")               # the JSON log, parsed
        assert daemon.stop() == 0
        place.run("status")                           # any command, to its end

`place` has a stand-in for the API of its own, `place.standin`; whatever was started is killed when the test ends, and
the tail of its log is shown where the test failed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.standin.server import Standin

# Read at import: the test suite scrubs the environment before each test.
COMMAND = Path(os.environ.get("VOXTRALD_COMMAND", Path(sys.executable).parent / "voxtrald"))

KEY = "test-key"
QUICK: Mapping[str, Mapping[str, Any]] = {
    "watch": {"settle_s": 0.2, "rescan_s": 5},
    "retry": {"first_wait_s": 0.05, "max_wait_s": 0.4},
    "logging": {"level": "info", "format": "json"},
}
"""Settings under every test's own, so that waits are short."""

SMALL_CHUNKS: Mapping[str, Any] = {"max_minutes": 0.2, "first_minutes": 0.1, "search_s": 3, "overlap_s": 2}
"""A first chunk of at most 6 seconds, then of at most 12."""

_POLL_S = 0.01
_PATIENCE_S = 30.0
_TAIL_LINES = 60


def wait_for(look: Callable[[], Any], *, what: str, timeout_s: float = _PATIENCE_S) -> Any:
    """Poll until `look` gives something true, and give that; fail the test with `what` where it never does."""
    until_s = time.monotonic() + timeout_s
    while not (seen := look()):
        if time.monotonic() >= until_s:
            pytest.fail(f"{what} did not come true within {timeout_s:g} s; last seen: {seen!r}")
        time.sleep(_POLL_S)
    return seen


@cache
def has_recogniser() -> bool:
    """Whether faster-whisper is installed where the command is."""
    asked = [COMMAND.parent / "python", "-c", "import importlib.util as i; assert i.find_spec('faster_whisper')"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@dataclass(slots=True, kw_only=True)
class Running:
    """One started process of the command, its log going to a file."""

    process: subprocess.Popen[bytes]
    log: Path
    told: str = ""

    def lines(self) -> list[str]:
        """Give the whole lines of the log so far."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return text[: text.rfind("\n") + 1].splitlines()

    def events(self, name: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Give the log's events, all or those of one name, with these fields."""
        events = [json.loads(line) for line in self.lines() if line.startswith("{")]
        wanted = {} if name is None else {"event": name}
        return [event for event in events if (wanted | fields).items() <= event.items()]

    def wait_event(
        self, name: str, *, count: int = 1, timeout_s: float = _PATIENCE_S, **fields: Any
    ) -> list[dict[str, Any]]:
        """Wait until an event stands in the log so often; fail at once where the process ends before."""

        def look() -> list[dict[str, Any]]:
            has_ended = self.process.poll() is not None
            found = self.events(name, **fields)
            if len(found) < count and has_ended:
                pytest.fail(f"ended with {self.process.returncode} before {name}:\n{self.tail()}")
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = wait_for(look, what=f"{name} x{count} {fields or ''}", timeout_s=timeout_s)
        return found

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, *, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for the end and give the exit code; negative for a signal."""
        return self.process.wait(timeout=timeout_s)

    def stop(self, *, timeout_s: float = _PATIENCE_S) -> int:
        """Send SIGTERM, wait for the end, give the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait(timeout_s=timeout_s)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """Give the last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])


@dataclass(slots=True, kw_only=True)
class Place:
    """A folder with a configuration, the four folders of the program, and the service it talks to.

    Attributes:
        overrides: environment of the command beside what it needs; `None` takes a variable away.
    """

    root: Path
    standin: Standin
    overrides: dict[str, str | None] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "config.yaml"

    @property
    def inbox(self) -> Path:
        """Where recordings are dropped."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Where transcripts appear."""
        return self.root / "outbox"

    @property
    def error(self) -> Path:
        """Where failed recordings go."""
        return self.root / "error"

    @property
    def state(self) -> Path:
        """The program's memory."""
        return self.root / "state"

    # --- the command -----------------------------------------------------------------------------------------

    def configure(self, config: Mapping[str, Any] | None = None) -> None:
        """Write the configuration: the given one over quick waits, speaking to the stand-in."""
        base = {**QUICK, "engine": {"base_url": self.standin.url}}
        self.config.write_text(yaml.safe_dump(_laid_over(base, config or {})), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """Make the environment the command runs in."""
        wanted: dict[str, str | None] = {**os.environ, "MISTRAL_API_KEY": KEY, **self.overrides}
        return {name: value for name, value in wanted.items() if value is not None}

    def start(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        command: Sequence[str | Path] = (COMMAND,),
        wait: bool = True,
    ) -> Running:
        """Start the daemon, with a new configuration where one is given or none was written.

        Args:
            config: see `configure`.
            command: what to run in place of the installed command; `run --config FILE` follows.
            wait: until the daemon says that it watches.
        """
        if config is not None or not self.config.exists():
            self.configure(config)
        running = self.begin("run", command=command)
        if wait:
            running.wait_event("daemon_started")
        return running

    def begin(self, *arguments: str | Path, command: Sequence[str | Path] = (COMMAND,)) -> Running:
        """Start any command with `--config` and leave it running; its standard error is the log."""
        log = self.root / f"log-{len(self.started)}.txt"
        with log.open("wb") as target:
            process = subprocess.Popen(
                self._line(command, arguments),
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=target,
            )
        running = Running(process=process, log=log)
        self.started.append(running)
        return running

    def run(self, *arguments: str | Path, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run any command with `--config` to its end."""
        return subprocess.run(
            self._line((COMMAND,), arguments),
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def status(self) -> dict[str, Any]:
        """Read what `status` knows."""
        ran = self.run("status", "--json")
        assert ran.returncode == 0, ran.stderr
        status: dict[str, Any] = json.loads(ran.stdout)
        return status

    def _line(self, command: Sequence[str | Path], arguments: Sequence[str | Path]) -> list[str]:
        name, *rest = map(str, arguments)
        return [*map(str, command), name, "--config", str(self.config), *rest]

    # --- the folders -----------------------------------------------------------------------------------------

    def drop(self, source: Path, name: str | None = None) -> Path:
        """Move a copy of `source` into the inbox in one step; give its path there."""
        target = self.inbox / (name or source.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = self.root / "aside" / target.name
        aside.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, aside)
        aside.rename(target)
        return target

    def wait_for(self, *names: str, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until the files stand in the outbox; fail at once where something lands in the error folder."""
        self._wait_in(self.outbox, names, trouble=self.error, timeout_s=timeout_s)

    def wait_for_error(self, *names: str, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until the files stand in the error folder."""
        self._wait_in(self.error, names, trouble=None, timeout_s=timeout_s)

    def _wait_in(self, folder: Path, names: Sequence[str], *, trouble: Path | None, timeout_s: float) -> None:
        def look() -> bool:
            reports = sorted(trouble.rglob("*.error.txt")) if trouble else []
            if reports:
                pytest.fail("quarantined:\n" + "\n".join(report.read_text() for report in reports))
            if all((folder / name).exists() for name in names):
                return True
            if self.started and all(running.process.poll() is not None for running in self.started):
                pytest.fail(f"nothing runs any more, and not all of {names} are in {folder}: {files_in(folder)}")
            return False

        wait_for(look, what=f"{', '.join(names)} in {folder.name} (there: {files_in(folder)})", timeout_s=timeout_s)

    def wait_for_source(self, *names: str, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until originals stand in the outbox, whatever else lies in the error folder."""
        self._wait_in(self.outbox, names, trouble=None, timeout_s=timeout_s)

    def finish(self, *names: str, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until recordings are done: the originals, which follow last, stand in the outbox."""
        self.wait_for(*names, timeout_s=timeout_s)

    def words(self, stem: str) -> list[str]:
        """Read the words of a transcript."""
        return (self.outbox / f"{stem}.txt").read_text(encoding="utf-8").split()

    def result(self, stem: str) -> dict[str, Any]:
        """Read a JSON result."""
        result: dict[str, Any] = json.loads((self.outbox / f"{stem}.json").read_text(encoding="utf-8"))
        return result

    def assert_clean(self) -> None:
        """Assert that nothing waits, nothing failed, nothing is half done and nothing is left at the service."""
        assert files_in(self.inbox) == []
        assert files_in(self.error) == []
        assert [name for name in files_in(self.outbox) if is_hidden(name)] == []
        wait_for(lambda: not self.standin.files, what="the deletion of every remote copy", timeout_s=5)
        assert self.standin.violations == []

    def close(self) -> None:
        """Kill what still runs and show how each log ended (pytest prints it where the test failed)."""
        for running in self.started:
            running.kill()
            print(f"--- {running.log.name}, exit {running.process.returncode}\n{running.tail()}")


def files_in(folder: Path) -> list[str]:
    """List every file and link below a folder, hidden ones too, by relative path."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return []


def is_hidden(name: str) -> bool:
    """Whether a relative path has a part that begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


@contextlib.contextmanager
def opened(root: Path, standin: Standin) -> Iterator[Place]:
    """Give a place, and leave nothing running behind."""
    place = Place(root=root, standin=standin)
    try:
        yield place
    finally:
        standin.script.clear()
        place.close()


def _laid_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(base)
    for name, value in top.items():
        below = laid.get(name)
        is_section = isinstance(value, Mapping) and isinstance(below, Mapping)
        laid[name] = _laid_over(below, value) if is_section else _plain(value)
    return {name: _plain(value) for name, value in laid.items()}


def _plain(value: Any) -> Any:
    """Turn mappings and paths into what YAML can write safely."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
