"""When has a file stopped changing?

A state machine without a clock and without a file system: it is told what was seen and when, and says which
files are whole and which need another look. Sizes and modification times are compared for equality only, so a
share whose clock runs ahead or behind cannot make a file look young for ever.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath
from typing import Any

EMPTY_SETTLE_S = 10.0
"""How long an empty file is given to be filled: browsers and sync clients make a name before its content."""

LOOK_AGAIN_S = 1.0
"""When a look that was asked for and not made is asked for again."""


Facts = tuple[int, int, int]
"""Size, modification time and inode of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One look at a regular file, without following links. `relative` is the path from the inbox."""

    relative: PurePosixPath
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int

    @property
    def facts(self) -> Facts:
        """What tells this file from another of its name, or from itself after a change.

        Not the device: a network share may get another number each time it is mounted.
        """
        return self.size_bytes, self.mtime_ns, self.inode


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Sighting):
    """A file in the inbox that has stopped changing, as it was when last seen."""


@dataclass(slots=True, kw_only=True)
class _Track:
    """What is known about one path.

    An inbox may hold a hundred thousand files, so this is kept small: the path is text, because a path object with
    what it remembers is four times as large, and of a look only the numbers are kept.

    Attributes:
        path: from the inbox.
        order: how many paths were seen before this one.
        facts: what the file was like at the last look, or None where there is none.
        device: the number of its file system.
        still_since_s: when size and modification time were first seen as they are now.
        is_settled: whether the file, as last seen, counts as whole.
        due_s: when to look again, where that is needed.
        taken: the file as a worker got it; it is not given out again while it stays so.
        is_busy: whether the worker still has it.
        timed_s: the time under which the path stands in the heap of looks, where it does.
        is_listed: whether the path stands in a queue of whole files, or waits to be sorted into one.
        is_put_off: whether it was sorted into no queue.
        sweep: the number of the sweep in which it was last seen.
    """

    path: str
    order: int
    facts: Facts | None = None
    device: int = 0
    still_since_s: float = 0.0
    is_settled: bool = False
    due_s: float = 0.0
    taken: Facts | None = None
    is_busy: bool = False
    timed_s: float | None = None
    is_listed: bool = False
    is_put_off: bool = False
    sweep: int = 0

    def is_waiting(self) -> bool:
        """Whether the file is there, nobody has it, and nobody has had it as it is now."""
        return not self.is_busy and self.facts is not None and self.facts != self.taken

    def needs_look(self) -> bool:
        """Whether only another look can tell if the file is whole."""
        return not self.is_settled and self.is_waiting()

    def is_wanted(self) -> bool:
        """Whether the file is whole and can be given out."""
        return self.is_settled and self.is_waiting()

    def offer(self) -> Recording | None:
        """Give the file where it is whole and wanted."""
        if self.facts is None or not self.is_wanted():
            return None
        size_bytes, mtime_ns, inode = self.facts
        return Recording(
            relative=PurePosixPath(self.path),
            size_bytes=size_bytes,
            mtime_ns=mtime_ns,
            inode=inode,
            device=self.device,
        )


_Queue = list[tuple[int, _Track]]


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
        self._sweep = 0
        self._tracks: dict[str, _Track] = {}
        # Files that are done with and stay where they are can be many. Of these no more is kept than what tells
        # whether they have changed, and the sweep in which they were last seen: a third of a track's memory.
        self._kept: dict[str, tuple[Facts, int]] = {}
        # What has become untrue about an entry of a heap is put right when the entry comes to the top: a file
        # that grows all the time must not leave an entry behind with every look.
        self._looks: list[tuple[float, int, _Track]] = []
        self._unsorted: list[_Track] = []
        self._queues: dict[Hashable, _Queue] = {}

    def saw(self, sighting: Sighting, *, now_s: float, complete: bool = False, at_least_s: float = 0.0) -> None:
        """Take in one look at a file.

        `complete` says that its writer has just closed it or moved it in as a whole; it then needs no second
        look, unless it is empty. A file that a worker has is watched on, to come up again if it has changed.
        `at_least_s` lengthens the wait where looks that follow closely may be answered from a cache.
        """
        if self._stays_kept(sighting, now_s=now_s):
            return
        track, facts = self._track(sighting.relative), sighting.facts
        track.sweep, track.device = self._sweep, sighting.device
        if track.facts is None or not _is_still(track.facts, facts):
            track.still_since_s = now_s
            track.is_settled = False
        if track.facts != facts:  # else the old ones stay, which may be shared with those that were taken
            track.facts = facts
            if track.is_put_off:  # that was said of the file as it was before
                track.is_put_off = track.is_listed = False
        needed_s = max(self._settle_s if sighting.size_bytes else self._empty_settle_s, at_least_s)
        track.due_s = track.still_since_s + needed_s
        track.is_settled |= now_s >= track.due_s or (complete and sighting.size_bytes > 0)
        self._arrange(track)

    def gone(self, relative: PurePosixPath) -> None:
        """Take in that there is no file at this path."""
        self._forget(str(relative))

    def sweep_begins(self) -> None:
        """Take in that every file is about to be looked at."""
        self._sweep += 1

    def sweep_ended(self) -> None:
        """Take in that every file has been looked at: what was not seen since `sweep_begins` is gone."""
        tracked = [path for path, track in self._tracks.items() if track.sweep != self._sweep]
        kept = [path for path, (_, sweep) in self._kept.items() if sweep != self._sweep]
        for path in (*tracked, *kept):
            self._forget(path)

    def took(self, recording: Recording) -> None:
        """Take in that a worker has this file: it does not come up again before `release`."""
        track, facts = self._track(recording.relative), recording.facts
        track.taken = track.facts if track.facts == facts else facts
        track.facts = track.facts or facts
        track.is_busy = True

    def release(self, relative: PurePosixPath, *, keep: bool) -> None:
        """Take in that the worker has ended.

        With `keep` the file comes up again only when it changes. Without, it is forgotten, and the next look
        is like the first. A file that changed meanwhile is watched on in both cases.
        """
        if track := self._tracks.get(str(relative)):
            track.is_busy = False
            if not track.is_waiting():
                if keep and track.facts:
                    self._kept[track.path] = (track.facts, track.sweep)
                track.facts = None
            self._arrange(track)

    def ready(
        self,
        *,
        at_most: int | None = None,
        queue_of: Callable[[Recording], Hashable | None] = lambda _: "",
        is_open: Callable[[Any], bool] = lambda _: True,
    ) -> tuple[Recording, ...]:
        """Give the files that are whole, in order of first sight; they stay so until a worker `took` them.

        Files wait in queues, and those in queues that are not open are not even looked at, however many they are.
        Each is sorted into its queue once; with None for a queue it is put off until it changes, or `sort_anew`.
        """
        self._sort(queue_of)
        queues = [queue for name, queue in self._queues.items() if is_open(name)]
        found: list[tuple[_Queue, tuple[int, _Track]]] = []
        while (at_most is None or len(found) < at_most) and (queue := _next_queue(queues)):
            found.append((queue, heapq.heappop(queue)))
        for queue, entry in found:
            heapq.heappush(queue, entry)
        return tuple(offer for _, (_, track) in found if (offer := track.offer()))

    def sort_anew(self) -> None:
        """Take in that files may belong into other queues than before."""
        self._queues.clear()
        for track in self._tracks.values():
            track.is_put_off = False
        self._unsorted = [track for track in self._tracks.values() if track.is_listed]

    def waiting(self) -> int:
        """Count the files that are whole and that no worker has."""
        return sum(1 for track in self._tracks.values() if track.is_wanted())

    def oldest_s(self, *, now_s: float) -> float:
        """Say how long the first of the `waiting` files has not changed; 0 where none waits."""
        return max((now_s - track.still_since_s for track in self._tracks.values() if track.is_wanted()), default=0.0)

    def still_since_s(self, relative: PurePosixPath) -> float | None:
        """Look up since when a file has not changed; None where it is not known."""
        track = self._tracks.get(str(relative))
        return track.still_since_s if track else None

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
        return tuple(PurePosixPath(track.path) for track in found)

    def due_s(self, *, now_s: float) -> float | None:
        """Say in how many seconds `pending` has something to give, or None where no file needs a look."""
        track = self._next_look()
        return None if track is None else max(track.due_s - now_s, 0.0)

    def _stays_kept(self, sighting: Sighting, *, now_s: float) -> bool:
        """Whether this is a file that is done with and has not changed; one that has is tracked again."""
        path = str(sighting.relative)
        facts, _ = self._kept.get(path, (None, 0))
        if facts is None:
            return False
        if facts == sighting.facts:
            self._kept[path] = (facts, self._sweep)
            return True
        del self._kept[path]
        track = self._track(sighting.relative)
        track.facts = track.taken = facts
        track.is_settled, track.still_since_s = True, now_s
        return False

    def _forget(self, path: str) -> None:
        self._kept.pop(path, None)
        if track := self._tracks.get(path):
            track.facts = None
            self._arrange(track)

    def _track(self, relative: PurePosixPath) -> _Track:
        path = str(relative)
        track = self._tracks.get(path)
        if track is None:
            track = self._tracks[path] = _Track(path=path, order=next(self._orders))
        return track

    def _arrange(self, track: _Track) -> None:
        """Put the track where it belongs now: among the whole files, among the looks, or out of mind."""
        if track.facts is None and not track.is_busy:
            del self._tracks[track.path]
        elif track.needs_look() and (track.timed_s is None or track.due_s < track.timed_s):
            track.timed_s = track.due_s
            heapq.heappush(self._looks, (track.due_s, next(self._orders), track))
        elif track.is_wanted() and not track.is_listed:
            track.is_listed = True
            self._unsorted.append(track)

    def _sort(self, queue_of: Callable[[Recording], Hashable | None]) -> None:
        """Sort the files that have become whole into their queues."""
        unsorted, self._unsorted = self._unsorted, []
        for track in unsorted:
            offer = track.offer()
            name = queue_of(offer) if offer else None
            track.is_listed, track.is_put_off = offer is not None, offer is not None and name is None
            if name is not None:
                heapq.heappush(self._queues.setdefault(name, []), (track.order, track))

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


def _next_queue(queues: Sequence[_Queue]) -> _Queue | None:
    """Choose the queue whose first file was seen first, after dropping what is not wanted any more."""
    for queue in queues:
        while queue and not queue[0][1].is_wanted():
            heapq.heappop(queue)[1].is_listed = False
    return min((queue for queue in queues if queue), key=lambda queue: queue[0][0], default=None)


def _is_still(before: Facts, now: Facts) -> bool:
    """Whether nothing was written between two looks; not by the inode, which some FUSE shares make up."""
    return before[:2] == now[:2]
