"""One recording, claim to outcome. `transcribe_recording` is the whole way; everything else here serves it."""

from __future__ import annotations

import contextlib
import queue
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import structlog

from voxtrald.audio.probe import AudioSource, probe
from voxtrald.audio.recasting import recast
from voxtrald.dispatch.threads import guarded
from voxtrald.engines.http.fetching import Fetcher
from voxtrald.errors import BudgetReached, RecordingChanged, RecordingError, StopRequested, StorageUnavailable
from voxtrald.naming import is_link_file
from voxtrald.pipeline.assembling import assemble, error_report, partial_text, source_facts, tally, truncated
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event, StopAsked
from voxtrald.pipeline.fitting import longest_recording_ms
from voxtrald.pipeline.gathering import Gathering
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.linking import Linking, read_claimed
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, Outcome, OverBudget, Tally
from voxtrald.pipeline.preparing import Preparation, Room
from voxtrald.pipeline.sending import audio_chunk
from voxtrald.pipeline.settled import Gathered
from voxtrald.store.jobs import JobState
from voxtrald.transcript.model import Document, SourceFacts
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
    except BudgetReached as error:
        return OverBudget(message=error.message, hint=error.hint, until=error.until)
    except RecordingError as error:
        return quarantine_recording(assignment, tools, error)


def transcribe_recording(assignment: Assignment, tools: Tools) -> Done:
    """Identify, probe, plan, prepare, send, merge, render, publish.

    Raises:
        RecordingError: no complete transcript can be had; Incomplete where a part can.
        RecordingChanged, StorageUnavailable, BudgetReached, StopRequested: see `run_job`.
    """
    if tools.fetcher is not None and is_link_file(assignment.path.name):
        source, gathered = hear_link(assignment, tools, fetcher=tools.fetcher)
    else:
        with threads(assignment, tools) as pool:
            identity = pool.submit(fingerprint, assignment.path, job=assignment.job, stop=tools.stop)
            source, gathered = hear(assignment, tools, path=assignment.path, pool=pool, identity=identity)
    document = assemble(assignment, source=source, gathered=gathered)
    refuse_incomplete(document, gathered)
    documents: dict[str, bytes] = {name: render(document, name).encode() for name in assignment.settings.output.formats}
    outputs = assignment.destination.publish(assignment.job, documents, settings=assignment.settings)
    return Done(outputs=outputs, tally=tally(document))


def hear_link(assignment: Assignment, tools: Tools, *, fetcher: Fetcher) -> tuple[SourceFacts, Gathered]:
    """Have the engine fetch what a link names, or else fetch it and go the way of any recording."""
    link = read_claimed(assignment, fetcher=fetcher)
    linking = Linking(assignment=assignment, tools=tools, fetcher=fetcher, link=link)
    if asked := linking.ask_engine():
        return linking.facts(asked), asked
    fetched = linking.fetch()
    identity: Future[str] = Future()
    identity.set_result(fetched.sha256)
    with threads(assignment, tools) as pool:
        source, gathered = hear(assignment, tools, path=fetched.path, pool=pool, identity=identity)
    return replace(source, address=link.address.shown), gathered


def hear(
    assignment: Assignment, tools: Tools, *, path: Path, pool: ThreadPoolExecutor, identity: Future[str]
) -> tuple[SourceFacts, Gathered]:
    """Probe the recording at `path`, and gather the answers about all of it."""
    audio = assignment.settings.audio
    found = probe(path, ffmpeg=tools.ffmpeg, track=audio.track)
    source = recast(
        found,
        work=assignment.work,
        sample_rate_hz=audio.sample_rate_hz,
        longest_ms=longest_recording_ms(audio),
        ffmpeg=tools.ffmpeg,
    )
    gathered = gather(assignment, tools, source=source, pool=pool, identity=identity)
    told = replace(found, complaint=source.complaint)
    facts = source_facts(assignment, told, sha256=identity.result(), gathered=gathered)
    return facts, gathered


def threads(assignment: Assignment, tools: Tools) -> ThreadPoolExecutor:
    """Give the recording's own threads."""
    # One for the hash, one for the preparation, which waits for what runs in the others.
    return ThreadPoolExecutor(max_workers=tools.cores + 2, thread_name_prefix=f"prepare-{assignment.job.id}")


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
    room = Room(assignment.lane.senders.size + _ROOM_BEYOND_REQUESTS)
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
        deliver=lambda chunk, key: assignment.engine.deliver(audio_chunk(chunk, key=key)),
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
    """Raise Incomplete where a chunk has no answer or the end was cut off: a transcript with a hole is no success."""
    error = gathered.error or (truncated(document) if document.source.is_truncated else None)
    if error is not None:
        raise Incomplete(error, document, tally(document))


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
