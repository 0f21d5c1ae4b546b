"""One recording, carried by a thread of its own from its claim to its outcome."""

from __future__ import annotations

from collections.abc import Callable

from voxtrald.assembly import House
from voxtrald.config import RecordingSettings
from voxtrald.dispatch.lanes import Lane
from voxtrald.errors import RecordingChanged, SidecarRefused, StorageUnavailable
from voxtrald.pipeline.assignment import Assignment
from voxtrald.pipeline.consulting import consult
from voxtrald.pipeline.destinations import Outbox
from voxtrald.pipeline.outcome import Changed, Deferred, Elsewhere, Held, Outcome
from voxtrald.pipeline.progress import Progress
from voxtrald.pipeline.recording import run_job
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job


def carry(
    job: Job,
    *,
    house: House,
    folders: Folders,
    lane: Lane,
    settings: RecordingSettings,
    tell: Callable[[Progress], None],
) -> Outcome:
    """Carry the daemon's recording from the inbox to the outbox or the error folder; runs in a worker's thread."""
    tools = house.tools
    try:
        path = folders.source_path(job.relative)
        laid = consult(job.relative, settings=settings, sidecars=folders.sidecars)
        if house.lane(laid.service) is not lane:
            return Elsewhere(engine=laid.choice)
        engine = house.engine(laid.service)
        if laid.settings.engine != laid.service:
            engine = engine.varied(laid.settings.engine)
        with folders.work_folder(job.id) as work:
            assignment = Assignment(
                job=job,
                path=path,
                settings=laid.settings,
                engine=engine,
                capabilities=engine.capabilities,
                lane=lane,
                work=work,
                destination=Outbox(folders=folders, ledger=tools.ledger, clock=tools.clock),
                tell=tell,
            )
            return run_job(assignment, tools)
    except SidecarRefused as error:
        return Held(message=error.message, hint=error.hint, files=error.files)
    except RecordingChanged as error:
        return Changed(message=error.message)
    except StorageUnavailable as error:
        return Deferred(message=error.message, hint=error.hint)
