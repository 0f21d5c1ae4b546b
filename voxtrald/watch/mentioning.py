"""What the log says about the inbox: each thing once, and in names that cannot garble a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

import structlog

from voxtrald.naming import shown
from voxtrald.watch.hearing import Switch
from voxtrald.watch.scanning import Oddity, OddKind

_AT_MOST = 200  # a folder full of old papers must fill neither the log nor, with their names, the memory

log = structlog.get_logger()


class Mentions:
    """What was said about files that are left alone."""

    def __init__(self) -> None:
        self._said: set[PurePosixPath] = set()
        self._has_said_more = False

    def left_alone(self, oddities: Iterable[Oddity]) -> None:
        """Mention what is new among them; after many, only that there is more."""
        for oddity in oddities:
            if oddity.relative not in self._said:
                self._mention(oddity)

    def _mention(self, oddity: Oddity) -> None:
        if len(self._said) < _AT_MOST:
            self._said.add(oddity.relative)
            level = log.info if oddity.what is OddKind.NO_RECORDING else log.warning
            level("left_alone", path=shown(str(oddity.relative)), what=oddity.what.value)
        elif not self._has_said_more:
            self._has_said_more = True
            log.info("left_alone_more", told=_AT_MOST)


def mention_switches(switches: Iterable[Switch]) -> None:
    """Say which folders are polled from now on, or no longer, and why."""
    for switch in switches:
        folder = shown(str(switch.folder))
        if switch.is_polled:
            log.warning("polling_began", folder=folder, reason=switch.reason)
        else:
            log.info("polling_ended", folder=folder, reason=switch.reason)
