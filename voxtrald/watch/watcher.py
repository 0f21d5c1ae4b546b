"""What the kernel says about the inbox, as hints.

An event says where to look, never what is there. Events get lost, by overflow of the kernel's queue and on
network shares altogether. So a scan at the start and every `Watcher.rescan_s` is what finds every file; hints
only make it quick.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import structlog
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyFullEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

from voxtrald.errors import DependencyError
from voxtrald.storage import storage_trouble
from voxtrald.watch.agenda import POLLING_S
from voxtrald.watch.canary import CANARY_PREFIX

# watchdog holds back the first half of a move until the second turns up, and all that happened since waits
# behind it: half a second by default, each time a recording leaves the inbox. The kernel queues both halves
# together, so the second comes at once or, where the file went elsewhere, never.
InotifyMoveEventGrouper.delay = 0.01

_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
    errno.ENFILE: "fs.file-max",
}
"""Which kernel setting to raise when inotify refuses with this error; see inotify(7) and inotify_init(2)."""

# Single writes are not among them. Whether a file has grown is seen by looking at it, and a large copy would
# send thousands of events and flood the queue that carries the few that matter.
_FILES: list[type[FileSystemEvent]] = [FileCreatedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent]
_FOLDERS: list[type[FileSystemEvent]] = [DirCreatedEvent, DirMovedEvent, DirDeletedEvent]

_log = structlog.get_logger()

Mode = Literal["auto", "events", "polling"]


class HintKind(StrEnum):
    """What an event says about a path."""

    MAYBE = "maybe"
    """A file has appeared, and may be growing."""
    COMPLETE = "complete"
    """A file was closed by its writer, moved in or renamed."""
    GONE = "gone"
    """A file or folder was deleted or moved away."""
    FOLDER = "folder"
    """A folder was made, moved in or renamed: look at what is in it."""
    OVERFLOW = "overflow"
    """Events were lost: look at everything."""
    CANARY = "canary"
    """The event of a file that was only written to see whether it comes."""
    NEWS = "news"
    """No event: the scout has something to report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Where to look, and why. `path` begins with the root as it was given to the watcher."""

    path: Path
    kind: HintKind


class Watcher:
    """Hears what happens in a folder and puts a `Hint` for it.

    Args:
        root: the inbox.
        mode: `events` insists on events; `auto` takes them where the kernel gives them, and asks for more
            frequent scans where it does not; `polling` does without.
        recursive: whether folders below the root count.
        rescan_s: how often to scan where events are heard.
        put: takes each hint, in one of watchdog's threads; returns at once, like `queue.SimpleQueue.put`.
    """

    def __init__(
        self,
        root: Path,
        *,
        mode: Mode,
        recursive: bool,
        rescan_s: float,
        put: Callable[[Hint], None],
    ) -> None:
        self._root = root
        self._mode = mode
        self._recursive = recursive
        self._rescan_s = rescan_s
        self._put = put
        self._observer: _Observer | None = None
        self._watched: tuple[int, int] | None = None
        self._misses_folders = False
        self._is_deaf = False

    def start(self) -> None:
        """Begin to listen. What happens after the return is heard; what was there before, a scan finds.

        Raises:
            StorageUnavailable: the root is missing or cannot be read.
            DependencyError: events were asked for and the kernel does not give them.
        """
        if self._mode == "polling":
            return
        self._is_deaf = True
        try:
            os.scandir(self._root).close()  # watchdog ignores it when we may not watch a folder
            self._listen()
        except OSError as error:
            self._give_up_events(error)
        self._is_deaf = False

    def stop(self) -> None:
        """End listening; no hint is put after the return."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()  # even where one of its threads is dead: the others are not
            observer.join()

    def is_alive(self) -> bool:
        """Whether hints still come from where they should.

        False when a thread has died, when the root is not the folder it was at the start (deleted, replaced,
        unmounted, mounted over), or after a `start` that failed: `stop`, and `start` again. Where events are
        not wanted or not to be had, there is nothing that can die.
        """
        if self._observer is None:
            return not self._is_deaf
        return self._observer.is_hearing() and self._watched == _identify(self._root)

    @property
    def hears(self) -> bool:
        """Whether every folder is listened to, as far as the kernel says."""
        return self._observer is not None and not self._misses_folders

    @property
    def rescan_s(self) -> float:
        """How often the inbox must be scanned now, given what the events are worth."""
        return self._rescan_s if self.hears else min(self._rescan_s, POLLING_S)

    def _listen(self) -> None:
        # Given a link, the kernel would watch the link. Hints speak of the root as it was given all the same.
        real = self._root.resolve()
        self._misses_folders = False
        translator = _Translator(root=self._root, real=real, put=self._put)
        observer = _Observer(overflowed=self._overflowed, refused=self._missed)
        try:
            wanted = _FILES + _FOLDERS if self._recursive else _FILES
            observer.schedule(translator, str(real), recursive=self._recursive, event_filter=wanted)
            observer.start()
        except OSError:
            observer.stop()
            raise
        self._watched = _identify(real)
        self._observer = observer

    def _give_up_events(self, error: OSError) -> None:
        """Decide what a refusal means: the setting to raise, or a folder that is not there."""
        if error.errno not in _LIMITS:
            raise storage_trouble(error, path=self._root) from error
        if self._mode == "events":
            raise DependencyError(f"no file events: {error.strerror}", hint=self._advice(error)) from error
        _log.warning("events_refused", reason=error.strerror, hint=self._advice(error), polling_s=self.rescan_s)

    def _overflowed(self) -> None:
        self._put(Hint(path=self._root, kind=HintKind.OVERFLOW))

    def _missed(self, folder: Path, error: OSError) -> None:
        """Take note of a folder that cannot be watched. For the root it is `start` that fails."""
        if error.errno not in _LIMITS or self._misses_folders or folder == self._root.resolve():
            return
        self._misses_folders = True
        _log.warning("watch_limit_reached", reason=error.strerror, hint=self._advice(error), polling_s=POLLING_S)
        self._overflowed()

    def _advice(self, error: OSError) -> str:
        setting = _LIMITS[error.errno or 0]
        needed = self._count_folders() if error.errno == errno.ENOSPC else 1
        return (
            f"raise the limit: sysctl {setting}=N, where N is {_limit(setting)} now; this inbox alone needs {needed},"
            " and what other programs watch counts as well"
        )

    def _count_folders(self) -> int:
        """Count what has to be watched: each folder takes one watch."""
        return sum(1 for _ in os.walk(self._root)) if self._recursive else 1


def _limit(setting: str) -> str:
    try:
        return Path("/proc/sys", *setting.split(".")).read_text("ascii").strip()
    except OSError:
        return "unknown"


def _identify(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Translator(FileSystemEventHandler):
    """Makes hints of events, and nothing else: while it works, watchdog's next event waits."""

    def __init__(self, *, root: Path, real: Path, put: Callable[[Hint], None]) -> None:
        self._root = root
        self._real = real
        self._put = put

    def dispatch(self, event: FileSystemEvent) -> None:
        """Put the hints for one event."""
        if event.is_synthetic:
            # What watchdog found in a folder that was moved. The folder's own hint has it looked at, and says
            # nothing about whether somebody still writes to a file in it.
            return
        match event:
            case FileClosedEvent():
                self._hint(event.src_path, HintKind.COMPLETE)
            case FileCreatedEvent():
                self._hint(event.src_path, HintKind.MAYBE)
            case DirCreatedEvent():
                self._hint(event.src_path, HintKind.FOLDER)
            case FileDeletedEvent() | DirDeletedEvent():
                self._hint(event.src_path, HintKind.GONE)
            case FileMovedEvent() | DirMovedEvent():
                self._hint(event.src_path, HintKind.GONE)
                self._hint(event.dest_path, HintKind.FOLDER if event.is_directory else HintKind.COMPLETE)

    def _hint(self, path: bytes | str, kind: HintKind) -> None:
        """Put one hint; an end of a move that lies outside has no path."""
        if not path:
            return
        there = self._root / Path(os.fsdecode(path)).relative_to(self._real)
        if not there.name.startswith(CANARY_PREFIX):
            self._put(Hint(path=there, kind=kind))
        elif kind is HintKind.MAYBE:  # its creation is enough; that it was closed and removed says no more
            self._put(Hint(path=there, kind=HintKind.CANARY))


class _Reader(InotifyFD):
    """watchdog's reader of the kernel's queue; passes on what watchdog keeps to itself.

    Attributes:
        has_lost_mount: whether a file system that was watched was unmounted. Its watches ended with it, and what
            is mounted in its place can have the same numbers.
    """

    def __init__(self, *, overflowed: Callable[[], None], refused: Callable[[Path, OSError], None]) -> None:
        super().__init__()
        self._tell_overflow = overflowed
        self._tell_refusal = refused
        self.has_lost_mount = False

    def handle_event(self, event: InotifyEvent) -> None:
        """Let watchdog have the event, then tell of an overflow, which it only logs, and note a lost mount."""
        super().handle_event(event)
        self.has_lost_mount |= bool(event.mask & InotifyConstants.IN_UNMOUNT)
        if event.is_queue_overflow:
            self._tell_overflow()

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
        """Watch one more folder; tell of a refusal, which watchdog passes over for all but the root."""
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            self._tell_refusal(Path(os.fsdecode(path)), error)
            raise


class _Observer(BaseObserver):
    """watchdog's observer with our reader; it tells a file that was moved in from one that was created."""

    def __init__(self, *, overflowed: Callable[[], None], refused: Callable[[Path, OSError], None]) -> None:
        self._reader = _Reader(overflowed=overflowed, refused=refused)
        self._reader.start()
        super().__init__(InotifyFullEmitter, inotify_fd=self._reader)

    def on_thread_stop(self) -> None:
        """Stop the reader with the observer."""
        super().on_thread_stop()
        self._reader.stop()
        self._reader.join()

    def is_hearing(self) -> bool:
        """Whether each of the threads between the kernel and the handler is alive, and every mount still there."""
        emitters = self.emitters
        return (
            bool(emitters)
            and not self._reader.has_lost_mount
            and all(thread.is_alive() for thread in (self, self._reader, *emitters))
        )
