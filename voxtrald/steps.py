"""Durable steps: the moments after which a crash must cost nothing but time.

Each place that makes something durable announces it here. In production nobody listens and an announcement costs a
function call; the crash tests listen and kill the process at the step they name, so that they prove each promise
without depending on luck with timing.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """The durable steps, in the order in which a recording passes them."""

    JOB_CLAIMED = "job_claimed"
    PLAN_KEPT = "plan_kept"
    CHUNK_PREPARED = "chunk_prepared"
    UPLOAD_INTENDED = "upload_intended"
    UPLOAD_SENT = "upload_sent"
    UPLOAD_RECORDED = "upload_recorded"
    ANSWER_RECEIVED = "answer_received"
    ANSWER_WRITTEN = "answer_written"
    ANSWER_KEPT = "answer_kept"
    REMOTE_DELETED = "remote_deleted"
    PUBLISH_INTENDED = "publish_intended"
    OUTPUT_WRITTEN = "output_written"
    OUTPUT_PUBLISHED = "output_published"
    SOURCE_MOVED = "source_moved"
    JOB_ENDED = "job_ended"


_listeners: list[Callable[[Step], None]] = []


def announce(step: Step) -> None:
    """Tell whoever listens that `step` has just become durable."""
    for listener in _listeners:
        listener(step)


def listen(listener: Callable[[Step], None]) -> None:
    """Call `listener` at every step from now on, in the thread that announces it."""
    _listeners.append(listener)
