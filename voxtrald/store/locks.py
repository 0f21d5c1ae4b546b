"""Who is using the state folder: locks that the kernel releases when their process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from voxtrald.errors import StoreError
from voxtrald.storage import storage_errors, storage_trouble
from voxtrald.store.durable import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, make_folder

_LOCK = "daemon.lock"
_SIGN = "daemon.alive"


class _FileLock:
    """An exclusive lock on a file, held until `close` or the end of the process.

    Where another process has it, `BlockingIOError` says so at once; with `patiently` it is waited for.
    """

    def __init__(self, path: Path, *, patiently: bool = False) -> None:
        self.path = path
        make_folder(path.parent, mode=PRIVATE_FOLDER_MODE)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
        except OSError as error:
            raise storage_trouble(error, path=path) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if patiently else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(self._descriptor)
            raise

    def write(self, text: str) -> None:
        """Leave a note for whoever finds the lock taken."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode("ascii"), 0)

    def close(self) -> None:
        """Release the lock. Does nothing the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class StateLock(_FileLock):
    """The right to be the daemon of this state folder.

    Raises:
        StoreError: another daemon has it.
        StorageUnavailable: the lock file cannot be created.
    """

    def __init__(self, state: Path) -> None:
        path = state / _LOCK
        try:
            super().__init__(path)
        except BlockingIOError as error:
            raise StoreError(
                f"another voxtrald (pid {_noted_pid(path)}) uses the state folder {state}",
                hint="stop it, or give this one a state folder of its own (folders.state)",
            ) from error
        self.write(f"{os.getpid()}\n")
        # Not the lock itself: who asks takes it for a moment, and a daemon that starts just then would be refused.
        # This one is only ever held for long by the daemon, so that it may wait for those who ask.
        self._sign = _FileLock(state / _SIGN, patiently=True)

    def close(self) -> None:
        """Release the lock, and give no sign of life any more."""
        self._sign.close()
        super().close()


class OwnerLock(_FileLock):
    """A sign of life: as long as it is held, `is_alive` says so to every other process.

    Attributes:
        token: the name under which the owner's jobs are claimed.
    """

    def __init__(self, state: Path) -> None:
        self.token = secrets.token_hex(8)
        super().__init__(_owner_path(state, self.token))

    def close(self) -> None:
        """Release the lock and remove its file."""
        self.path.unlink(missing_ok=True)
        super().close()


def is_alive(state: Path, token: str) -> bool:
    """Say whether the process that holds the owner lock `token` still runs."""
    return _is_held(_owner_path(state, token))


def daemon_pid(state: Path) -> int | None:
    """Give the process id of the daemon of this state folder, or None where none runs.

    Raises:
        StorageUnavailable: the state folder cannot be read.
    """
    with storage_errors(state):
        noted = _noted_pid(state / _LOCK) if _is_held(state / _SIGN) else ""
    return int(noted) if noted.isdecimal() else None


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at the same time do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _owner_path(state: Path, token: str) -> Path:
    return state / "owners" / f"{token}.lock"


def _noted_pid(path: Path) -> str:
    try:
        return path.read_text("ascii").strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
