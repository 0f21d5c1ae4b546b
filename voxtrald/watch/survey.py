"""The looks at the inbox that only the scout makes: is it there, what is in it, does it give events?

A sweep looks at every file. Between two sweeps of a crowded inbox a glance is enough to find what is new: it asks
each folder for its modification time and looks only into those where that has changed.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from voxtrald.errors import StorageUnavailable
from voxtrald.naming import IgnoreRules
from voxtrald.watch.anchor import Anchor
from voxtrald.watch.canary import call_out, choose
from voxtrald.watch.mounts import Place, is_remote
from voxtrald.watch.pacing import Kind
from voxtrald.watch.scanning import TOP, Oddity, OddKind, look_into, sight
from voxtrald.watch.settling import Sighting
from voxtrald.watch.watcher import Watcher

REMOTE_SETTLE_S = 5.0
"""The shortest time between two looks that count on a network share.

A client of NFS keeps what it knows of a file for 3 seconds after a change, one of SMB for 1 (nfs(5), acregmin;
mount.cifs(8), actimeo): a second look within that time would see the first one again.
"""

# A folder that was changed so long ago has not been changed within the last tick of its clock, even where that clock is
# hours wrong: there is no need to look into it twice at the start.
_LONG_AGO_NS = 24 * 3600 * 10**9

_BATCH = 500  # sightings in one report: the deciding thread takes them in within milliseconds


# --- reports ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """The inbox is there; `is_new` where listening began anew, so that anything may have happened."""

    place: Place
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is in a folder, or a part of it; a change counts as over after `at_least_s` at the earliest."""

    sightings: tuple[Sighting, ...]
    oddities: tuple[Oddity, ...]
    at_least_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One file as it is now; `sighting` is None where there is none."""

    relative: PurePosixPath
    sighting: Sighting | None
    is_complete: bool
    at_least_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A sweep or a glance has begun; what is `Found` until it is over belongs to it."""

    below: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """It is over.

    Attributes:
        is_whole: whether every file below was looked at, so that what was not seen is gone.
        has_news: whether there was a folder to look into; a sweep looks into all of them.
    """

    below: PurePosixPath
    kind: Kind
    is_whole: bool
    has_news: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """In these folders a canary was written, whose event should come."""

    folders: tuple[PurePosixPath, ...]


Report = Arrived | Found | Looked | Began | Swept | Called


# --- looks --------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Folder:
    """What a folder was like when it was last looked into; `was_new` where it had changed since the look before."""

    mtime_ns: int
    inode: int
    was_new: bool


class Survey:
    """Looks at one inbox. Each look is an errand for the scout; nothing here may be called by another thread.

    Args:
        root: the inbox.
        watcher: is started and stopped here, because that touches every folder.
        anchor: tells the inbox from what shows when its share is gone.
        now_ns: the time of day; it only spares work, and nothing goes wrong where it is wrong by hours.
    """

    def __init__(
        self,
        root: Path,
        *,
        recursive: bool,
        ignore: IgnoreRules,
        watcher: Watcher,
        anchor: Anchor,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._recursive = recursive
        self._ignore = ignore
        self._watcher = watcher
        self._anchor = anchor
        self._now_ns = now_ns
        self._place: Place | None = None
        self._folders: dict[PurePosixPath, _Folder] = {}
        self._seen: set[PurePosixPath] = set()

    def arrive(self) -> Iterator[Report]:
        """See whether the inbox is there, and listen; anew where it lies elsewhere than before.

        Raises:
            StorageUnavailable: it is away, or cannot be read or watched.
            DependencyError: events were asked for and the kernel does not give them.
        """
        place = self._anchor.find()
        is_new = place != self._place or not self._watcher.is_alive()
        if is_new:
            self._place = None
            self._watcher.stop()
            self._watcher.start()
            self._place = place
        yield Arrived(place=place, is_new=is_new)

    def look(self, *relatives: PurePosixPath, is_complete: bool = False) -> Iterator[Report]:
        """Look at single files; say nothing of those that seem to be gone together with the inbox.

        Raises:
            StorageUnavailable: the file system does not answer.
        """
        sightings = dict(self._sight(relatives))
        is_there = all(sightings.values()) or self._anchor.find() == self._place
        for relative, sighting in sightings.items():
            if sighting is not None or is_there:
                at_least_s = self._at_least_s(relative)
                yield Looked(relative=relative, sighting=sighting, is_complete=is_complete, at_least_s=at_least_s)

    def sweep(self, below: PurePosixPath = TOP) -> Iterator[Report]:
        """Look at every file below a folder.

        Raises:
            StorageUnavailable: the inbox is away, or went away meanwhile.
        """
        yield from self.arrive()
        yield Began(below=below)
        is_whole, known, self._seen = True, self._folders, set[PurePosixPath]()
        for found in self._visit(deque([below])):
            is_whole &= all(oddity.what is not OddKind.UNREADABLE for oddity in found.oddities)
            yield found
        if below == TOP:
            self._folders = {folder: known[folder] for folder in known if folder in self._seen}
        is_whole &= self._anchor.find() == self._place
        yield Swept(below=below, kind="sweep", is_whole=is_whole, has_news=True)

    def glance(self, below: PurePosixPath = TOP) -> Iterator[Report]:
        """Look into the folders in which names came or went since they were last looked into.

        Raises:
            StorageUnavailable: the inbox is away.
        """
        yield from self.arrive()
        yield Began(below=below)
        has_news = False
        for folder in [known for known in self._folders if known.is_relative_to(below)]:
            if self._has_changed(folder):
                has_news = True
                yield from self._visit(deque([folder]), only_new=True)
        yield Swept(below=below, kind="glance", is_whole=False, has_news=has_news)

    def look_through(self, folder: PurePosixPath) -> Iterator[Report]:
        """Look at every file in a folder that has just come."""
        return self._visit(deque([folder]))

    def call_out(self, *, always: Collection[PurePosixPath], number: int) -> Iterator[Report]:
        """Write canaries in some folders: in those of every round that are there, and the next ones in turn."""
        known = [folder for folder in always if folder in self._folders]
        folders = choose(tuple(self._folders), always=known, number=number)
        yield Called(folders=tuple(call_out(self._root, folders, token=self._anchor.token)))

    def stop_listening(self) -> Iterator[Report]:
        """End the watcher."""
        self._watcher.stop()
        return iter(())

    def _sight(self, relatives: Iterable[PurePosixPath]) -> Iterator[tuple[PurePosixPath, Sighting | None]]:
        """Look at files; one that cannot be looked at is left out, as long as it is not the inbox that refuses."""
        for relative in relatives:
            try:
                yield relative, sight(self._root, relative)
            except StorageUnavailable:
                self._anchor.find()

    def _visit(self, folders: deque[PurePosixPath], *, only_new: bool = False) -> Iterator[Found]:
        """Look into folders and those below them; with `only_new`, below them only into unknown ones."""
        while folders:
            folder = folders.popleft()
            self._note(folder)
            for found, inner in self._batches(folder):
                if self._recursive:
                    folders.extend(one for one in inner if not only_new or one not in self._folders)
                yield found

    def _batches(self, folder: PurePosixPath) -> Iterator[tuple[Found, list[PurePosixPath]]]:
        at_least_s = self._at_least_s(folder)
        entries = look_into(self._root, folder, ignore=self._ignore)
        while batch := tuple(islice(entries, _BATCH)):
            found = Found(
                sightings=tuple(entry for entry in batch if isinstance(entry, Sighting)),
                oddities=tuple(entry for entry in batch if isinstance(entry, Oddity)),
                at_least_s=at_least_s,
            )
            yield found, [entry for entry in batch if isinstance(entry, PurePosixPath)]

    def _note(self, folder: PurePosixPath) -> None:
        """Note what a folder is like before looking into it, so that no change can slip in between."""
        status = self._status(folder)
        if status is None:
            self._folders.pop(folder, None)
            return
        known = self._folders.get(folder)
        if known is None:
            was_new = abs(self._now_ns() - status.st_mtime_ns) < _LONG_AGO_NS
        else:
            was_new = (known.mtime_ns, known.inode) != (status.st_mtime_ns, status.st_ino)
        self._seen.add(folder)
        self._folders[folder] = _Folder(mtime_ns=status.st_mtime_ns, inode=status.st_ino, was_new=was_new)

    def _has_changed(self, folder: PurePosixPath) -> bool:
        """Whether a folder has to be looked into: once more than it changed, because its clock may tick slowly.

        A name that came right after a look, within the same tick of the file system's clock (2 s on FAT), does
        not change the time any more.
        """
        status, known = self._status(folder), self._folders[folder]
        if status is None:
            del self._folders[folder]
            return False
        return known.was_new or (known.mtime_ns, known.inode) != (status.st_mtime_ns, status.st_ino)

    def _status(self, folder: PurePosixPath) -> os.stat_result | None:
        try:
            return (self._root / folder).lstat()
        except OSError:
            return None

    def _at_least_s(self, relative: PurePosixPath) -> float:
        is_shared = self._place is not None and is_remote(self._place.type_at(relative))
        return REMOTE_SETTLE_S if is_shared else 0.0
