"""Threads whose end is always heard: a result, or the error that ended them, never silence."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Work ended with an error nobody on the way had an answer to."""

    error: BaseException


def guarded(work: Callable[[], T]) -> T | Broken:
    """Do the work; give its result or its error as a value."""
    try:
        return work()
    except BaseException as error:  # noqa: BLE001  the outermost frame of every thread: an error must become a message
        return Broken(error=error)


def start(name: str, work: Callable[[], T], *, done: Callable[[T | Broken], None]) -> threading.Thread:
    """Do `work` in a thread of its own with the caller's logging context, then call `done` there.

    The thread is a daemon thread: the main thread decides how long to wait for it, not the interpreter's exit.
    """
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: done(context.run(guarded, work)), name=name, daemon=True)
    thread.start()
    return thread
