"""Which folders give events, and which have to be polled. Pure.

Two things speak against a folder: the type of its file system, where others change files without our kernel knowing,
and a canary that was not heard. Whatever the reason, the folder is polled with all that is below it, and events are
still taken where they come: they are early, and polling is sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from voxtrald.watch.mounts import Place, is_remote

PATIENCE_S = 5.0
"""How long the event of a canary is waited for."""

UNHEARD = "a file that was written to try it gave no event"
HEARD = "a file that was written to try it gave its event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A folder is polled from now on, or no longer."""

    folder: PurePosixPath
    is_polled: bool
    reason: str


class Hearing:
    """What is known about the folders' events.

    Attributes:
        judged_s: when patience with the canaries that were written is over; None where none is waited for.
    """

    def __init__(self) -> None:
        self._remote: dict[PurePosixPath, str] = {}
        self._silent: set[PurePosixPath] = set()
        self._awaited: frozenset[PurePosixPath] = frozenset()
        self._heard: set[PurePosixPath] = set()
        self.judged_s: float | None = None

    @property
    def polled(self) -> frozenset[PurePosixPath]:
        """The folders to poll, without those that lie below another one."""
        every = self._silent | self._remote.keys()
        return frozenset(folder for folder in every if every.isdisjoint(folder.parents))

    def calling(self) -> frozenset[PurePosixPath]:
        """Take in that canaries will be written; give the silent folders, which have to be among those tried."""
        self._heard.clear()
        return frozenset(self._silent)

    def arrived(self, place: Place, *, is_new: bool) -> Iterator[Switch]:
        """Take in where the inbox lies; where listening began anew, all canaries have to be asked anew."""
        before, self._remote = self._remote, remote_folders(place)
        if is_new:
            self._silent.clear()
            self._awaited, self.judged_s = frozenset(), None
        for folder, fs_type in self._remote.items():
            if folder not in before:
                reason = f"{fs_type} tells nothing of what is done on other machines"
                yield Switch(folder=folder, is_polled=True, reason=reason)
        for folder in before.keys() - self._remote.keys():
            yield Switch(folder=folder, is_polled=False, reason="it is on another file system now")

    def is_remote(self, folder: PurePosixPath) -> bool:
        """Whether events from this folder are not to be relied on anyway."""
        return not self._remote.keys().isdisjoint((folder, *folder.parents))

    def called(self, folders: Iterable[PurePosixPath], *, now_s: float) -> None:
        """Take in that canaries were written; their events may have come already."""
        self._awaited = frozenset(folder for folder in folders if not self.is_remote(folder))
        self.judged_s = now_s + PATIENCE_S

    def heard(self, folder: PurePosixPath) -> Iterator[Switch]:
        """Take in the event of a canary; one that comes late is believed as well."""
        self._heard.add(folder)
        if folder in self._silent:
            self._silent.discard(folder)
            yield Switch(folder=folder, is_polled=False, reason=HEARD)

    def judge(self, *, now_s: float) -> Iterator[Switch]:
        """Say which folders were silent, once all were heard or patience is over."""
        if self.judged_s is None or (now_s < self.judged_s and not self._awaited <= self._heard):
            return
        silent = self._awaited - self._heard - self._silent
        self._silent |= silent
        self._awaited, self.judged_s = frozenset(), None
        for folder in sorted(silent):
            yield Switch(folder=folder, is_polled=True, reason=UNHEARD)


def remote_folders(place: Place) -> dict[PurePosixPath, str]:
    """List the mounts of a network share or a host's folder, from the inbox, with their types."""
    types = {PurePosixPath(): place.fs_type} | {inner.relative: inner.fs_type for inner in place.below}
    return {folder: fs_type for folder, fs_type in types.items() if is_remote(fs_type)}
