"""One SQLite file, shared by the threads of a process: connection, transactions, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from voxtrald.errors import StorageUnavailable, StoreError, VoxtraldError
from voxtrald.storage import storage_trouble
from voxtrald.store.durable import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, make_folder
from voxtrald.store.schema import MIGRATIONS

Row = Mapping[str, Any]
Values = Sequence[object]

_BUSY_TIMEOUT_S = 30.0

# Result codes after which the ledger works again once its disk does: https://www.sqlite.org/rescode.html
_STORAGE_CODES = {
    sqlite3.SQLITE_FULL: ("its disk is full", "free some space; work goes on by itself"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "make its folder writable; work goes on by itself"),
    sqlite3.SQLITE_IOERR: ("its disk answers with an input/output error", "look at the disk"),
    sqlite3.SQLITE_CANTOPEN: ("its folder is gone or closed to us", "give the folder of the state back"),
}
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGE_HINT = (
    "move the file away and start again: results and paid answers are kept elsewhere and stay; "
    "what is lost is the history and the record of spending"
)


class Database:
    """The connection. Every statement is durable when it returns, or when its transaction ends.

    Except for those that are written `at_once=False`: the disk is not waited for, and they are durable with the next
    one that is. A crash of the program costs none of them. A power cut may cost the latest, never one without those
    that came after it: the log is read up to where it is whole.

    One connection behind one lock: SQLite lets one thread write at a time anyway.
    """

    def __init__(self, connection: sqlite3.Connection, *, path: Path) -> None:
        connection.row_factory = _as_mapping
        self._connection = connection
        self._path = path
        self._lock = threading.RLock()
        self._waits = True

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for reading and writing; create or migrate where needed.

        Raises:
            StoreError: the file is damaged, is no ledger, or belongs to a newer program.
            StorageUnavailable: it cannot be created or written.
        """
        make_folder(path.parent, mode=PRIVATE_FOLDER_MODE)
        try:
            # SQLite gives its companions the mode of the file, so that none of the three is open to others.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
        except OSError as error:
            raise storage_trouble(error, path=path) from error
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        return cls._ready(connection, path=path, prepare=cls._prepare)

    @classmethod
    def open_read_only(cls, path: Path) -> Self | None:
        """Open for reading while a daemon may be writing; None where there is no ledger yet.

        Raises:
            StoreError: the file is damaged, is no ledger, or belongs to another version of the program.
            StorageUnavailable: it cannot be read.
        """
        if not path.is_file():
            return None
        # Without its log nobody has it open, and `immutable` keeps SQLite from creating one.
        log = path.with_name(f"{path.name}-wal")
        quiet = "" if log.exists() else "&immutable=1"
        address = f"{path.absolute().as_uri()}?mode=ro{quiet}"
        try:
            connection = sqlite3.connect(
                address, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _meaning(error, path=path) from error
        return cls._ready(connection, path=path, prepare=cls._require_this_version)

    @classmethod
    def _ready(cls, connection: sqlite3.Connection, *, path: Path, prepare: Callable[[Database], None]) -> Self:
        with ExitStack() as undo:
            undo.callback(connection.close)
            database = cls(connection, path=path)
            prepare(database)
            undo.pop_all()
        return database

    def close(self) -> None:
        """Close the connection; the last one to close folds the log into the file."""
        with self._lock:
            self._connection.close()

    def read(self, sql: str, values: Values = ()) -> list[Row]:
        """Run a query and return its rows, keyed by column.

        Raises:
            StorageUnavailable: the disk refuses.
            StoreError: the ledger is damaged.
        """
        with self._lock, self._translated():
            return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: Values = (), *, at_once: bool = True) -> int:
        """Run one changing statement and return how many rows it touched.

        Raises:
            StorageUnavailable: the disk refuses; nothing changed.
            StoreError: the ledger is damaged.
        """
        with self._lock, self._translated():
            self._wait_for_disk(at_once=at_once)
            return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self, *, at_once: bool = True) -> Iterator[None]:
        """Make the reads and writes of the block one: all of them last, or none.

        Raises:
            StorageUnavailable: the disk refuses; nothing changed.
            StoreError: the ledger is damaged.
        """
        with self._lock, self._translated():
            self._wait_for_disk(at_once=at_once)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # After a COMMIT this is false; on a full disk SQLite may have rolled back by itself.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")

    def _wait_for_disk(self, *, at_once: bool) -> None:
        """Have commits synced from now on, or not. Within a transaction the outermost has said so already."""
        if at_once != self._waits and not self._connection.in_transaction:
            # https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode, NORMAL syncs at checkpoints only.
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if at_once else 'NORMAL'}")
            self._waits = at_once

    def _prepare(self) -> None:
        with self._translated():
            # FULL: a commit is on the disk when it returns, also in WAL mode, where the default syncs later.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
        self._require_sound()
        self._require_known_version()
        for version in range(self._version() + 1, len(MIGRATIONS) + 1):
            self._migrate(version)

    def _migrate(self, version: int) -> None:
        script = f"BEGIN IMMEDIATE; {MIGRATIONS[version - 1]} PRAGMA user_version = {version}; COMMIT;"
        with self._lock, self._translated():
            self._connection.executescript(script)

    def _version(self) -> int:
        return int(self.read("PRAGMA user_version")[0]["user_version"])

    def _require_known_version(self) -> None:
        if self._version() > len(MIGRATIONS):
            raise StoreError(
                f"{self._path} was written by a newer voxtrald",
                hint="install that version again, or give this one a state folder of its own (folders.state)",
            )

    def _require_this_version(self) -> None:
        self._require_known_version()
        if self._version() < len(MIGRATIONS):
            raise StoreError(
                f"{self._path} was written by an older voxtrald",
                hint="start the daemon with this version: it brings the ledger up to date",
            )

    def _require_sound(self) -> None:
        found = self.read("PRAGMA quick_check(1)")
        if found[0]["quick_check"] != "ok":
            raise StoreError(f"{self._path} is damaged", hint=_DAMAGE_HINT)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _meaning(error, path=self._path) from error


def _as_mapping(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _meaning(error: sqlite3.Error, *, path: Path) -> VoxtraldError:
    # The low byte is the primary code; the rest says in which function it happened.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _STORAGE_CODES:
        what, hint = _STORAGE_CODES[code]
        return StorageUnavailable(f"cannot use the ledger {path}: {what}", path=path, hint=hint)
    if code in _DAMAGE_CODES:
        return StoreError(f"{path} is damaged or is not a ledger", hint=_DAMAGE_HINT)
    return StoreError(f"cannot use the ledger {path}: {error}")
