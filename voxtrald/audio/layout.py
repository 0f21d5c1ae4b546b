"""What can be taken out of a recording as it is: equal pieces of sound, and where in the file each lies. Pure."""

from __future__ import annotations

from typing import Protocol


class Layout(Protocol):
    """The units of a recording, which are frames or samples, counted from 0. `frames` and `riff` have one each."""

    @property
    def unit_ms(self) -> float:
        """How long a unit is."""

    @property
    def duration_ms(self) -> int:
        """Where the last unit ends, in recording time."""

    @property
    def gap_ms(self) -> float:
        """How long a decoder may hear wrong after a jump to a unit, at worst."""

    def time_ms(self, number: int) -> float:
        """When a unit begins, in recording time; slightly negative for the first ones of an mp3."""

    def nearest(self, at_ms: float) -> int:
        """Give the unit that begins nearest to a position, or the number behind the last."""

    def behind(self, at_ms: float) -> int:
        """Give the first unit that begins at or behind a position, or the number behind the last."""

    def byte_of(self, number: int) -> int:
        """Tell where in the file a unit begins; of the number behind the last, where that one ends."""

    def head(self, start: int, end: int) -> bytes:
        """Make what a file with only the units from `start` to before `end` begins with."""
