"""What the ledger's families of tables share: the database, the clock, and how values look in a row."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import overload

from voxtrald.clock import Clock
from voxtrald.store.database import Database


class Tables:
    """A family of tables. The ledger is made of several over one database."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def _now_text(self) -> str:
        return instant_text(self._clock.now())


@overload
def instant_text(instant: datetime) -> str: ...
@overload
def instant_text(instant: None) -> None: ...
def instant_text(instant: datetime | None) -> str | None:
    """Write an aware instant so that it sorts as text."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds") if instant else None


def read_instant(text: str | None) -> datetime | None:
    """Read what `instant_text` wrote."""
    return datetime.fromisoformat(text) if text else None


def path_bytes(path: str) -> bytes:
    """Write a path as the bytes the file system has."""
    return os.fsencode(path)


def read_path(content: bytes) -> str:
    """Read what `path_bytes` wrote."""
    return os.fsdecode(content)


def storable(text: str | None) -> str | None:
    """Replace what UTF-8 cannot carry: a sentence may quote a file name that is not UTF-8."""
    return text.encode("utf-8", errors="replace").decode("utf-8") if text else text
