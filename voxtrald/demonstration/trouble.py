"""How a demonstration ends early."""

from __future__ import annotations

from typing import ClassVar

from voxtrald.errors import StopRequested, VoxtraldError


class DemoFailed(VoxtraldError):
    """The demonstration cannot begin, or did not come to the end it promises."""

    slug: ClassVar[str] = "demo"
    exit_code: ClassVar[int] = 1


class DemoEnded(StopRequested):
    """Somebody ended the demonstration with a signal, whose number this carries."""

    def __init__(self, number: int) -> None:
        super().__init__("the demonstration was ended")
        self.number = number
