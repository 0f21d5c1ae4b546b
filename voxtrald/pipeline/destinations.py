"""Where results go: the outbox and the error folder of the daemon, or beside the file for a foreground run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from voxtrald.clock import Clock
from voxtrald.config import RecordingSettings
from voxtrald.errors import Reason
from voxtrald.naming import free_stem, output_stem
from voxtrald.store.durable import add_whole, make_folder
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.publishing import Originals, Published
from voxtrald.store.quarantining import PARTIAL
from voxtrald.store.reserving import while_taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The daemon's outbox and error folder; every move is in the ledger before it happens."""

    folders: Folders
    ledger: Ledger
    clock: Clock

    def publish(
        self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings, missing: str = ""
    ) -> tuple[str, ...]:
        """Publish the set, let the source follow, end the job: as partial where something is missing."""
        published = self.folders.publish(
            job,
            stem=stem_of(job, settings=settings, clock=self.clock),
            documents=with_dots(documents),
            originals=Originals(settings.output.originals),
            intend=partial(self.ledger.intend_publish, job.id),
            missing=missing,
            already=self.ledger.job(job.id).publication,
        )
        self.folders.release_report(job.relative)
        if settings.output.originals != "keep":
            self.folders.sidecars.follow_to_outbox(job.relative, to=published.source_to)
        end_published(self.ledger, job, published)
        return published.names

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """Set the recording aside with its report, end the job."""
        # Before the first move: a start that finds the recording moved already could not tell why otherwise.
        self.ledger.set_state(job.id, JobState.PUBLISHING, reason=reason, detail=report)
        quarantined = self.folders.quarantine(job, report=report, partial=partial_text)
        self.folders.sidecars.follow_to_error(job.relative, to=quarantined.recording)
        self.ledger.end(job.id, JobState.FAILED, outputs=quarantined.names, reason=reason, detail=report)
        return quarantined.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A folder of the user's choice; the source stays where it is, whatever becomes of it."""

    folder: Path
    ledger: Ledger
    clock: Clock

    def publish(
        self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings, missing: str = ""
    ) -> tuple[str, ...]:
        """Write the set beside one another under a free name."""
        make_folder(self.folder)
        contents = with_dots(documents)
        wanted = stem_of(job, settings=settings, clock=self.clock)
        names = while_taken(lambda: self._write(wanted, contents), folder=self.folder)
        end_published(self.ledger, job, Published(outputs=names, source_to=None, missing=missing))
        return names

    def _write(self, wanted: str, contents: Mapping[str, bytes]) -> tuple[str, ...]:
        stem = free_stem(wanted, tuple(contents), lambda name: os.path.lexists(self.folder / name))
        with ExitStack() as undo:
            for suffix, content in contents.items():
                path = self.folder / f"{stem}{suffix}"
                add_whole(path, content)
                undo.callback(path.unlink, missing_ok=True)  # no half sets: all of it has one name
            undo.pop_all()
        return tuple(str(self.folder / f"{stem}{suffix}") for suffix in contents)

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """End the job, leave the recording where it is, and write the part of the text there is, for it is paid.

        The caller shows the error.
        """
        names: tuple[str, ...] = ()
        if partial_text is not None:
            make_folder(self.folder)
            contents = {PARTIAL: partial_text.encode("utf-8", errors="replace")}
            wanted = PurePosixPath(job.relative).name
            names = while_taken(lambda: self._write(wanted, contents), folder=self.folder)
        self.ledger.end(job.id, JobState.FAILED, outputs=names, reason=reason, detail=report)
        return names


def end_published(ledger: Ledger, job: Job, published: Published) -> None:
    """End the job of a set that is published: done, or partial with what is missing."""
    reason = Reason.INCOMPLETE.value if published.missing else None
    ledger.end(job.id, published.state, outputs=published.names, reason=reason, detail=published.missing or None)


def stem_of(job: Job, *, settings: RecordingSettings, clock: Clock) -> str:
    """Make the name a recording's set is to have."""
    return output_stem(
        settings.output.name,
        stem=PurePosixPath(job.relative).stem,
        date=clock.now().astimezone().strftime("%Y-%m-%d"),
        job=job.id,
    )


def with_dots(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Make file endings of format names."""
    return {f".{name}": content for name, content in documents.items()}
