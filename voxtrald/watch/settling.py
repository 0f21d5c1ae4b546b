"""When has a file stopped changing?

A state machine without a clock and without a file system: it is told what was seen and when, and says which
files are whole and which need another look. Sizes and modification times are compared for equality only, so a
share whose clock runs ahead or behind cannot make a file look young for ever.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath

EMPTY_SETTLE_S = 10.0
"""How long an empty file is given to be filled: browsers and sync clients make a name before its content."""

LOOK_AGAIN_S = 1.0
"""When a look that was asked for and not made is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One look at a regular file, without following links. `relative` is the path from the inbox."""

    relative: PurePosixPath
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int

    @property
    def identity(self) -> tuple[PurePosixPath, int, int, int]:
        """What tells this file from another, or from itself after a change.

        Not the device: a network share may get another number each time it is mounted.
        """
        return self.relative, self.size_bytes, self.mtime_ns, self.inode


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Sighting):
    """A file in the inbox that has stopped changing, as it was when last seen."""


def changed(recording: Recording, sighting: Sighting) -> bool:
    """Whether the file is no longer the one that was taken: written to, or replaced by another."""
    return recording.identity != sighting.identity


@dataclass(slots=True, kw_only=True)
class _Track:
    """What is known about one path.

    Attributes:
        relative: the path from the inbox.
        order: how many paths were seen before this one.
        sighting: the last look, or None where there is no file.
        still_since_s: when size and modification time were first seen as they are now.
        is_settled: whether the file, as last seen, counts as whole.
        due_s: when to look again, where that is needed.
        taken: the file as a worker got it; it is not given out again while it stays so.
        is_busy: whether the worker still has it.
        timed_s: the time under which the path stands in the heap of looks, where it does.
        is_listed: whether the path stands in the heap of whole files.
    """

    relative: PurePosixPath
    order: int
    sighting: Sighting | None = None
    still_since_s: float = 0.0
    is_settled: bool = False
    due_s: float = 0.0
    taken: Recording | None = None
    is_busy: bool = False
    timed_s: float | None = None
    is_listed: bool = False

    def waiting(self) -> Sighting | None:
        """Give the file where it is there, nobody has it, and nobody has had it as it is now."""
        if self.is_busy or self.sighting is None:
            return None
        return self.sighting if self.taken is None or changed(self.taken, self.sighting) else None

    def needs_look(self) -> bool:
        """Whether only another look can tell if the file is whole."""
        return not self.is_settled and self.waiting() is not None

    def offer(self) -> Recording | None:
        """Give the file where it is whole and wanted."""
        sighting = self.waiting() if self.is_settled else None
        if sighting is None:
            return None
        return Recording(
            relative=self.relative,
            size_bytes=sighting.size_bytes,
            mtime_ns=sighting.mtime_ns,
            inode=sighting.inode,
            device=sighting.device,
        )


class Settling:
    """Which files in the inbox are whole.

    A call costs time for the files it is about and no more, however many others are known.

    Args:
        settle_s: a file is whole when two looks, at least this far apart, saw no change between them.
        empty_settle_s: the same for an empty file, where that is longer.
    """

    def __init__(self, *, settle_s: float, empty_settle_s: float = EMPTY_SETTLE_S) -> None:
        self._settle_s = settle_s
        self._empty_settle_s = max(settle_s, empty_settle_s)
        self._orders = count()
        self._tracks: dict[PurePosixPath, _Track] = {}
        # What has become untrue about an entry of a heap is put right when the entry comes to the top: a file
        # that grows all the time must not leave an entry behind with every look.
        self._looks: list[tuple[float, int, _Track]] = []
        self._whole: list[tuple[int, _Track]] = []

    def saw(self, sighting: Sighting, *, now_s: float, complete: bool = False) -> None:
        """Take in one look at a file.

        `complete` says that its writer has just closed it or moved it in as a whole; it then needs no second
        look, unless it is empty. A file that a worker has is watched on, to come up again if it has changed.
        """
        track = self._track(sighting.relative)
        if track.sighting is None or not _is_still(track.sighting, sighting):
            track.still_since_s = now_s
            track.is_settled = False
        track.sighting = sighting
        needed_s = self._settle_s if sighting.size_bytes else self._empty_settle_s
        track.due_s = track.still_since_s + needed_s
        track.is_settled |= now_s >= track.due_s or (complete and sighting.size_bytes > 0)
        self._arrange(track)

    def gone(self, relative: PurePosixPath) -> None:
        """Take in that there is no file at this path."""
        if track := self._tracks.get(relative):
            track.sighting = None
            self._arrange(track)

    def gone_except(self, present: Collection[PurePosixPath]) -> None:
        """Take in that a whole scan has just seen these files and no others. A set is quickest."""
        for relative in [known for known in self._tracks if known not in present]:
            self.gone(relative)

    def took(self, recording: Recording) -> None:
        """Take in that a worker has this file: it does not come up again before `release`."""
        track = self._track(recording.relative)
        track.sighting = track.sighting or recording
        track.taken = recording
        track.is_busy = True

    def release(self, relative: PurePosixPath, *, keep: bool) -> None:
        """Take in that the worker has ended.

        With `keep` the file comes up again only when it changes. Without, it is forgotten, and the next look
        is like the first. A file that changed meanwhile is watched on in both cases.
        """
        if track := self._tracks.get(relative):
            track.is_busy = False
            if not keep and track.waiting() is None:
                track.sighting = None
            self._arrange(track)

    def ready(self, *, at_most: int | None = None) -> tuple[Recording, ...]:
        """Give the files that are whole, in order of first sight; they stay so until a worker `took` them."""
        found: list[tuple[_Track, Recording]] = []
        while self._whole and (at_most is None or len(found) < at_most):
            _, track = heapq.heappop(self._whole)
            track.is_listed = False
            if offer := track.offer():
                found.append((track, offer))
        for track, _ in found:
            self._arrange(track)
        return tuple(offer for _, offer in found)

    def pending(self, *, now_s: float) -> tuple[PurePosixPath, ...]:
        """Give the paths that are due for another look; answer each with `saw` or `gone`."""
        found: list[_Track] = []
        while (track := self._next_look()) and track.due_s <= now_s:
            heapq.heappop(self._looks)
            track.timed_s = None
            found.append(track)
        for track in found:
            track.due_s = now_s + LOOK_AGAIN_S
            self._arrange(track)
        return tuple(track.relative for track in found)

    def due_s(self, *, now_s: float) -> float | None:
        """Say in how many seconds `pending` has something to give, or None where no file needs a look."""
        track = self._next_look()
        return None if track is None else max(track.due_s - now_s, 0.0)

    def _track(self, relative: PurePosixPath) -> _Track:
        track = self._tracks.get(relative)
        if track is None:
            track = self._tracks[relative] = _Track(relative=relative, order=next(self._orders))
        return track

    def _arrange(self, track: _Track) -> None:
        """Put the track where it belongs now: among the whole files, among the looks, or out of mind."""
        if track.sighting is None and not track.is_busy:
            del self._tracks[track.relative]
        elif track.needs_look() and (track.timed_s is None or track.due_s < track.timed_s):
            track.timed_s = track.due_s
            heapq.heappush(self._looks, (track.due_s, next(self._orders), track))
        elif track.offer() and not track.is_listed:
            track.is_listed = True
            heapq.heappush(self._whole, (track.order, track))

    def _next_look(self) -> _Track | None:
        """Give the track that is due first, after dropping or delaying what no longer holds."""
        while self._looks:
            timed_s, order, track = self._looks[0]
            if timed_s != track.timed_s:
                heapq.heappop(self._looks)
            elif not track.needs_look():
                heapq.heappop(self._looks)
                track.timed_s = None
            elif track.due_s > timed_s:
                track.timed_s = track.due_s
                heapq.heapreplace(self._looks, (track.due_s, order, track))
            else:
                return track
        return None


def _is_still(before: Sighting, now: Sighting) -> bool:
    """Whether nothing was written between two looks; not by the inode, which some FUSE shares make up."""
    return (before.size_bytes, before.mtime_ns) == (now.size_bytes, now.mtime_ns)
