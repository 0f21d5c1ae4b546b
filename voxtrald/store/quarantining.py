"""A recording that is at fault goes to the error folder: its report first, itself last."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from voxtrald.naming import free_stem
from voxtrald.steps import Step, announce
from voxtrald.storage import storage_errors
from voxtrald.store.durable import make_folder, remove_leftovers, room_for, write_whole
from voxtrald.store.jobs import Job
from voxtrald.store.reserving import Reservations, while_taken
from voxtrald.store.sources import has_arrived, has_content_of, move_claimed, require_claimed

REPORT = ".error.txt"
PARTIAL = ".partial.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Where a failed recording is, as POSIX paths below the error folder."""

    recording: str
    report: str
    partial: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the recording first."""
        return (self.recording, self.report, *([self.partial] if self.partial else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantining:
    """One recording on its way to the error folder.

    A report whose recording is not beside it is a leftover, from a run that was cut short or from a recording
    that was moved back to the inbox; a new report replaces it.

    Attributes:
        source: the recording in the inbox.
        folder: where it goes.
    """

    job: Job
    source: Path
    folder: Path
    reservations: Reservations

    def run(self, *, report: str, partial: str | None) -> Quarantined:
        """Quarantine the recording; repeatable after a crash at any moment.

        Raises:
            RecordingChanged: the file in the inbox is not the one that was claimed.
            StorageUnavailable: something could not be written; repeat when it can.
        """
        if quarantined := self.find():
            return quarantined
        require_claimed(self.source, self.job)
        texts = {REPORT: report} | ({PARTIAL: partial} if partial is not None else {})
        contents = {suffix: text.encode("utf-8", errors="replace") for suffix, text in texts.items()}
        make_folder(self.folder)
        remove_leftovers(self.folder, marker=self.job.id)
        room_for(self.folder, sum(map(len, contents.values())))
        return while_taken(lambda: self._quarantine(contents), folder=self.folder)

    def find(self) -> Quarantined | None:
        """Find the recording where an earlier run put it before it could say so."""
        name = PurePosixPath(self.job.relative)
        stem = free_stem(name.stem, self._suffixes(), self._is_other)
        if os.path.lexists(self.source) or not has_arrived(self.folder / (stem + name.suffix), self.job):
            return None
        return self._quarantined(stem)

    def _quarantine(self, contents: Mapping[str, bytes]) -> Quarantined:
        name = PurePosixPath(self.job.relative)
        with self.reservations.stem(self.folder, name.stem, suffixes=self._suffixes(), is_mine=self._is_mine) as stem:
            target = self.folder / (stem + name.suffix)
            paths = [target.with_name(target.name + suffix) for suffix in contents]
            for path, content in zip(paths, contents.values(), strict=True):
                write_whole(path, content, marker=self.job.id, written=Step.OUTPUT_WRITTEN)
                announce(Step.OUTPUT_PUBLISHED)
            try:
                move_claimed(self.source, target, job=self.job)
            except FileExistsError:
                _remove(paths)
                raise
            return self._quarantined(stem)

    def _suffixes(self) -> tuple[str, ...]:
        suffix = PurePosixPath(self.job.relative).suffix
        return (suffix, suffix + REPORT, suffix + PARTIAL)

    def _is_mine(self, name: str) -> bool:
        return name.endswith((REPORT, PARTIAL)) or has_content_of(self.folder / name, self.source)

    def _is_other(self, name: str) -> bool:
        if name.endswith((REPORT, PARTIAL)) or not os.path.lexists(self.folder / name):
            return False
        return not has_arrived(self.folder / name, self.job)

    def _quarantined(self, stem: str) -> Quarantined:
        relative = PurePosixPath(self.job.relative)
        recording = str(relative.parent / (stem + relative.suffix))
        has_partial = (self.folder / (stem + relative.suffix + PARTIAL)).is_file()
        return Quarantined(
            recording=recording,
            report=recording + REPORT,
            partial=recording + PARTIAL if has_partial else None,
        )


def remove_reports(folder: Path, name: str) -> None:
    """Remove the reports about a recording that is not in the error folder any more.

    Raises:
        StorageUnavailable: one could not be removed.
    """
    wanted = PurePosixPath(name)
    suffixes = [wanted.suffix + suffix for suffix in (REPORT, PARTIAL)]
    stem = free_stem(wanted.stem, suffixes, lambda _: False)
    if not os.path.lexists(folder / (stem + wanted.suffix)):
        _remove([folder / (stem + suffix) for suffix in suffixes])


def _remove(paths: list[Path]) -> None:
    for path in paths:
        with storage_errors(path):
            path.unlink(missing_ok=True)
