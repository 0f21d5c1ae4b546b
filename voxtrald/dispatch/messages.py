"""What other threads and signal handlers tell the main thread, through its one mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from voxtrald.dispatch.threads import Broken

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCame:
    """A signal arrived."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEnded(Generic[Result]):
    """A worker is free again: its job's result, or the error that broke it."""

    job: str
    result: Result | Broken
