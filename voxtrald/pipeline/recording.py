"""One recording, claim to outcome. `transcribe_recording` is the whole way; everything else here serves it."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from voxtrald.audio.probe import AudioSource, probe
from voxtrald.dispatch.threads import guarded
from voxtrald.errors import RecordingChanged, RecordingError, StopRequested, StorageUnavailable
from voxtrald.pipeline.assembling import assemble, error_report, partial_text, tally
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, StopAsked
from voxtrald.pipeline.gathering import Gathered, Gathering
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, Outcome, Tally
from voxtrald.pipeline.preparing import Preparation, Room
from voxtrald.store.jobs import JobState
from voxtrald.transcript.model import Document
from voxtrald.transcript.rendering import render

_ROOM_BEYOND_REQUESTS = 2

log = structlog.get_logger()


class Incomplete(RecordingError):
    """Some chunks have a text and some will never have one; carries what there is."""

    def __init__(self, error: RecordingError, document: Document, tally: Tally) -> None:
        super().__init__(error.reason, error.message, hint=error.hint)
        self.document = document
        self.tally = tally


def run_job(assignment: Assignment, tools: Tools) -> Outcome:
    """Carry one recording from claim to outcome.

    Errors of the machine and bugs pass through: they are for the daemon to stop on.
    """
    try:
        return transcribe_recording(assignment, tools)
    except StopRequested:
        return Interrupted()
    except RecordingChanged as error:
        return let_go(assignment, tools, error)
    except StorageUnavailable as error:
        return Deferred(message=error.message, hint=error.hint)
    except RecordingError as error:
        return quarantine_recording(assignment, tools, error)


def transcribe_recording(assignment: Assignment, tools: Tools) -> Done:
    """Identify, probe, plan, prepare, send, merge, render, publish.

    Raises:
        RecordingError: no complete transcript can be had; Incomplete where a part can.
        RecordingChanged, StorageUnavailable, StopRequested: see `run_job`.
    """
    with identified(assignment, tools) as (pool, identity):
        source = probe(assignment.path, ffmpeg=tools.ffmpeg)
        gathered = gather(assignment, tools, source=source, pool=pool, identity=identity)
        sha256 = identity.result()
    document = assemble(assignment, source=source, sha256=sha256, gathered=gathered)
    refuse_incomplete(document, gathered)
    documents: dict[str, bytes] = {name: render(document, name).encode() for name in assignment.settings.output.formats}
    outputs = assignment.destination.publish(assignment.job, documents, settings=assignment.settings)
    return Done(outputs=outputs, tally=tally(document))


@contextlib.contextmanager
def identified(assignment: Assignment, tools: Tools) -> Iterator[tuple[ThreadPoolExecutor, Future[str]]]:
    """Give the recording's own threads, with the hashing of its content under way in one of them."""
    # One for the hash, one for the preparation, which waits for what runs in the others.
    threads = tools.cores + 2
    name = f"prepare-{assignment.job.id}"
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name) as pool:
        yield pool, pool.submit(fingerprint, assignment.path, job=assignment.job, stop=tools.stop)


def gather(
    assignment: Assignment,
    tools: Tools,
    *,
    source: AudioSource,
    pool: ThreadPoolExecutor,
    identity: Future[str],
) -> Gathered:
    """Prepare and send every chunk; see `Gathering.run` for how it ends."""
    mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    room = Room(tools.senders.size + _ROOM_BEYOND_REQUESTS)
    preparation = Preparation(
        assignment=assignment,
        source=source,
        tools=tools,
        identity=identity,
        pool=pool,
        room=room,
        put=mailbox.put,
    )
    gathering = Gathering(
        assignment=assignment,
        tools=tools,
        key_of=preparation.key_of,
        room=room,
        mailbox=mailbox,
        earlier=tools.ledger.attempts_of(assignment.job.id),
    )
    try:
        with tools.stop.calling(lambda: mailbox.put(StopAsked())):
            pool.submit(lambda: mailbox.put(guarded(preparation.run)))
            return gathering.run()
    finally:
        room.cancel()  # or the pool's end would wait for a preparation that waits for room


def refuse_incomplete(document: Document, gathered: Gathered) -> None:
    """Raise Incomplete where a chunk has no answer: a transcript with a hole is not a success."""
    if gathered.error is not None:
        raise Incomplete(gathered.error, document, tally(document))


def quarantine_recording(assignment: Assignment, tools: Tools, error: RecordingError) -> Outcome:
    """Set the recording aside with its report; a full disk there is waited for like any other."""
    document = error.document if isinstance(error, Incomplete) else None
    report = error_report(assignment, error, document=document, now=tools.clock.now())
    partial = partial_text(document) if document else None
    try:
        outputs = assignment.destination.quarantine(
            assignment.job, report=report, partial_text=partial, reason=error.reason
        )
    except StorageUnavailable as trouble:
        return Deferred(message=trouble.message, hint=trouble.hint)
    except RecordingChanged as change:
        return let_go(assignment, tools, change)
    return Failed(
        reason=error.reason,
        message=error.message,
        hint=error.hint,
        outputs=outputs,
        tally=tally(document) if document else Tally(),
    )


def let_go(assignment: Assignment, tools: Tools, error: RecordingChanged) -> Changed:
    """Let the job wait for its file: the scan finds it again, changed or not, or it never comes back."""
    with contextlib.suppress(StorageUnavailable):  # only for `status` to show
        tools.ledger.set_state(assignment.job.id, JobState.WAITING)
    return Changed(message=error.message)
