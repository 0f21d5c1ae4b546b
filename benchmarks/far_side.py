"""The stand-in for the API in a process of its own, so that its work is not counted as the program's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from benchmarks.footprint import cpu_s
from benchmarks.recordings import language

KEY: Final = "test-key"
LATENCY: Final = (1.0, 0.01)
"""How long a transcription takes: seconds, and seconds for each second of audio."""

UPLOAD: Final = ("POST", "/v1/files")
TRANSCRIBE: Final = ("POST", "/v1/audio/transcriptions")
_PATIENCE_S: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as the stand-in saw it; times are on the machine's monotonic clock.

    Attributes:
        began_s: when its head had been read.
        ended_s: when its answer was handed to the network.
        sha256: digest of the audio it brought or asked about.
    """

    method: str
    path: str
    status: int | None
    began_s: float
    ended_s: float
    bytes_in: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FarSide:
    """A running stand-in."""

    url: str
    pid: int

    def calls(self) -> list[Call]:
        """Every request that has ended, in the order of their beginnings."""
        calls = [
            Call(
                method=each["method"],
                path=each["path"],
                status=each["status"],
                began_s=each["started_s"],
                ended_s=each["ended_s"],
                bytes_in=each["bytes_in"],
                sha256=each["sha256"],
            )
            for each in self._ask("requests")
        ]
        return sorted(calls, key=lambda call: call.began_s)

    def stats(self) -> dict[str, Any]:
        """Give the counters."""
        stats: dict[str, Any] = self._ask("stats")
        return stats

    def cpu_s(self) -> float:
        """Give the processor time it has used so far."""
        return cpu_s(self.pid)

    def _ask(self, what: str) -> Any:
        return requests.get(f"{self.url}/_standin/{what}", timeout=_PATIENCE_S).json()


@contextmanager
def standing_in(cache: Path, *, latency: tuple[float, float] = LATENCY) -> Iterator[FarSide]:
    """Run the stand-in while the block lasts.

    The real service does not compute on our machine. So what the stand-in heard in a piece of audio is kept in `cache`,
    and from the second run on with the same audio its decoding takes no processor time from the program.
    """
    base_s, per_audio_s = latency
    memory = cache / f"heard-{language()}"
    memory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.standin", "--key", KEY, "--memory", str(memory)]
    command += ["--latency", f"{base_s}+{per_audio_s}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield FarSide(url=process.stdout.readline().strip(), pid=process.pid)
        finally:
            process.terminate()


def first_upload_s(calls: Sequence[Call]) -> float:
    """Give the moment the first upload reached the far side."""
    return next(call.began_s for call in calls if (call.method, call.path) == UPLOAD)


def uploaded_bytes(calls: Sequence[Call]) -> int:
    """Sum the bodies of all uploads."""
    return sum(call.bytes_in for call in calls if (call.method, call.path) == UPLOAD)
