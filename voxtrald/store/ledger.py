"""The ledger: what was seen, tried, sent, paid and done, in one SQLite file on a local disk.

SQLite's write-ahead log does not work on network file systems (https://www.sqlite.org/wal.html), so the state
folder must not be a share. Threads share one ledger; other processes may read it at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Self

from voxtrald.clock import Clock
from voxtrald.store.database import Database
from voxtrald.store.ledger_chunks import ChunkTable
from voxtrald.store.ledger_jobs import JobTable
from voxtrald.store.ledger_service import ServiceTable
from voxtrald.store.ledger_spend import SpendTable
from voxtrald.store.ledger_uploads import UploadTable

LEDGER_FILE = "ledger.sqlite3"
"""Its name in the state folder."""


class Ledger(JobTable, ChunkTable, SpendTable, UploadTable, ServiceTable):
    """Everything that is written down, family by family; each family documents its own methods."""

    @classmethod
    def open(cls, path: Path, *, clock: Clock, random_hex: Callable[[int], str] = secrets.token_hex) -> Self:
        """Open the ledger for reading and writing; create or migrate it where needed.

        Raises:
            StoreError: it is damaged, is no ledger, or belongs to a newer program.
            StorageUnavailable: it cannot be created or written.
        """
        ledger = cls(Database.open(path), clock=clock)
        if not ledger.installation_id:
            ledger._set("installation_id", random_hex(4))
        return ledger

    @classmethod
    def open_read_only(cls, path: Path, *, clock: Clock) -> Self | None:
        """Open the ledger to look at it, creating nothing; None where there is none yet.

        Raises:
            StoreError: it is damaged, is no ledger, or belongs to a newer program.
            StorageUnavailable: it cannot be read.
        """
        database = Database.open_read_only(path)
        return cls(database, clock=clock) if database else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
