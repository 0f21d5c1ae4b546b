"""The inbox as the daemon's main thread sees it: hints and scans go in, settled recordings come out.

Not thread-safe on purpose: one thread decides, and the watcher's thread only puts hints into its mailbox.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import structlog

from voxtrald.config import WatchSettings
from voxtrald.errors import StorageUnavailable
from voxtrald.naming import IgnoreRules, is_recording_name, shown
from voxtrald.watch.scanning import TOP, Oddity, OddKind, scan, sight
from voxtrald.watch.settling import Recording, Settling, Sighting
from voxtrald.watch.watcher import Hint, HintKind, Watcher

log = structlog.get_logger()


class Intake:
    """Watch, scan and settle one inbox.

    Args:
        root: the inbox.
        put: takes each hint from the watcher's thread; give it back with `take` in the main thread.
    """

    def __init__(self, root: Path, *, settings: WatchSettings, put: Callable[[Hint], None]) -> None:
        self._root = root
        self._settings = settings
        self._ignore = IgnoreRules(settings.ignore)
        self._settling = Settling(settle_s=settings.settle_s)
        self._watcher = Watcher(
            root, mode=settings.mode, recursive=settings.recursive, rescan_s=settings.rescan_s, put=put
        )
        self._warned: set[PurePosixPath] = set()
        self._scan_at_s = 0.0
        self._is_reachable = True

    def start(self, *, now_s: float) -> None:
        """Listen first, then scan: what arrives in between is heard or seen, never neither.

        Raises:
            StorageUnavailable: the inbox cannot be watched or read.
        """
        self._watcher.start()
        self._scan(now_s=now_s)

    def stop(self) -> None:
        """Stop listening."""
        self._watcher.stop()

    def take(self, hint: Hint, *, now_s: float) -> None:
        """Follow one hint."""
        relative = PurePosixPath(hint.path.relative_to(self._root).as_posix())
        match hint.kind:
            case HintKind.OVERFLOW:
                self._scan_at_s = now_s
            case HintKind.FOLDER:
                self._scan_folder(relative, now_s=now_s)
            case HintKind.GONE:
                self._settling.gone(relative)
            case HintKind.MAYBE | HintKind.COMPLETE:
                self._look_at(relative, now_s=now_s, complete=hint.kind is HintKind.COMPLETE)

    def tick(self, *, now_s: float) -> float:
        """Do what is due by now; say in how many seconds something is due again."""
        if now_s >= self._scan_at_s:
            self._rescan(now_s=now_s)
        for relative in self._settling.pending(now_s=now_s):
            self._look_at(relative, now_s=now_s)
        due_s = self._settling.due_s(now_s=now_s)
        scan_in_s = max(0.0, self._scan_at_s - now_s)
        return scan_in_s if due_s is None else min(scan_in_s, due_s)

    def next_ready(self) -> Recording | None:
        """Give the first recording that is whole and that nobody has; the next one comes once this was `took`."""
        return next(iter(self._settling.ready(at_most=1)), None)

    def took(self, recording: Recording) -> None:
        """Take in that a worker has this recording."""
        self._settling.took(recording)

    def release(self, relative: PurePosixPath, *, keep: bool, now_s: float) -> None:
        """Take in that the worker is done with it; with `keep` it comes up again only when it changes."""
        self._settling.release(relative, keep=keep)
        if not keep:
            self._look_at(relative, now_s=now_s)

    def _look_at(self, relative: PurePosixPath, *, now_s: float, complete: bool = False) -> None:
        if not is_recording_name(relative, self._ignore):
            return
        try:
            sighting = sight(self._root, relative)
        except StorageUnavailable:
            return  # the next scan says so; a share that does not answer is no empty place
        if sighting is None:
            self._settling.gone(relative)
        else:
            self._settling.saw(sighting, now_s=now_s, complete=complete)

    def _rescan(self, *, now_s: float) -> None:
        try:
            if not self._watcher.is_alive():
                log.warning("watch_restarted", inbox=str(self._root))
                self._watcher.stop()
                self._watcher.start()
            self._scan(now_s=now_s)
        except StorageUnavailable as error:
            self._scan_at_s = now_s + self._watcher.rescan_s
            if self._is_reachable:
                log.warning("inbox_unreachable", error=error.message, hint=error.hint)
            self._is_reachable = False

    def _scan(self, *, now_s: float) -> None:
        present: set[PurePosixPath] = set()
        self._scan_at_s = now_s + self._watcher.rescan_s
        for found in scan(self._root, recursive=self._settings.recursive, ignore=self._ignore):
            if isinstance(found, Sighting):
                present.add(found.relative)
            self._take_found(found, now_s=now_s)
        self._settling.gone_except(present)
        if not self._is_reachable:
            log.info("inbox_reachable", inbox=str(self._root))
        self._is_reachable = True

    def _scan_folder(self, relative: PurePosixPath, *, now_s: float) -> None:
        if relative != TOP and (not self._settings.recursive or self._ignore.ignores(relative)):
            return
        try:
            for found in scan(self._root, recursive=True, ignore=self._ignore, below=relative):
                self._take_found(found, now_s=now_s)
        except StorageUnavailable:
            self._scan_at_s = now_s

    def _take_found(self, found: Sighting | Oddity, *, now_s: float) -> None:
        if isinstance(found, Sighting):
            self._settling.saw(found, now_s=now_s)
        elif found.relative not in self._warned:
            self._warned.add(found.relative)
            level = log.info if found.what is OddKind.NO_RECORDING else log.warning
            level("left_alone", path=shown(str(found.relative)), what=found.what.value)
