"""The installed daemon under measurement, and what is dropped into its inbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.far_side import KEY

COMMAND: Final = Path(os.environ.get("VOXTRALD_COMMAND", Path(sys.executable).parent / "voxtrald"))
_POLL_S: Final = 0.005
_STOP_S: Final = 30


class BenchmarkFailed(Exception):
    """The program did not do what was to be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running daemon with folders of its own."""

    root: Path
    process: subprocess.Popen[bytes]

    @property
    def inbox(self) -> Path:
        """Where recordings are dropped."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Where results appear."""
        return self.root / "outbox"

    def stage(self, recording: Path) -> Path:
        """Copy a recording beside the inbox, on the same file system, so that a rename can drop it."""
        staged = self.root / "staging" / recording.name
        staged.parent.mkdir(exist_ok=True)
        shutil.copyfile(recording, staged)
        return staged

    def drop(self, staged: Path) -> float:
        """Rename a staged recording into the inbox; give the moment before."""
        at_s = time.monotonic()
        staged.rename(self.inbox / staged.name)
        return at_s

    def is_done(self, recording: Path) -> bool:
        """Whether the recording has followed its transcripts, which is the last thing that happens."""
        return (self.outbox / recording.name).exists()

    def text_of(self, recording: Path) -> list[str]:
        """Read the words of a transcript."""
        return (self.outbox / f"{recording.stem}.txt").read_text(encoding="utf-8").split()

    def wait_for(self, condition: Callable[[], bool], *, timeout_s: float, poll_s: float = _POLL_S) -> float:
        """Wait until something is so, looking every so often; give the moment.

        Raises:
            BenchmarkFailed: it was not in time, the daemon ended, or a recording was set aside.
        """
        until_s = time.monotonic() + timeout_s
        while not condition():
            failed = [path.name for path in (self.root / "error").rglob("*") if path.is_file()]
            if failed or self.process.poll() is not None or time.monotonic() > until_s:
                raise BenchmarkFailed(f"set aside: {failed}, exit code: {self.process.poll()}; {self._last_lines()}")
            time.sleep(poll_s)
        return time.monotonic()

    def _last_lines(self) -> str:
        return "\n".join((self.root / "log").read_text(encoding="utf-8").splitlines()[-10:])


@contextmanager
def running(root: Path, *, base_url: str, config: str = "{}\n") -> Iterator[Program]:
    """Run the daemon with default settings, or `config`, while the block lasts; it is watching when it begins."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(config, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VOXTRALD_")}
    environ |= {"MISTRAL_API_KEY": KEY, "VOXTRALD_ENGINE__BASE_URL": base_url, "VOXTRALD_LOGGING__FORMAT": "json"}
    with (root / "log").open("wb") as log:
        command = [str(COMMAND), "run", "--config", str(root / "config.yaml")]
        process = subprocess.Popen(command, env=environ, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    program = Program(root=root, process=process)
    try:
        program.wait_for(lambda: b"daemon_started" in (root / "log").read_bytes(), timeout_s=30)
        yield program
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        finally:
            process.kill()
