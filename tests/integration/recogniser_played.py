"""A program that plays the recogniser: it does what the names of model and files say, and can die of it.

Started as a program, with nothing but the standard library, so that a test does not wait for it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

_DAWDLE_S = 3600


def say(**message) -> None:
    """Say one message."""
    os.write(1, json.dumps(message).encode() + b"\n")


def open_up(model: str) -> None:
    """Load the model, or what its name says instead."""
    if model == "crashes":
        sys.stderr.write("first words\nlibcudnn is not there\n")
        os._exit(7)
    if model == "hangs":
        time.sleep(_DAWDLE_S)
    if model == "missing":
        say(says="unusable", fault="no_model", message="there is no model")
        os._exit(3)
    if model == "elsewhere":
        say(says="unusable", fault="not_fetched", message="the model is not on this machine yet")
        os._exit(3)
    say(says="loaded", library="9.9", device="cpu", compute_type="int8", languages=["en", "lv"])


def answer(request, text: str) -> None:
    """Answer a request."""
    segments = [[0, 500, text]]
    say(says="answered", id=request["id"], text=text, language="en", segments=segments)


# --- what files say -------------------------------------------------------------------------------------------


def die(_request) -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash(_request) -> None:
    """End with a complaint."""
    sys.stderr.write("a bad access\n")
    sys.stderr.flush()
    os._exit(9)


def fall_silent(_request) -> None:
    """Close the output and stay."""
    os.close(1)
    time.sleep(_DAWDLE_S)


def fail(request, *, fault: str) -> None:
    """Say that it cannot be done."""
    say(says="failed", id=request["id"], fault=fault, message="it does not work")


def make_progress(request) -> None:
    """Give signs of life, then answer."""
    for at_ms in (1000, 2000, 3000):
        say(says="progress", id=request["id"], at_ms=at_ms)
    answer(request, "slow")


def answer_both(request) -> None:
    """Answer this request, and after it the one that was to wait."""
    answer(request, "second")
    answer(WAITING.pop(), "first")


def stand_by(request) -> None:
    """Be still under way when another one's file kills the program; the next time, answer."""
    seen = path_of(request).with_suffix(".seen")
    if seen.exists():
        answer(request, "bystander")
    seen.touch()


def path_of(request) -> Path:
    """Give the file to listen to."""
    return Path(os.fsdecode(request["path"].encode("latin-1")))


WAITING: list = []
ACTS = {
    "dies": die,
    "crashes": crash,
    "rubbish": lambda _request: os.write(1, b"Loading: 100%\n"),
    "endless": lambda _request: os.write(1, b"x" * (1 << 25)),
    "hangs": lambda _request: None,
    "mute": fall_silent,
    "fails": lambda request: fail(request, fault="failed"),
    "undecodable": lambda request: fail(request, fault="undecodable"),
    "slow": make_progress,
    "first": WAITING.append,
    "second": answer_both,
    "bystander": stand_by,
    "environment": lambda request: answer(request, " ".join([str(Path.cwd()), *os.environ])),
}


def main() -> None:
    """Read orders until there are no more."""
    open_up(json.loads(sys.stdin.readline())["model"])
    for line in sys.stdin:
        request = json.loads(line)
        name = path_of(request).stem
        act = ACTS.get(name)
        if act:
            act(request)
        else:
            answer(request, name)


main()
