"""What an earlier run may have left half done, put right before new work begins."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from voxtrald.clock import Clock
from voxtrald.engines.base import Engine
from voxtrald.errors import RecordingChanged
from voxtrald.pipeline.destinations import end_published
from voxtrald.storage import storage_errors
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger import Ledger

log = structlog.get_logger()


def close_interrupted(ledger: Ledger, *, folders: Folders, is_alive: Callable[[str], bool]) -> None:
    """End jobs whose recording had already left the inbox; let the others wait for the scan to find them.

    Raises:
        StorageUnavailable: a folder or the ledger cannot be used.
    """
    waiting = ledger.resume_interrupted(is_alive=is_alive)
    running = [job.id for job in ledger.unfinished() if job.owner and is_alive(job.owner)]
    for job in ledger.unfinished():
        if job.owner and job.id not in running:
            ledger.forget(job.id)  # a foreground run that died; its user asks again
        elif not job.owner:
            _close(job, ledger=ledger, folders=folders)
    folders.clear_work(except_ids=running)
    if waiting:
        log.info("jobs_resumed", jobs=waiting)


def _close(job: Job, *, ledger: Ledger, folders: Folders) -> None:
    if published := folders.find_published(job):
        folders.sidecars.follow_to_outbox(job.relative, to=published.source_to)
        end_published(ledger, job, published)
    elif quarantined := folders.find_quarantined(job):
        folders.sidecars.follow_to_error(job.relative, to=quarantined.recording)
        reason = job.reason or "interrupted"
        ledger.end(job.id, JobState.FAILED, outputs=quarantined.names, reason=reason, detail=job.detail)
    elif not is_there(job, folders=folders):
        ledger.forget(job.id)


def is_there(job: Job, *, folders: Folders) -> bool:
    """Whether a job's recording can still be found in the inbox.

    Raises:
        StorageUnavailable: the inbox does not answer.
    """
    try:
        path = folders.source_path(job.relative)
    except RecordingChanged:
        return False
    with storage_errors(path):
        return path.exists()


def clear_leftovers(engine: Engine, *, ledger: Ledger, clock: Clock, is_alive: Callable[[str], bool]) -> int:
    """Delete the remote copies that earlier runs left behind, also those whose id was never recorded.

    Raises:
        ApiError: the list of files cannot be had now; the next start tries again.
    """
    began = clock.now()
    recorded = [
        upload.remote_id
        for upload in ledger.undeleted(engine.service)
        if upload.remote_id is not None and not is_alive(owner_in(upload.name))
    ]
    deleted = engine.sweep(recorded, spare=lambda name: is_alive(owner_in(name)))
    ledger.record_sweep(engine.service, before=began)
    return deleted


def owner_in(name: str) -> str:
    """Read the owner's token from a remote copy's name, `voxtrald-INSTALLATION-OWNER-KEY.EXTENSION`."""
    _, _, after = name.removeprefix("voxtrald-").partition("-")
    return after.partition("-")[0]
