"""The jobs in the ledger: claimed, moved from state to state, ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from voxtrald.steps import Step, announce
from voxtrald.store.database import Row
from voxtrald.store.jobs import ENDED, UNFINISHED, Job, JobState, Output, Publication
from voxtrald.store.ledger_tables import (
    Tables,
    instant_text,
    path_bytes,
    read_instant,
    read_path,
    storable,
)

# Crockford's base 32: no letter that is taken for a digit, and in the order of its characters.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH = 10


class JobTable(Tables):
    """One row per job. Where the disk refuses, every method raises StorageUnavailable and nothing changed."""

    def claim(self, relative: str, *, size_bytes: int, mtime_ns: int, inode: int, owner: str = "") -> Job:
        """Take up a recording: go on with its unfinished job, or begin one. A power cut may undo it.

        An unfinished job of another file under the same name is forgotten: that file is not there any more.
        """
        database = self._database
        path, now = path_bytes(relative), self._now_text()
        with database.transaction(at_once=False):
            database.write(
                "DELETE FROM job WHERE relative = ? AND state NOT IN ('done', 'partial', 'failed')"
                " AND (size_bytes, mtime_ns) != (?, ?)",
                (path, size_bytes, mtime_ns),
            )
            job_id = self._unfinished_id(path) or self._insert(path, size_bytes=size_bytes, mtime_ns=mtime_ns)
            database.write(
                "UPDATE job SET state = 'working', attempts = attempts + 1, inode = ?, owner = ?,"
                " started_at = ?, reason = NULL, detail = NULL WHERE id = ?",
                (inode, owner, now, job_id),
            )
            job = self.job(job_id)
        announce(Step.JOB_CLAIMED)
        return job

    def set_state(
        self,
        job_id: str,
        state: JobState,
        *,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Move a job to a state that is not an end, with why."""
        self._database.write(
            "UPDATE job SET state = ?, reason = ?, detail = ? WHERE id = ?",
            (state, reason, storable(detail), job_id),
        )

    def note_identity(
        self,
        job_id: str,
        *,
        sha256: str | None = None,
        duration_ms: int | None = None,
        chunks_total: int | None = None,
    ) -> None:
        """Write down what has become known of the recording; what is None stays as it is. A power cut may undo it."""
        self._database.write(
            "UPDATE job SET sha256 = coalesce(?, sha256), duration_ms = coalesce(?, duration_ms),"
            " chunks_total = coalesce(?, chunks_total) WHERE id = ?",
            (sha256, duration_ms, chunks_total, job_id),
            at_once=False,
        )

    def intend_publish(self, job_id: str, publication: Publication) -> None:
        """Write down the names of the set before the first appears, so that a repeat uses the same."""
        self._database.write(
            "UPDATE job SET state = 'publishing', publication = ? WHERE id = ?",
            (json.dumps(asdict(publication)), job_id),
        )
        announce(Step.PUBLISH_INTENDED)

    def end(
        self,
        job_id: str,
        state: JobState,
        *,
        outputs: Sequence[str] = (),
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """End a job as done, partial or failed, with the names of what it left.

        A power cut may undo it: the next start finds what it left, and ends it again.
        """
        if state not in ENDED:
            raise ValueError(f"{state} is not an end")
        self._database.write(
            "UPDATE job SET state = ?, outputs = ?, reason = ?, detail = ?, ended_at = ? WHERE id = ?",
            (state, json.dumps(list(outputs)), reason, storable(detail), self._now_text(), job_id),
            at_once=False,
        )
        announce(Step.JOB_ENDED)

    def forget(self, job_id: str) -> None:
        """Drop a job whose recording is gone. What was spent on it stays on record."""
        self._database.write("DELETE FROM job WHERE id = ?", (job_id,))

    def resume_interrupted(self, *, is_alive: Callable[[str], bool]) -> int:
        """Let the jobs wait again that were being worked on when their process died; say how many.

        Args:
            is_alive: whether the owner of this token still runs; jobs without an owner are the daemon's own.
        """
        rows = self._database.read("SELECT id, owner FROM job WHERE state IN ('working', 'publishing')")
        orphans = [row["id"] for row in rows if not (row["owner"] and is_alive(row["owner"]))]
        return self._database.write(
            "UPDATE job SET state = 'waiting' WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(orphans),),
        )

    def requeue(self, names: Collection[str] | None = None) -> tuple[Job, ...]:
        """Let failed jobs wait again with fresh attempts and return them as they had failed.

        Of several failures of one path the last counts. The caller moves their files back to the inbox.

        Args:
            names: job ids, paths or file names; None for all.
        """
        with self._database.transaction():
            latest = {job.relative: job for job in self.jobs({JobState.FAILED})}
            chosen = tuple(job for job in latest.values() if names is None or _is_named(job, names))
            ids = json.dumps([job.id for job in chosen])
            self._database.write("DELETE FROM attempt WHERE job_id IN (SELECT value FROM json_each(?))", (ids,))
            self._database.write(
                "UPDATE job SET state = 'waiting', reason = NULL, detail = NULL, ended_at = NULL,"
                " outputs = '[]', publication = NULL WHERE id IN (SELECT value FROM json_each(?))",
                (ids,),
            )
        return chosen

    # --- looking ------------------------------------------------------------------------------------------

    def job(self, job_id: str) -> Job:
        """Look up one job.

        Raises:
            KeyError: there is none with this id.
        """
        rows = self._database.read("SELECT * FROM job_with_sums WHERE id = ?", (job_id,))
        if not rows:
            raise KeyError(job_id)
        return _job(rows[0])

    def finished(self, relative: str, *, size_bytes: int, mtime_ns: int) -> Job | None:
        """Find the job that has published this very file's transcript, where originals stay in the inbox."""
        rows = self._database.read(
            "SELECT * FROM job_with_sums WHERE relative = ? AND size_bytes = ? AND mtime_ns = ?"
            " AND state IN ('done', 'partial') ORDER BY id DESC LIMIT 1",
            (path_bytes(relative), size_bytes, mtime_ns),
        )
        return _job(rows[0]) if rows else None

    def jobs(self, states: Collection[JobState]) -> tuple[Job, ...]:
        """List the jobs in one of these states, oldest first."""
        rows = self._database.read(
            "SELECT * FROM job_with_sums WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(states)),),
        )
        return tuple(_job(row) for row in rows)

    def unfinished(self) -> tuple[Job, ...]:
        """List every job that has not ended, oldest first."""
        return self.jobs(UNFINISHED)

    def recent(self, limit: int) -> tuple[Job, ...]:
        """List the jobs that ended last, latest first."""
        rows = self._database.read(
            "SELECT * FROM job_with_sums WHERE state IN ('done', 'partial', 'failed')"
            " ORDER BY ended_at DESC, id DESC LIMIT ?",
            (limit,),
        )
        return tuple(_job(row) for row in rows)

    def ended_since(self, since: datetime) -> Mapping[JobState, int]:
        """Count the jobs that ended from `since` on, by how they ended."""
        rows = self._database.read(
            "SELECT state, count(*) AS jobs FROM job WHERE state IN ('done', 'partial', 'failed')"
            " AND ended_at >= ? GROUP BY state",
            (instant_text(since),),
        )
        return dict.fromkeys(ENDED, 0) | {JobState(row["state"]): row["jobs"] for row in rows}

    def counts(self) -> Mapping[JobState, int]:
        """Count the jobs in each state."""
        rows = self._database.read("SELECT state, count(*) AS jobs FROM job GROUP BY state")
        return dict.fromkeys(JobState, 0) | {JobState(row["state"]): row["jobs"] for row in rows}

    # --- how ----------------------------------------------------------------------------------------------

    def _unfinished_id(self, path: bytes) -> str | None:
        rows = self._database.read(
            "SELECT id FROM job WHERE relative = ? AND state NOT IN ('done', 'partial', 'failed')"
            " ORDER BY id DESC LIMIT 1",
            (path,),
        )
        return rows[0]["id"] if rows else None

    def _insert(self, path: bytes, *, size_bytes: int, mtime_ns: int) -> str:
        now = self._clock.now()
        job_id = _next_id(now, latest=self._latest_id())
        self._database.write(
            "INSERT INTO job (id, relative, size_bytes, mtime_ns, inode, owner, state, created_at)"
            " VALUES (?, ?, ?, ?, 0, '', 'waiting', ?)",
            (job_id, path, size_bytes, mtime_ns, instant_text(now)),
        )
        return job_id

    def _latest_id(self) -> str:
        # Spending outlives jobs, and an id must not come twice there either.
        rows = self._database.read(
            "SELECT max((SELECT coalesce(max(id), '') FROM job), (SELECT coalesce(max(job_id), '') FROM spend)) AS id"
        )
        return str(rows[0]["id"])


def _next_id(now: datetime, *, latest: str) -> str:
    """Make an id from the instant in milliseconds, always after `latest`, even if the clock was set back."""
    after = 0
    for letter in latest:
        after = after * 32 + _ALPHABET.index(letter)
    number = max(int(now.timestamp() * 1000) << 8, after + 1)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_ID_LENGTH)))


def _is_named(job: Job, names: Collection[str]) -> bool:
    return any(name in names for name in (job.id, job.relative, job.relative.rpartition("/")[2]))


def _publication(text: str) -> Publication:
    content = json.loads(text)
    return Publication(**content | {"outputs": tuple(Output(**output) for output in content["outputs"])})


def _job(row: Row) -> Job:
    return Job(
        **dict(row)
        | {
            "relative": read_path(row["relative"]),
            "state": JobState(row["state"]),
            "created_at": datetime.fromisoformat(row["created_at"]),
            "started_at": read_instant(row["started_at"]),
            "ended_at": read_instant(row["ended_at"]),
            "publication": _publication(row["publication"]) if row["publication"] else None,
            "outputs": tuple(json.loads(row["outputs"])),
        }
    )
