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
from voxtrald.config import OutputSettings
from voxtrald.dispatch.threads import guarded
from voxtrald.engines.http.fetching import Fetcher
from voxtrald.errors import BudgetReached, RecordingChanged, RecordingError, StopRequested, StorageUnavailable
from voxtrald.naming import is_link_file
from voxtrald.pipeline.acquaintance import Acquaintance
from voxtrald.pipeline.assembling import (
    assemble,
    error_report,
    incomplete,
    partial_text,
    source_facts,
    tally,
    truncated,
)
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.events import Event
from voxtrald.pipeline.fitting import longest_recording_ms
from voxtrald.pipeline.gathering import Gathering
from voxtrald.pipeline.hearing import Hearing
from voxtrald.pipeline.identifying import fingerprint
from voxtrald.pipeline.linking import Linking, read_claimed
from voxtrald.pipeline.mending import Mending, inspect_unheard
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, Outcome, OverBudget, Tally
from voxtrald.pipeline.preparing import Preparation
from voxtrald.pipeline.room import Room
from voxtrald.pipeline.settled import Gathered
from voxtrald.store.jobs import JobState
from voxtrald.transcript.document import Document, SourceFacts
from voxtrald.transcript.rendering import render
from voxtrald.transcript.rendering.clocks import spans_text

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
    """Identify, probe, plan, prepare, send, merge, inspect, repair, render, publish.

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
    refuse_incomplete(document, gathered, output=assignment.settings.output)
    return publish(assignment, document)


def hear_link(assignment: Assignment, tools: Tools, *, fetcher: Fetcher) -> tuple[SourceFacts, Gathered]:
    """Have the engine fetch what a link names, or else fetch it and go the way of any recording."""
    link = read_claimed(assignment, fetcher=fetcher)
    linking = Linking(assignment=assignment, tools=tools, fetcher=fetcher, link=link)
    if asked := linking.ask_engine():
        is_inspected = assignment.settings.inspect.enabled
        return linking.facts(asked), inspect_unheard(assignment, asked) if is_inspected else asked
    fetched = linking.fetch()
    identity: Future[str] = Future()
    identity.set_result(fetched.sha256)
    with threads(assignment, tools) as pool:
        source, gathered = hear(assignment, tools, path=fetched.path, pool=pool, identity=identity)
    return replace(source, address=link.address.shown), gathered


def hear(
    assignment: Assignment, tools: Tools, *, path: Path, pool: ThreadPoolExecutor, identity: Future[str]
) -> tuple[SourceFacts, Gathered]:
    """Probe the recording at `path`, gather the answers about all of it, and mend the text where it does not fit."""
    audio = assignment.settings.audio
    found = probe(path, ffmpeg=tools.ffmpeg, track=audio.track)
    source = recast(
        found,
        work=assignment.work,
        sample_rate_hz=audio.sample_rate_hz,
        longest_ms=longest_recording_ms(audio),
        ffmpeg=tools.ffmpeg,
    )
    with Hearing(assignment=assignment, tools=tools, source=source, pool=pool) as hearing:
        gathered = gather(assignment, tools, source=source, pool=pool, identity=identity, hearing=hearing)
        told, sha256 = replace(found, complaint=source.complaint), identity.result()
        facts = source_facts(assignment, told, sha256=sha256, gathered=gathered)
        if assignment.settings.inspect.enabled and gathered.error is None and not facts.is_truncated:
            mending = Mending(
                assignment=assignment, tools=tools, source=source, sha256=sha256, pool=pool, hearing=hearing
            )
            gathered = mending.run(gathered)
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
    hearing: Hearing,
) -> Gathered:
    """Prepare and send every chunk; see `Gathering.run` for how it ends."""
    settings = assignment.settings
    is_heard = settings.inspect.enabled or settings.audio.skip_silence_over_s is not None
    mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    room = Room(assignment.lane.senders.size + _ROOM_BEYOND_REQUESTS)
    speakers = Acquaintance(assignment=assignment, results=tools.results, room=room)
    preparation = Preparation(
        assignment=assignment,
        source=source,
        tools=tools,
        identity=identity,
        pool=pool,
        room=room,
        put=mailbox.put,
        hearing=hearing if is_heard else None,
        speakers=speakers,
    )
    gathering = Gathering(
        assignment=assignment,
        tools=tools,
        key_of=preparation.key_of,
        deliver=speakers.deliver,
        room=room,
        mailbox=mailbox,
        earlier=tools.ledger.attempts_of(assignment.job.id),
        heed=speakers.heed,
    )
    try:
        pool.submit(lambda: mailbox.put(guarded(preparation.run)))
        return gathering.run()
    finally:
        room.cancel()  # or the pool's end would wait for a preparation that waits for room


def refuse_incomplete(document: Document, gathered: Gathered, *, output: OutputSettings) -> None:
    """Raise Incomplete where a chunk has no answer, the end was cut off, or a hole in the text is no success."""
    error = gathered.error or (truncated(document) if document.source.is_truncated else None)
    if error is None and document.is_partial and output.partial == "error":
        error = incomplete(document)
    if error is not None:
        raise Incomplete(error, document, tally(document))


def publish(assignment: Assignment, document: Document) -> Done:
    """Render every format and publish the set."""
    missing = document.transcript.missing
    settings = assignment.settings
    documents: dict[str, bytes] = {name: render(document, name).encode() for name in settings.output.formats}
    outputs = assignment.destination.publish(assignment.job, documents, settings=settings, missing=spans_text(missing))
    return Done(outputs=outputs, tally=tally(document), missing=missing)


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
