"""Signals as messages."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from voxtrald.dispatch.messages import SignalCame

ENDING = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def signals_put(put: Callable[[SignalCame], None], numbers: Sequence[int]) -> Iterator[None]:
    """Make these signals messages while the block lasts.

    The second SIGTERM or SIGINT kills, because the first, whichever it was, gave both their default back. `put`
    must be reentrant, like `queue.SimpleQueue.put`: the handler may interrupt any frame, also one that holds a lock.
    """

    def take(number: int, _frame: FrameType | None) -> None:
        if number in ENDING:
            for each in ENDING:
                signal.signal(each, signal.SIG_DFL)
        put(SignalCame(number=number))

    before = {number: signal.signal(number, take) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
