"""The operator's own program, started at events: outside of everything else, and never for long.

It gets the path of the result as its argument and the whole story as JSON on standard input. It runs without a shell,
in a process group of its own that is ended with it, and without our secrets in its environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from voxtrald.redacting import excerpt
from voxtrald.service.messages.happenings import Happening
from voxtrald.stopping import Stop

LIMIT_S: Final = 60.0
"""How long a script may run."""

PASSED_ON: Final = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"})
"""What a script inherits, beside LC_*: not the API key, nor the sockets and credentials of a service manager."""

LAST_WORD_S: Final = 1.0
"""How long an ended script may take to go."""

_RESULT: Final = ".json"
_TURN_S: Final = 0.2
_PAUSE_S: Final = 0.02
_KEPT_BYTES: Final = 4096
_READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended: nothing is wrong where `trouble` is empty.

    Attributes:
        output: the beginning of what it said, shortened and redacted.
    """

    trouble: str = ""
    output: str = ""


def script_environment(environ: Mapping[str, str], *, event: str) -> dict[str, str]:
    """Choose what a script finds in its environment."""
    passed = {name: value for name, value in environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {**passed, "VOXTRALD_EVENT": event}


def story_of(happening: Happening) -> bytes:
    """Write what a script reads: the event, and under `result` the JSON result, null where none was left."""
    return json.dumps({**happening.as_json(), "result": _result_in(happening.outputs)}, ensure_ascii=True).encode()


def _result_in(outputs: Sequence[str]) -> object:
    for path in outputs:
        if path.endswith(_RESULT):
            # Somebody may have taken the file away already; then the rest of the story has to do.
            with contextlib.suppress(OSError, ValueError):
                return json.loads(Path(path).read_bytes())
    return None


def run_script(
    script: Path,
    happening: Happening,
    *,
    environ: Mapping[str, str],
    monotonic_s: Callable[[], float],
    stop: Stop,
    limit_s: float = LIMIT_S,
) -> Ran:
    """Run the script for one event and wait for its end, at most `limit_s` seconds, or until stop."""
    with tempfile.TemporaryFile() as story:  # a file, not a pipe: nobody waits for a script that does not read
        story.write(story_of(happening))
        story.seek(0)
        try:
            process = subprocess.Popen(
                [str(script), *filter(None, [happening.path])],
                stdin=story,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=script_environment(environ, event=happening.event),
                cwd="/",
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a path
            return Ran(trouble=f"cannot be started: {_why(error)}")
    try:
        return _watched(process, until_s=monotonic_s() + limit_s, monotonic_s=monotonic_s, stop=stop)
    finally:
        _end(process)


def _watched(process: subprocess.Popen[bytes], *, until_s: float, monotonic_s: Callable[[], float], stop: Stop) -> Ran:
    said = bytearray()
    trouble = ""
    with selectors.DefaultSelector() as selector:
        selector.register(_pipe(process), selectors.EVENT_READ)
        while process.poll() is None:
            if monotonic_s() >= until_s or stop.is_set():
                trouble = "was stopped with the program" if stop.is_set() else "took too long and was ended"
                break
            _listen(process, selector, said=said, stop=stop)
        else:
            _listen(process, selector, said=said, stop=stop, wait_s=0.0)
    if not trouble and process.returncode:
        trouble = _ended_how(process.returncode)
    return Ran(trouble=trouble, output=excerpt(said.decode("utf-8", errors="replace")))


def _listen(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    *,
    said: bytearray,
    stop: Stop,
    wait_s: float = _TURN_S,
) -> None:
    """Read what it says, keep the beginning, let the rest go; where it has closed its output, wait a moment."""
    if not selector.get_map():
        stop.wait(_PAUSE_S)
        return
    if not selector.select(wait_s):
        return
    read = os.read(_pipe(process).fileno(), _READ_BYTES)
    said += read[: max(0, _KEPT_BYTES - len(said))]
    if not read:
        selector.unregister(_pipe(process))


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise ValueError("started without a pipe")
    return process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, also what the script left running in the background, and fetch its status."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORD_S)
    _pipe(process).close()


def _ended_how(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with {code}"


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
