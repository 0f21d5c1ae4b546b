"""The folders people look into: where recordings come from, and where they go.

Sub-folders of the inbox are mirrored. Nothing in the outbox or the error folder is ever overwritten, and no
link in the inbox is followed.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from voxtrald.config import FolderSettings
from voxtrald.errors import RecordingChanged, StorageUnavailable
from voxtrald.storage import storage_errors, storage_trouble
from voxtrald.store.durable import PRIVATE_FOLDER_MODE, make_folder, move_whole, write_whole
from voxtrald.store.jobs import Job, Publication
from voxtrald.store.publishing import Originals, Published, Publishing, find_published
from voxtrald.store.quarantining import Quarantined, Quarantining, remove_reports
from voxtrald.store.reserving import Reservations, while_taken
from voxtrald.store.sidecars import Sidecars


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the operator should know about a folder; fatal where nothing works until it is mended."""

    folder: Path
    what: str
    hint: str
    is_fatal: bool


class WorkFolders:
    """Where chunks lie while their recording is in work: below the state folder, one folder per job."""

    def __init__(self, state: Path) -> None:
        self._state = state

    @contextmanager
    def work_folder(self, job_id: str) -> Iterator[Path]:
        """Give an empty private folder for a job's chunks; it is removed at the end of the block.

        Raises:
            StorageUnavailable: it cannot be created.
        """
        folder = self._state / "work" / job_id
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder.parent, mode=PRIVATE_FOLDER_MODE)
        with storage_errors(folder):
            folder.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)  # not synced: it need not outlive anything
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear_work(self, *, except_ids: Collection[str] = ()) -> None:
        """Remove the work folders that killed runs left behind."""
        root = self._state / "work"
        leftovers = [folder for folder in root.glob("*") if folder.name not in except_ids]
        for folder in leftovers:
            shutil.rmtree(folder, ignore_errors=True)


class Folders(WorkFolders):
    """Inbox, outbox, error folder and state folder. Threads share one.

    Attributes:
        sidecars: what people put beside the recordings.
    """

    def __init__(self, *, inbox: Path, outbox: Path, error: Path, state: Path) -> None:
        super().__init__(state)
        self._inbox = inbox
        self._outbox = outbox
        self._error = error
        self.sidecars = Sidecars(inbox=inbox, outbox=outbox, error=error)
        self._outgoing = Reservations()
        self._failing = Reservations()
        self._returning = Reservations()

    @classmethod
    def named_in(cls, settings: FolderSettings) -> Self:
        """Give the folders that the settings name."""
        return cls(inbox=settings.inbox, outbox=settings.outbox, error=settings.error, state=settings.state)

    def ensure(self) -> None:
        """Create the folders that are missing; only its owner may look into the state folder.

        Raises:
            StorageUnavailable: one cannot be created.
        """
        make_folder(self._state, mode=PRIVATE_FOLDER_MODE)
        for folder in (self._inbox, self._outbox, self._error):
            make_folder(folder)

    def check_writable(self) -> tuple[Finding, ...]:
        """Try in every folder what will be done there, and tell what does not work or works slowly."""
        folders = (self._inbox, self._outbox, self._error, self._state)
        troubles = tuple(finding for folder in folders for finding in _try_writing(folder))
        if troubles:
            return troubles
        targets = (self._outbox, self._error)
        return tuple(finding for target in targets for finding in _try_moving(self._inbox, target))

    def source_path(self, relative: str) -> Path:
        """Give the path of a recording in the inbox.

        Raises:
            RecordingChanged: a link stands in the place of a folder on the way to it.
            ValueError: the path would lead out of the inbox.
        """
        path = PurePosixPath(relative)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"not a path below the inbox: {relative!r}")
        if any((self._inbox / folder).is_symlink() for folder in path.parents if folder.name):
            raise RecordingChanged(f"a link stands in the place of a folder of {path.name}")
        return self._inbox / path

    # --- success ------------------------------------------------------------------------------------------

    def publish(
        self,
        job: Job,
        *,
        stem: str,
        documents: Mapping[str, bytes],
        originals: Originals,
        intend: Callable[[Publication], None],
        missing: str = "",
        already: Publication | None = None,
    ) -> Published:
        """Publish a recording's set, the original last; repeatable after a crash at any moment.

        Args:
            job: whose recording it is.
            stem: the name wanted; the whole set is numbered where any of its names is taken.
            documents: whole contents by suffix, such as `.srt`.
            originals: what becomes of the recording.
            intend: writes the chosen names down, durably, before the first of them appears.
            missing: from when to when there is no text in the documents; empty where they are complete.
            already: what an earlier run intended.

        Raises:
            RecordingChanged: the file in the inbox is not the one that was claimed.
            StorageUnavailable: something could not be written; repeat when it can.
        """
        publishing = Publishing(
            job=job,
            source=self.source_path(job.relative),
            folder=_mirrored(self._outbox, job.relative),
            stem=stem,
            documents=documents,
            originals=originals,
            reservations=self._outgoing,
            intend=intend,
            missing=missing,
        )
        return publishing.run(already)

    def find_published(self, job: Job) -> Published | None:
        """Find the set of a job whose recording left the inbox before the ledger could be told.

        Raises:
            StorageUnavailable: the inbox cannot be looked at.
        """
        if job.publication is None:
            return None
        return find_published(
            job,
            job.publication,
            source=self._inbox / job.relative,
            folder=_mirrored(self._outbox, job.relative),
        )

    # --- failure ------------------------------------------------------------------------------------------

    def quarantine(self, job: Job, *, report: str, partial: str | None = None) -> Quarantined:
        """Set a recording aside with its report; repeatable after a crash at any moment.

        Raises:
            RecordingChanged: the file in the inbox is not the one that was claimed.
            StorageUnavailable: something could not be written; repeat when it can.
        """
        return self._quarantining(job, source=self.source_path(job.relative)).run(report=report, partial=partial)

    def find_quarantined(self, job: Job) -> Quarantined | None:
        """Find the recording of a job that went to the error folder before the ledger could be told."""
        return self._quarantining(job, source=self._inbox / job.relative).find()

    def release_report(self, relative: str) -> None:
        """Remove the reports of an earlier failure, where the recording itself is not in the error folder.

        Raises:
            StorageUnavailable: one could not be removed.
        """
        remove_reports(_mirrored(self._error, relative), PurePosixPath(relative).name)

    def give_back(self, name: str, *, relative: str) -> str:
        """Move a failed recording back to the inbox and give its path there; a taken name gets a number.

        Args:
            name: of the recording below the error folder.
            relative: where it came from.

        Raises:
            RecordingChanged: it is not in the error folder any more.
            StorageUnavailable: it could not be moved.
        """
        folder = self.source_path(relative).parent
        make_folder(folder)
        return while_taken(lambda: self._give_back(name, folder=folder, wanted=PurePosixPath(relative)), folder=folder)

    def _give_back(self, name: str, *, folder: Path, wanted: PurePosixPath) -> str:
        suffixes = [wanted.suffix]
        with self._returning.stem(folder, wanted.stem, suffixes=suffixes, is_mine=lambda _: False) as stem:
            free = wanted.with_name(stem + wanted.suffix)
            move_whole(self._error / name, self._inbox / free)
            return str(free)

    def _quarantining(self, job: Job, *, source: Path) -> Quarantining:
        return Quarantining(
            job=job,
            source=source,
            folder=_mirrored(self._error, job.relative),
            reservations=self._failing,
        )


def _mirrored(root: Path, relative: str) -> Path:
    return root / PurePosixPath(relative).parent


def _probe(folder: Path) -> Path:
    return folder / f".voxtrald-check-{os.getpid()}.tmp"


def _try_writing(folder: Path) -> Iterator[Finding]:
    probe = _probe(folder)
    try:
        write_whole(probe, b"")
        with storage_errors(probe):
            probe.unlink()
    except StorageUnavailable as trouble:
        yield Finding(folder=folder, what=trouble.message, hint=trouble.hint, is_fatal=True)


def _try_moving(inbox: Path, target: Path) -> Iterator[Finding]:
    source, moved = _probe(inbox), _probe(target)
    try:
        write_whole(source, b"")
        source.replace(moved)
    except OSError as error:
        if error.errno == errno.EXDEV:
            what = "is on another file system than the inbox: recordings are copied there instead of renamed"
            yield Finding(folder=target, what=what, hint="slower, and needs room for a copy", is_fatal=False)
        else:
            trouble = storage_trouble(error, path=target)
            yield Finding(folder=target, what=trouble.message, hint=trouble.hint, is_fatal=True)
    finally:
        source.unlink(missing_ok=True)
        moved.unlink(missing_ok=True)
