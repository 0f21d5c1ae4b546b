"""From gathered chunks to what is published: the document, the report of a failure, the figures of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from voxtrald import __version__
from voxtrald.audio.damage import END_LOST, lost_end, source_damage
from voxtrald.audio.probe import AudioSource
from voxtrald.errors import Reason, RecordingError
from voxtrald.pipeline.assignment import Assignment
from voxtrald.pipeline.fitting import longest_recording_ms
from voxtrald.pipeline.outcome import Tally
from voxtrald.pipeline.settled import Gathered, Settled
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.document import ChunkFacts, Document, EngineFacts, Kept, Repair, SourceFacts, Usage
from voxtrald.transcript.introducing import introduce
from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Damage, PlacedAnswer, Span, Transcript
from voxtrald.transcript.rendering.clocks import clock, span_text, spans_text
from voxtrald.transcript.reporting import ErrorReport, render_error_report, render_partial

_CAME: Final[Mapping[Kept, str]] = {
    "new": "the new text was taken",
    "old": "the first text was better",
    "none": "no text either",
}


def source_facts(assignment: Assignment, source: AudioSource, *, sha256: str, gathered: Gathered) -> SourceFacts:
    """Describe a recording that was probed here; its name is that of the file in the inbox."""
    about = {"heard_ms": gathered.duration_ms, "longest_ms": longest_recording_ms(assignment.settings.audio)}
    facts = SourceFacts(
        name=assignment.path.name,
        sha256=sha256,
        size_bytes=source.size_bytes,
        duration_ms=gathered.duration_ms,
        container=source.container,
        codec=source.codec,
        track=source.track,
        tracks=len(source.tracks),
        lost_end=lost_end(source, **about),
    )
    inside = [damage for chunk in gathered.chunks if chunk.kept for damage in chunk.kept.damage]
    at_end = [Damage(span=facts.lost_end, what=END_LOST)] if facts.lost_end and not facts.is_truncated else []
    return replace(facts, damage=joined([*inside, *source_damage(source, **about), *at_end]))


def joined(damage: Iterable[Damage]) -> tuple[Damage, ...]:
    """Make one of neighbours with which the same is wrong: where a recording was cut is nothing to its reader."""
    merged: list[Damage] = []
    for one in sorted(damage, key=lambda each: each.span.start_ms):
        last = merged[-1] if merged else None
        if last is not None and last.what == one.what and one.span.start_ms <= last.span.end_ms:
            end_ms = max(last.span.end_ms, one.span.end_ms)
            merged[-1] = replace(last, span=Span(start_ms=last.span.start_ms, end_ms=end_ms))
        else:
            merged.append(one)
    return tuple(merged)


def assemble(assignment: Assignment, *, source: SourceFacts, gathered: Gathered) -> Document:
    """Merge the answers and put beside them where they came from and what they cost."""
    engine = assignment.engine
    transcript = gathered.mended.transcript if gathered.mended else merged(assignment, gathered)
    if source.is_truncated and (lost := source.lost_end):
        transcript = replace(transcript, duration_ms=lost.end_ms, missing=(*transcript.missing, lost))
    return Document(
        version=__version__,
        source=source,
        engine=EngineFacts(
            kind=engine.kind,
            model=engine.model,
            parameters=engine.parameters,
            downgrades=tuple(sorted({name for chunk in gathered.all for name in dropped(chunk)})),
        ),
        transcript=introduce(transcript, assignment.settings.output.speakers),
        chunks=tuple(chunk_facts(chunk) for chunk in gathered.chunks),
        usage=usage(gathered, currency=engine.capabilities.currency),
        remote_files=tuple(file for chunk in gathered.all for file in chunk.remote_files),
        inspection=gathered.mended.inspection if gathered.mended else None,
        skipped=gathered.skipped,
    )


def merged(assignment: Assignment, gathered: Gathered) -> Transcript:
    """Make one text of the chunks' answers."""
    return merge(
        [placed(chunk.span, chunk.kept) for chunk in gathered.chunks if chunk.kept is not None],
        duration_ms=gathered.duration_ms,
        missing=[chunk.span for chunk in gathered.chunks if chunk.kept is None],
        names=assignment.settings.engine.speaker_references,
    )


def placed(span: Span, kept: KeptAnswer) -> PlacedAnswer:
    """Put a chunk's answer in its place."""
    return PlacedAnswer(span=span, offset_ms=kept.offset_ms, answer=kept.answer)


def dropped(chunk: Settled) -> tuple[str, ...]:
    """Name the optional parameters a chunk's answer was given without."""
    return chunk.kept.answer.dropped if chunk.kept else ()


def chunk_facts(chunk: Settled) -> ChunkFacts:
    """Tell where a chunk's text came from."""
    kept = chunk.kept
    return ChunkFacts(
        span=chunk.span,
        how=kept.how if kept else None,
        request_id=kept.answer.request_id if kept else None,
        billed_s=kept.answer.billed_s if kept else None,
        attempts=chunk.attempts,
        reused=chunk.reused,
    )


def usage(gathered: Gathered, *, currency: str) -> Usage:
    """Sum what this run was billed; reused answers cost nothing."""
    paid = [chunk for chunk in gathered.all if chunk.kept is not None and not chunk.reused]
    costs = [chunk.cost for chunk in paid]
    cost = None if None in costs else round(sum(cost for cost in costs if cost is not None), 6)
    return Usage(audio_s=sum(chunk.audio_s for chunk in paid), cost=cost, currency=currency)


def tally(document: Document) -> Tally:
    """Sum up a run for the log and the ledger."""
    return Tally(
        duration_ms=document.source.duration_ms,
        chunks=len(document.chunks),
        reused=sum(chunk.reused for chunk in document.chunks),
        repairs=len(document.inspection.repairs) if document.inspection else 0,
        audio_s=document.usage.audio_s,
        cost=document.usage.cost,
        currency=document.usage.currency,
    )


def error_report(assignment: Assignment, error: RecordingError, *, document: Document | None, now: datetime) -> str:
    """Write the report that is laid beside a quarantined recording."""
    chunks = document.chunks if document else ()
    repairs = document.inspection.repairs if document and document.inspection else ()
    return render_error_report(
        ErrorReport(
            recording=assignment.path.name,
            reason=error.reason,
            message=error.message,
            hint=error.hint,
            tried=(
                *(tried(index, chunk) for index, chunk in enumerate(chunks, start=1) if chunk.how is None),
                *(asked_again(repair) for repair in repairs),
            ),
            chunks_done=sum(chunk.how is not None for chunk in chunks),
            chunks_total=len(chunks),
            paid_s=document.usage.audio_s if document else 0.0,
            cost=document.usage.cost if document else None,
            currency=assignment.engine.capabilities.currency,
            missing=tuple(map(span_text, document.transcript.missing)) if document else (),
            when=now.strftime("%Y-%m-%d %H:%M UTC"),
        )
    )


def truncated(document: Document) -> RecordingError:
    """Say of a recording whose end is missing how far it goes, and what is left of it."""
    source = document.source
    lost = source.lost_end or Span(start_ms=source.duration_ms, end_ms=source.duration_ms)
    heard = "what could be heard is in the file that ends in .partial.txt" if document.transcript.text else ""
    return RecordingError(
        Reason.TRUNCATED,
        f"the recording stops at {clock(lost.start_ms)} of {clock(lost.end_ms)}: its end is missing in the file",
        hint="copy it again from the device" + (f"; {heard}" if heard else ""),
    )


def incomplete(document: Document) -> RecordingError:
    """Say of a recording whose every chunk has an answer where there is no text all the same."""
    heard = "the text there is stands in the file that ends in .partial.txt; " if document.transcript.text else ""
    return RecordingError(
        Reason.INCOMPLETE,
        f"there is speech without text at {spans_text(document.transcript.missing)}",
        hint=f"listen there; {heard}with output.partial: outbox the transcript goes to the outbox as it is",
    )


def tried(number: int, chunk: ChunkFacts) -> str:
    """Say how often a chunk without an answer was sent."""
    return f"part {number}: sent {chunk.attempts} times, no answer" if chunk.attempts else f"part {number}: not sent"


def asked_again(repair: Repair) -> str:
    """Say what came of a place that was asked a second time."""
    return f"{span_text(repair.span)}: asked again, {_CAME[repair.kept]}"


def partial_text(document: Document) -> str | None:
    """Write the text there is, with its holes marked, or None where there is none."""
    return render_partial(document.source.name, document.transcript) if document.transcript.text else None
