"""The ledger's tables, as the steps that lead from an empty file to the present form.

A step that was released is never edited; a change of the form is a new step at the end. `user_version` counts
the steps a ledger has gone through.
"""

from __future__ import annotations

# Paths are BLOBs, the bytes as the file system has them: a name on a share need not be UTF-8. Instants are
# ISO 8601 in UTC with microseconds, so that they sort as text.
_FIRST = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    relative BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    sha256 TEXT,
    duration_ms INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    publication TEXT,
    outputs TEXT NOT NULL DEFAULT '[]',
    chunks_total INTEGER
) STRICT;
CREATE INDEX job_by_file ON job (relative, size_bytes, mtime_ns);
CREATE INDEX job_by_state ON job (state, ended_at);

CREATE TABLE chunk (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    reused INTEGER NOT NULL,
    billed_s REAL,
    PRIMARY KEY (job_id, position)
) STRICT;

CREATE TABLE attempt (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    next_at TEXT,
    PRIMARY KEY (job_id, key)
) STRICT;

-- Money outlives the job it was spent on: no reference.
CREATE TABLE spend (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    job_id TEXT NOT NULL,
    model TEXT NOT NULL,
    folder BLOB NOT NULL,
    audio_s REAL NOT NULL,
    cost REAL,
    currency TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX spend_by_job ON spend (job_id);
CREATE INDEX spend_by_key ON spend (key);
CREATE INDEX spend_by_time ON spend (at);

CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    remote_id TEXT,
    intended_at TEXT NOT NULL,
    deleted_at TEXT
) STRICT;
CREATE INDEX upload_by_name ON upload (name);
CREATE INDEX upload_by_key ON upload (key);
CREATE INDEX upload_by_remote_id ON upload (remote_id);
CREATE INDEX upload_undeleted ON upload (id) WHERE deleted_at IS NULL;

CREATE VIEW job_with_sums AS
SELECT
    job.*,
    (SELECT count(*) FROM chunk WHERE chunk.job_id = job.id AND chunk.state = 'done') AS chunks_done,
    (SELECT count(*) FROM chunk WHERE chunk.job_id = job.id AND chunk.reused = 1) AS chunks_reused,
    (SELECT coalesce(sum(audio_s), 0.0) FROM spend WHERE spend.job_id = job.id) AS billed_s,
    (SELECT sum(cost) FROM spend WHERE spend.job_id = job.id) AS cost
FROM job;
"""

# Copies lie at a service, and one service's ids mean nothing to another.
_SERVICES = """
ALTER TABLE upload ADD COLUMN service TEXT NOT NULL DEFAULT '';
DELETE FROM meta WHERE name IN ('hold', 'circuit');
"""

# Which rule of the configuration an answer was paid under, by its pattern, for the rules' own limits on spending; and
# when a chunk was done, for the speed of the work.
_RULES_AND_PACE = """
ALTER TABLE spend ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE chunk ADD COLUMN done_at TEXT;
"""

# No table changes, but from here on a job may be `partial`: a program that does not know this state must be told by the
# number that the ledger is not for it.
_PARTIAL_JOBS = ""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SERVICES, _RULES_AND_PACE, _PARTIAL_JOBS)
