"""Runs the command line, and makes something happen when a durable step is announced for the n-th time.

    python killed.py kill answer_kept 2 run --config config.yaml

What can happen: `kill` (SIGKILL to itself), `stop` (SIGTERM to itself, and on it goes), `break` (an error that nobody
expects). The step `any` counts all steps.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

from voxtrald.cli.app import main
from voxtrald.steps import Step, listen

ANY = "any"


class Unexpected(Exception):
    """An error that nobody has an answer to."""


def kill() -> None:
    """Die as a power cut would have it, as far as a process can."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # never passed: the step must not be left


def stop() -> None:
    """Ask for a stop, and go on once the main thread has heard of it."""
    os.kill(os.getpid(), signal.SIGTERM)
    while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        time.sleep(0.001)


def fail() -> NoReturn:
    """Fail in whatever thread this is."""
    raise Unexpected("a bug")


DEEDS: Mapping[str, Callable[[], None]] = {"kill": kill, "stop": stop, "break": fail}


def act_at(step: str, nth: int, deed: Callable[[], None]) -> None:
    """Do the deed at the n-th announcement of the step."""
    lock, counter = threading.Lock(), itertools.count(1)

    def hear(announced: Step) -> None:
        with lock:
            is_now = step in (ANY, announced) and next(counter) == nth
        if is_now:
            deed()

    listen(hear)


if __name__ == "__main__":
    what, at, how_often, *arguments = sys.argv[1:]
    act_at(at if at == ANY else Step(at), int(how_often), DEEDS[what])
    sys.argv[1:] = arguments
    main()
