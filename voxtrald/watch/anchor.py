"""How the inbox is known again: an empty mount point is not an empty inbox.

What is remembered lies in the state folder, so that a start while the share is away waits, too. Three things tell
an inbox from the folder that shows when its share is gone: the folder's place in its file system, the mount it is
on, and on a network share a marker file, because a server can lose a disk without any change to the client's mounts.
Device numbers do not tell: shares and disks get others when they are mounted again.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

import structlog

from voxtrald.errors import StorageUnavailable
from voxtrald.storage import storage_errors
from voxtrald.watch.mounts import Place, find_place, is_remote

MARKER = ".voxtrald-inbox"
"""The marker's name; like every name that begins with a dot, it is no recording."""

_MEMORY = "inbox.json"
_TOKEN_BYTES = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of the inbox.

    Attributes:
        path: the inbox as configured; another one is another inbox.
        point: where the mount began that it was on.
        fs_type: the type of that mount.
        within: its path in that file system.
        token: names this inbox, in the marker and in the names of canaries.
        is_marked: whether the marker was left in it.
    """

    path: str
    point: str
    fs_type: str
    within: str
    token: str
    is_marked: bool = False

    def at(self, place: Place) -> Known:
        """Remember where it is now."""
        return replace(self, point=str(place.point), fs_type=place.fs_type, within=str(place.within))


def estrangement(known: Known, place: Place, *, marker: str | None, is_empty: bool) -> str | None:
    """Say why what lies at the inbox's path is not the inbox; None where it is.

    `marker` is what the marker file says, `is_empty` whether nothing else is there.
    """
    if known.is_marked and marker is not None:
        return None
    is_elsewhere = (known.fs_type, known.within) != (place.fs_type, str(place.within))
    is_uncovered = known.point != str(place.point) and PurePosixPath(known.point).is_relative_to(place.point)
    if known.fs_type and is_elsewhere and is_uncovered:
        return f"nothing is mounted at {known.point}"
    if known.is_marked and is_empty:
        return f"its marker {MARKER} is gone, and so is everything else"
    return None


class Anchor:
    """Finds the inbox, and only the inbox.

    Args:
        root: the inbox.
        state: the state folder; without one, nothing is created, or remembered beyond this process.
    """

    def __init__(self, root: Path, *, state: Path | None) -> None:
        self._root = root
        self._memory = state / _MEMORY if state else None
        self._known = _read_memory(self._memory, root)
        self._was_sought = False

    @property
    def token(self) -> str:
        """What names this inbox, or empty before it was found."""
        return self._known.token if self._known else ""

    def find(self) -> Place:
        """Give the place of the inbox, and remember it. The first time, a missing inbox is created.

        Raises:
            StorageUnavailable: it is not there, cannot be read, or something else lies in its place.
        """
        if not self._was_sought:
            self._was_sought = True
            self._create_missing()
        place = find_place(self._root)
        known = self._known or _first_known(self._root, place)
        marker = _recognise(self._root, known, place, memory=self._memory)
        known = replace(known.at(place), token=marker or known.token, is_marked=marker is not None)
        if marker is None and is_remote(place.fs_type):
            known = replace(known, is_marked=_leave_marker(self._root, known.token))
        self._remember(known)
        return place

    def _create_missing(self) -> None:
        """Create a missing inbox, but not below a mount point whose share is away."""
        above = next(folder for folder in self._root.parents if folder.is_dir())
        is_covered = self._known is None or self._known.point == str(find_place(above).point)
        if self._memory and is_covered:
            with storage_errors(self._root):
                self._root.mkdir(parents=True, exist_ok=True)

    def _remember(self, known: Known) -> None:
        if known == self._known:
            return
        self._known = known
        if self._memory is None:
            return
        fresh = self._memory.with_suffix(".tmp")
        try:
            fresh.write_text(json.dumps(asdict(known), indent=1) + "\n", encoding="utf-8")
            fresh.replace(self._memory)
        except OSError as error:
            log.warning("inbox_not_remembered", error=str(error))


def inbox_trouble(root: Path, *, state: Path) -> StorageUnavailable | None:
    """Say what is wrong with an inbox that was in use before; None where nothing is. Changes nothing."""
    memory = state / _MEMORY
    known = _read_memory(memory, root)
    try:
        if known is not None:
            _recognise(root, known, find_place(root), memory=memory)
    except StorageUnavailable as error:
        return error
    return None


def _recognise(root: Path, known: Known, place: Place, *, memory: Path | None) -> str | None:
    """Read the marker; raise where what lies here is not the inbox."""
    marker = _read_marker(root) if known.is_marked or is_remote(place.fs_type) else None
    is_empty = known.is_marked and marker is None and _is_empty(root)
    why = estrangement(known, place, marker=marker, is_empty=is_empty)
    if why is None:
        return marker
    hint = "mount the share again; work goes on by itself"
    if memory:
        hint += f". If recordings are dropped here from now on, delete {memory} and restart"
    raise StorageUnavailable(f"{root} is not the inbox: {why}", path=root, hint=hint)


def _read_marker(root: Path) -> str | None:
    """Read the marker, without following a link or waiting for a pipe that somebody put in its place."""
    try:
        descriptor = os.open(root / MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        token = os.read(descriptor, 2 * _TOKEN_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return token if token.isalnum() else None


def _leave_marker(root: Path, token: str) -> bool:
    """Write the marker; False where that is not allowed, which does no harm."""
    try:
        (root / MARKER).unlink(missing_ok=True)
        with (root / MARKER).open("x", encoding="ascii") as file:
            file.write(f"{token}\n")
    except OSError:
        return False
    return True


def _first_known(root: Path, place: Place) -> Known:
    token = secrets.token_hex(_TOKEN_BYTES)
    return Known(path=str(root), point="", fs_type="", within="", token=token).at(place)


def _read_memory(memory: Path | None, root: Path) -> Known | None:
    """Read what is remembered of this inbox; what cannot be understood is as good as forgotten."""
    if memory is None:
        return None
    try:
        known = Known(**json.loads(memory.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return known if known.path == str(root) else None


def _is_empty(folder: Path) -> bool:
    """Whether only hidden names are in a folder, or none."""
    try:
        with os.scandir(folder) as entries:
            return all(entry.name.startswith(".") for entry in entries)
    except OSError:
        return True
