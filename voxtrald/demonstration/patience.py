"""Waiting that hears signals and knows how late it is."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

from voxtrald.clock import Clock
from voxtrald.demonstration.trouble import DemoEnded, DemoFailed
from voxtrald.dispatch.messages import SignalCame


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Waits for what somebody else does.

    Attributes:
        mailbox: where the signals of this process arrive.
    """

    clock: Clock = field(default_factory=Clock)
    mailbox: queue.SimpleQueue[SignalCame] = field(default_factory=queue.SimpleQueue)

    def pause(self, seconds: float) -> None:
        """Wait so long.

        Raises:
            DemoEnded: a signal came.
        """
        try:
            came = self.mailbox.get(timeout=seconds)
        except queue.Empty:
            return
        raise DemoEnded(came.number)

    def until(self, seconds: float) -> float:
        """Say when, on the monotonic clock, so many seconds are over."""
        return self.clock.monotonic_s() + seconds

    def pause_before(self, until_s: float, *, seconds: float) -> None:
        """Wait so long, and no longer than to the end of all patience.

        Raises:
            DemoEnded: a signal came.
            DemoFailed: the time is up.
        """
        if self.clock.monotonic_s() > until_s:
            raise DemoFailed("it took too long")
        self.pause(seconds)
