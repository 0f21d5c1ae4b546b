"""The recogniser's program: `python -m voxtrald.engines.whisper.child`, spoken to as `protocol` says.

It ends when nobody speaks to it any more, that is, when its input is closed or its daemon has died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from voxtrald.engines.whisper.protocol import (
    Answered,
    Failed,
    Fault,
    Opening,
    Progress,
    Report,
    Request,
    Unusable,
    pack,
    read_order,
)
from voxtrald.engines.whisper.unfit import Unfit

if TYPE_CHECKING:
    from voxtrald.engines.whisper.model import Model

UNUSABLE = 3
_EAGERNESS_TO_DIE = "500"

Say = Callable[[Report], None]


def main() -> None:
    """Load the model that the first line names, and answer the requests in the others."""
    say = _take_stdout()
    _offer_to_die_first()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A stop of the whole service reaches us, too. Whether it ends a recording is for the daemon to decide.
        signal.signal(number, signal.SIG_IGN)
    opening = read_order(sys.stdin.buffer.readline())
    if not isinstance(opening, Opening):
        raise SystemExit(UNUSABLE)
    pool = ThreadPoolExecutor(opening.workers)
    loading = pool.submit(_load, opening)
    loading.add_done_callback(partial(_tell_loading, say))
    for line in sys.stdin.buffer:
        request = read_order(line)
        if isinstance(request, Request):
            pool.submit(_listen, loading, request, say).add_done_callback(partial(_tell_end, say, request))
    os._exit(0)  # work in hand is not waited for: whoever closed our input wants none of it


def _take_stdout() -> Say:
    """Keep stdout for the protocol; what a library prints goes where complaints go."""
    ours = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    turn = threading.Lock()

    def say(report: Report) -> None:
        rest = memoryview(pack(report))
        with turn:
            while rest:
                rest = rest[os.write(ours, rest) :]

    return say


def _offer_to_die_first() -> None:
    """Where memory runs out, the kernel shall take the process with the model in it and not the daemon."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_EAGERNESS_TO_DIE, encoding="ascii")


def _load(opening: Opening) -> Model:
    try:
        from voxtrald.engines.whisper.model import load  # noqa: PLC0415 - takes seconds, while our input is heard
    except ImportError as error:
        what = f"the program for local recognition is not installed ({error.name} is missing)"
        raise Unfit(Fault.NO_LIBRARY, what) from error
    return load(opening)


def _listen(loading: Future[Model], request: Request, say: Say) -> Answered:
    model = loading.result()
    return model.listen(request, heard=lambda at_ms: say(Progress(id=request.id, at_ms=at_ms)))


def _tell_loading(say: Say, loading: Future[Model]) -> None:
    error = loading.exception()
    if error is None:
        say(loading.result().describe())
        return
    fault, message = _name(error, otherwise=Fault.BROKEN_MODEL)
    say(Unusable(fault=fault, message=message))
    os._exit(UNUSABLE)


def _tell_end(say: Say, request: Request, ending: Future[Answered]) -> None:
    error = ending.exception()
    if error is None:
        say(ending.result())
        return
    fault, message = _name(error, otherwise=Fault.FAILED)
    say(Failed(id=request.id, fault=fault, message=message))


def _name(error: BaseException, *, otherwise: Fault) -> tuple[Fault, str]:
    """Say what went wrong; of an exception that nobody expected only its kind, lest it hold spoken text."""
    if isinstance(error, Unfit):
        return error.fault, error.message
    is_memory = isinstance(error, MemoryError) or "out of memory" in str(error)
    fault = Fault.NO_MEMORY if is_memory else otherwise
    return fault, f"the recogniser failed ({type(error).__name__})"


if __name__ == "__main__":
    main()
