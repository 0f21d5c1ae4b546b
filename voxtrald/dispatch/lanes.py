"""A lane: what stands between the recordings of one far side and that far side.

Each service (with each key for it) has a lane of its own, so that a hold or an outage of one, or its slowness, never
keeps another one waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from voxtrald.dispatch.gate import Gate
from voxtrald.dispatch.senders import Senders


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The gate that all attempts at one far side pass, and the threads that make them.

    Attributes:
        service: the far side's name for people.
    """

    service: str
    gate: Gate
    senders: Senders

    @property
    def is_held(self) -> bool:
        """Whether the far side refuses us, so that nothing is sent but a probe now and then."""
        return self.gate.circuit.state == "held"
