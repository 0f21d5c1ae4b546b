"""One recording's set goes to the outbox: names first, then the documents, and the original last.

The names and the digests of the documents are written down before the first file appears. A run that was cut
short at any moment is repeated as a whole: what is there already is told by its digest, so that the repeat
ends with the same set, no second one, and nobody else's file touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, repeat
from pathlib import Path, PurePosixPath

from voxtrald.errors import RecordingChanged
from voxtrald.steps import Step, announce
from voxtrald.storage import storage_errors
from voxtrald.store.durable import add_whole, make_folder, remove_leftovers, room_for, sync_folder
from voxtrald.store.jobs import Job, JobState, Output, Publication
from voxtrald.store.reserving import Reservations, while_taken
from voxtrald.store.sources import (
    file_sha256,
    has_arrived,
    has_content_of,
    move_claimed,
    remove_claimed,
    require_claimed,
)


class Originals(StrEnum):
    """What becomes of the recording once its transcript is published."""

    OUTBOX = "outbox"
    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a recording ended with, as POSIX paths below the outbox.

    Attributes:
        source_to: where itself went.
        missing: from when to when there is no text; empty where it is complete.
    """

    outputs: tuple[str, ...]
    source_to: str | None
    missing: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the recording last."""
        return self.outputs if self.source_to is None else (*self.outputs, self.source_to)

    @property
    def state(self) -> JobState:
        """How its job ends."""
        return JobState.PARTIAL if self.missing else JobState.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """One recording on its way out.

    Attributes:
        source: the recording in the inbox.
        folder: where its set goes.
        stem: the name wanted.
        documents: whole contents by suffix, such as `.srt`.
        missing: from when to when there is no text in them; empty where they are complete.
        intend: writes the chosen names down, durably.
    """

    job: Job
    source: Path
    folder: Path
    stem: str
    documents: Mapping[str, bytes]
    originals: Originals
    reservations: Reservations
    intend: Callable[[Publication], None]
    missing: str = ""

    def run(self, already: Publication | None) -> Published:
        """Publish, or go on with what `already` was intended.

        Raises:
            RecordingChanged: the file in the inbox is not the one that was claimed.
            StorageUnavailable: something could not be written; repeat when it can.
        """
        if already and (published := find_published(self.job, already, source=self.source, folder=self.folder)):
            return published
        require_claimed(self.source, self.job)
        make_folder(self.folder)
        if already:
            remove_leftovers(self.folder, marker=self.job.id)
        room_for(self.folder, sum(map(len, self.documents.values())))
        intended = chain([already], repeat(None))
        return while_taken(lambda: self._publish(next(intended)), folder=self.folder)

    def _publish(self, already: Publication | None) -> Published:
        earlier = {output.name: output.sha256 for output in already.outputs} if already else {}
        wanted = already.stem if already else self.stem
        with self.reservations.stem(
            self.folder, wanted, suffixes=self._suffixes(), is_mine=lambda name: self._is_mine(name, earlier)
        ) as stem:
            publication = self._publication(stem, earlier=earlier, missing=self._missing(already))
            self.intend(publication)
            try:
                self._place(publication)
            except FileExistsError:
                self._withdraw(publication)
                raise
        return _published(publication)

    def _suffixes(self) -> tuple[str, ...]:
        suffix = PurePosixPath(self.job.relative).suffix
        return (*self.documents, suffix) if self.originals is Originals.OUTBOX else tuple(self.documents)

    def _is_mine(self, name: str, earlier: Mapping[str, str]) -> bool:
        """Say whether a name that exists is there from an earlier run that was cut short."""
        if not earlier:
            return False
        path = self.folder / name
        return file_sha256(path) == earlier[name] if name in earlier else has_content_of(path, self.source)

    def _missing(self, already: Publication | None) -> str:
        """Say what is missing in the set: a document of an earlier run that stays keeps its holes."""
        if self.missing or already is None or not already.missing:
            return self.missing
        stays = any(file_sha256(self.folder / output.name) == output.sha256 for output in already.outputs)
        return already.missing if stays else ""

    def _publication(self, stem: str, *, earlier: Mapping[str, str], missing: str) -> Publication:
        relative = PurePosixPath(self.job.relative)
        outputs = tuple(
            self._output(stem + suffix, content, earlier=earlier) for suffix, content in self.documents.items()
        )
        goes = self.originals is Originals.OUTBOX
        return Publication(
            folder=str(relative.parent),
            stem=stem,
            outputs=outputs,
            source_name=stem + relative.suffix if goes else None,
            missing=missing,
        )

    def _output(self, name: str, content: bytes, *, earlier: Mapping[str, str]) -> Output:
        # A document of the earlier run stays: rendered anew it may differ, for now its answers cost nothing.
        stays = name in earlier and file_sha256(self.folder / name) == earlier[name]
        return Output(name=name, sha256=earlier[name] if stays else hashlib.sha256(content).hexdigest())

    def _place(self, publication: Publication) -> None:
        for output, content in zip(publication.outputs, self.documents.values(), strict=True):
            if file_sha256(self.folder / output.name) != output.sha256:
                self._add(output.name, content)
        with storage_errors(self.folder):
            sync_folder(self.folder)  # all names at once, before the recording leaves
        if publication.source_name is not None:
            move_claimed(self.source, self.folder / publication.source_name, job=self.job)
        elif self.originals is Originals.DELETE:
            remove_claimed(self.source, job=self.job)

    def _add(self, name: str, content: bytes) -> None:
        path, written = self.folder / name, Step.OUTPUT_WRITTEN
        add_whole(path, content, marker=self.job.id, written=written, sync_name=False)
        announce(Step.OUTPUT_PUBLISHED)

    def _withdraw(self, publication: Publication) -> None:
        """Take back what was placed, because somebody took one of the names and the set belongs together."""
        for output in publication.outputs:
            path = self.folder / output.name
            if file_sha256(path) == output.sha256:
                with storage_errors(path):
                    path.unlink(missing_ok=True)


def find_published(job: Job, publication: Publication, *, source: Path, folder: Path) -> Published | None:
    """Find the whole set that an earlier run published before it could say so, or None."""
    try:
        require_claimed(source, job)
    except RecordingChanged:
        names = [output.name for output in publication.outputs]
        has_all = all((folder / name).is_file() for name in names)
        goes = publication.source_name
        is_moved = goes is None or has_arrived(folder / goes, job)
        return _published(publication) if has_all and is_moved else None
    return None


def _published(publication: Publication) -> Published:
    folder, goes = PurePosixPath(publication.folder), publication.source_name
    return Published(
        outputs=tuple(str(folder / output.name) for output in publication.outputs),
        source_to=str(folder / goes) if goes is not None else None,
        missing=publication.missing,
    )
