"""The one door to a far side: every attempt of every recording that goes there passes it.

It keeps the optional request rate, holds all work when the key is refused, and lets only one probe through during
an outage. The decisions are `circuit.py`'s; this is their thread-safe shell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from voxtrald.clock import Clock
from voxtrald.dispatch.circuit import Circuit
from voxtrald.errors import StopRequested
from voxtrald.retrying import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class GateChanged:
    """The state of a service's door became another one; `reason` says why for a hold."""

    service: str
    state: str
    reason: str | None


class Gate:
    """Let attempts through, one way in and three ways out: succeeded, failed or denied."""

    def __init__(
        self,
        *,
        service: str,
        policy: Policy,
        requests_per_s: float | None,
        clock: Clock,
        tell: Callable[[GateChanged], None],
    ) -> None:
        self._service = service
        self._circuit = Circuit(policy=policy)
        self._interval_s = 1.0 / requests_per_s if requests_per_s else 0.0
        self._next_slot_s = 0.0
        self._clock = clock
        self._tell = tell
        self._stopped = False
        self._changed = threading.Condition()

    def enter(self) -> float:
        """Wait for a turn, and give the monotonic time at which it came.

        Raises:
            StopRequested: when the gate is closed for good while waiting.
        """
        with self._changed:
            while (wait_s := self._wait_s()) != 0.0:
                self._changed.wait(wait_s)
            self._circuit = self._circuit.entered()
            now_s = self._clock.monotonic_s()
            self._next_slot_s = max(self._next_slot_s, now_s) + self._interval_s
            return now_s

    def _wait_s(self) -> float | None:
        if self._stopped:
            raise StopRequested("stopped while waiting for a turn to send")
        now_s = self._clock.monotonic_s()
        wait_s = self._circuit.wait_s(now_s=now_s)
        return wait_s if wait_s != 0.0 else max(0.0, self._next_slot_s - now_s)

    def succeeded(self, *, began_s: float) -> None:
        """An attempt was answered."""
        self._update(lambda circuit: circuit.succeeded(began_s=began_s, now_s=self._clock.monotonic_s()))

    def failed(self) -> None:
        """An attempt failed for the far side's sake."""
        self._update(lambda circuit: circuit.failed(now_s=self._clock.monotonic_s()))

    def denied(self, reason: str) -> None:
        """An attempt was refused for the key's or the account's sake."""
        self._update(lambda circuit: circuit.denied(reason, now_s=self._clock.monotonic_s()))

    def learnt_nothing(self) -> None:
        """An attempt ended without a word about the far side (our own disk was full, or stop)."""
        self._update(Circuit.abandoned)

    def declare_outage(self) -> None:
        """A chunk has no attempts left, but nothing else has succeeded either: that is an outage, not its fault."""
        self._update(lambda circuit: circuit.opened(now_s=self._clock.monotonic_s()))

    def release(self) -> None:
        """End a hold: the operator changed something."""
        self._update(Circuit.released)

    def stop(self) -> None:
        """Let nobody through any more; everyone who waits gets StopRequested."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def circuit(self) -> Circuit:
        """What is known of the far side, as a value."""
        return self._circuit

    def _update(self, change: Callable[[Circuit], Circuit]) -> None:
        with self._changed:
            before, self._circuit = self._circuit, change(self._circuit)
            after = self._circuit
            self._changed.notify_all()
        if before.state != after.state:
            self._tell(GateChanged(service=self._service, state=after.state, reason=after.held))
