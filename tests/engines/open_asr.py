"""A real server with OpenAI's interface that nobody here wrote: open-asr-server from PyPI, with local weights.

It lives in an environment of its own, which `make local` makes, because its dependencies are not ours.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.speech.weights import model_folder

PROGRAM = Path(sys.prefix) / "servers" / "open-asr-server" / "bin" / "open-asr-server"
NEEDS = f"needs open-asr-server at {PROGRAM} and weights for it: `make local` installs both"
KEY = "sk-real"
_START_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A running server: its address and the model to ask for."""

    url: str
    model: str


def is_there() -> bool:
    """Whether program and weights are installed."""
    return PROGRAM.exists() and model_folder() is not None


@contextmanager
def running(**limits: str) -> Iterator[RunningServer]:
    """Run it while inside; `limits` are its settings, such as `MAX_UPLOAD_BYTES`."""
    port = _free_port()
    environ = _environment({f"OPEN_ASR_SERVER_{name}": value for name, value in limits.items()})
    process = subprocess.Popen(
        [*_command(), "serve", "--host", "127.0.0.1", "--port", str(port)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield RunningServer(url=f"http://127.0.0.1:{port}", model=f"faster-whisper:{model_folder()}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command() -> list[str]:
    # Through its interpreter: scripts of a moved environment point to where it was.
    python = PROGRAM.with_name("python")
    return [str(python), "-c", "from open_asr_server.cli import main; main()"]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    quiet = {"HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1", "OPEN_ASR_SERVER_API_KEY": KEY}
    return {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), **quiet, **settings}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError("open-asr-server did not start") from error
            time.sleep(_POLL_S)
        else:
            return
