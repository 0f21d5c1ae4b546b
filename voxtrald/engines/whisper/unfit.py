"""How the inside of the recogniser's process says that it cannot go on."""

from __future__ import annotations

from voxtrald.engines.whisper.protocol import Fault


class Unfit(Exception):
    """A model, a file or a request that cannot be dealt with, and why. Never leaves the recogniser's process."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
