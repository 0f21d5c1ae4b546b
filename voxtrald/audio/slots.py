"""How many children may work at once, and who of those that wait comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

TURN_S: Final = 0.1
"""How long a stop may go unheard."""

MayWait = Callable[[], bool]
"""Whether others may come first. Asked again at every turn; may raise where the slot is not wanted any more."""


def in_a_hurry() -> bool:
    """Let nobody come first."""
    return False


class Slots:
    """Gives out so many slots. Who may wait gets one only where nobody else does and where one is left free after it.

    So that what is worth doing beside everything else never keeps a recording's first chunk waiting. Of a single slot,
    none can be left free.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = 0
        self._hurried = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, *, heed: Callable[[], None], may_wait: MayWait = in_a_hurry) -> Iterator[None]:
        """Have a slot inside the block; `heed` is called at every turn of the wait and ends it by raising."""
        self._take(heed=heed, may_wait=may_wait)
        try:
            yield
        finally:
            self._give()

    def _take(self, *, heed: Callable[[], None], may_wait: MayWait) -> None:
        while not self._take_in_turn(is_patient=may_wait()):
            heed()

    def _take_in_turn(self, *, is_patient: bool) -> bool:
        with self._changed:
            self._hurried += not is_patient
            try:
                has_room = self._has_room_for_patient if is_patient else self._has_room
                is_mine = self._changed.wait_for(has_room, timeout=TURN_S)
                self._taken += is_mine
            finally:
                self._hurried -= not is_patient
            return is_mine

    def _has_room(self) -> bool:
        return self._taken < self._count

    def _has_room_for_patient(self) -> bool:
        return self._hurried == 0 and self._taken < max(1, self._count - 1)

    def _give(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()
