"""Where results go: the outbox and the error folder of the daemon, or beside the file for a foreground run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from voxtrald.clock import Clock
from voxtrald.config import RecordingSettings
from voxtrald.naming import free_stem, output_stem
from voxtrald.store.durable import add_whole, make_folder
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.publishing import Originals

_NAME_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The daemon's outbox and error folder; every move is in the ledger before it happens."""

    folders: Folders
    ledger: Ledger
    clock: Clock

    def publish(self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings) -> tuple[str, ...]:
        """Publish the set, let the source follow, end the job."""
        published = self.folders.publish(
            job,
            stem=stem_of(job, settings=settings, clock=self.clock),
            documents=with_dots(documents),
            originals=Originals(settings.output.originals),
            intend=partial(self.ledger.intend_publish, job.id),
            already=self.ledger.job(job.id).publication,
        )
        names = (*published.outputs, *((published.source_to,) if published.source_to else ()))
        self.folders.release_report(job.relative)
        self.ledger.end(job.id, JobState.DONE, outputs=names)
        return names

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """Set the recording aside with its report, end the job."""
        # Before the first move: a start that finds the recording moved already could not tell why otherwise.
        self.ledger.set_state(job.id, JobState.PUBLISHING, reason=reason, detail=report)
        quarantined = self.folders.quarantine(job, report=report, partial=partial_text)
        self.ledger.end(job.id, JobState.FAILED, outputs=quarantined.names, reason=reason, detail=report)
        return quarantined.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A folder of the user's choice; the source stays where it is, and nothing is moved when it fails."""

    folder: Path
    ledger: Ledger
    clock: Clock

    def publish(self, job: Job, documents: Mapping[str, bytes], *, settings: RecordingSettings) -> tuple[str, ...]:
        """Write the set beside one another under a free name."""
        make_folder(self.folder)
        contents = with_dots(documents)
        wanted = stem_of(job, settings=settings, clock=self.clock)
        for _ in range(_NAME_TRIES):
            stem = free_stem(wanted, tuple(contents), lambda name: (self.folder / name).exists())
            try:
                names = self._write(stem, contents)
            except FileExistsError:
                continue  # somebody else took a name between the look and the write
            self.ledger.end(job.id, JobState.DONE, outputs=names)
            return names
        raise FileExistsError(f"others keep taking the names in {self.folder}")

    def _write(self, stem: str, contents: Mapping[str, bytes]) -> tuple[str, ...]:
        paths = [self.folder / f"{stem}{suffix}" for suffix in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            add_whole(path, content)
        return tuple(str(path) for path in paths)

    def quarantine(self, job: Job, *, report: str, partial_text: str | None, reason: str) -> tuple[str, ...]:
        """End the job and leave everything where it is; the caller shows the error."""
        del partial_text
        self.ledger.end(job.id, JobState.FAILED, reason=reason, detail=report)
        return ()


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
