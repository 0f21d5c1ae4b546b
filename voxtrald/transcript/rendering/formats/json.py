"""JSON: everything that is known, for programs; described by `result.schema.json` beside this package.

The same document gives the same bytes: keys stand in a fixed order and no time of day is told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from voxtrald.transcript.document import ChunkFacts, Document, Inspection, Judged, Repair
from voxtrald.transcript.model import Damage, Segment, Span, SpeakerJoin


def render(document: Document) -> str:
    """Write the result; times are seconds from the start of the recording."""
    return json.dumps(_result(document), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _result(document: Document) -> dict[str, object]:
    return {
        "voxtrald": document.version,
        "source": _source(document),
        "engine": _engine(document),
        "language": document.transcript.language,
        "text": document.transcript.text,
        "segments": [_segment(segment) for segment in document.transcript.segments],
        "chunks": [_chunk(chunk) for chunk in document.chunks],
        **_speakers(document.transcript.joins),
        "coverage": _coverage(document),
        **_inspection(document.inspection),
        **_skipped(document.skipped),
        "usage": _usage(document),
        "remote_files": [{"id": remote.id, "deleted": remote.deleted} for remote in document.remote_files],
    }


def _source(document: Document) -> dict[str, object]:
    source = document.source
    told: dict[str, object] = {
        "name": source.name,
        "sha256": source.sha256,
        "size_bytes": source.size_bytes,
        "duration_s": _seconds(source.duration_ms),
        "container": source.container,
        "codec": source.codec,
        "damage": [_damage(damage) for damage in source.damage],
    }
    if source.tracks:
        told |= {"track": source.track or "mix", "tracks": source.tracks}
    return told if source.address is None else {**told, "address": source.address}


def _damage(damage: Damage) -> dict[str, object]:
    return {"start": _seconds(damage.span.start_ms), "end": _seconds(damage.span.end_ms), "what": damage.what}


def _engine(document: Document) -> dict[str, object]:
    engine = document.engine
    return {
        "kind": engine.kind,
        "model": engine.model,
        "parameters": dict(sorted(engine.parameters.items())),
        "downgrades": list(engine.downgrades),
    }


def _segment(segment: Segment) -> dict[str, object]:
    told: dict[str, object] = {
        "start": _seconds(segment.start_ms),
        "end": _seconds(segment.end_ms),
        "text": segment.text,
    }
    speakers = {"speaker": segment.speaker, "speaker_label": segment.speaker_label}
    return told | {name: value for name, value in speakers.items() if value is not None}


def _speakers(joins: Sequence[SpeakerJoin]) -> dict[str, object]:
    """Tell how surely the speakers go on from chunk to chunk, where there is more than one chunk with speakers."""
    told = [{"at": _seconds(join.at_ms), "sure": join.is_sure} for join in joins]
    return {"speakers": {"joins": told}} if told else {}


def _chunk(chunk: ChunkFacts) -> dict[str, object]:
    return {
        "start": _seconds(chunk.span.start_ms),
        "end": _seconds(chunk.span.end_ms),
        "request_id": chunk.request_id,
        "how": chunk.how,
        "billed_s": chunk.billed_s,
        "attempts": chunk.attempts,
        "reused": chunk.reused,
    }


def _coverage(document: Document) -> dict[str, object] | None:
    """Tell what is missing, and how much of the speech has text where somebody has listened."""
    missing = document.transcript.missing
    coverage = document.inspection.coverage if document.inspection else None
    if coverage is None and not missing:
        return None
    return {
        "speech_s": None if coverage is None else _seconds(coverage.speech_ms),
        "covered_s": None if coverage is None else _seconds(coverage.covered_ms),
        "missing": [[_seconds(gap.start_ms), _seconds(gap.end_ms)] for gap in missing],
    }


def _inspection(inspection: Inspection | None) -> dict[str, object]:
    if inspection is None:
        return {}
    return {
        "findings": [_judged(judged) for judged in inspection.findings],
        "repairs": [_repair(repair) for repair in inspection.repairs],
    }


def _judged(judged: Judged) -> dict[str, object]:
    finding = judged.finding
    return {
        "kind": finding.kind,
        "start": _seconds(finding.span.start_ms),
        "end": _seconds(finding.span.end_ms),
        "severity": finding.severity,
        "evidence": finding.evidence,
        "repaired": judged.repaired,
    }


def _repair(repair: Repair) -> dict[str, object]:
    return {
        "start": _seconds(repair.span.start_ms),
        "end": _seconds(repair.span.end_ms),
        "kinds": list(repair.kinds),
        "request_id": repair.request_id,
        "billed_s": repair.billed_s,
        "cost": None if repair.cost is None else round(repair.cost, 6),
        "reused": repair.reused,
        "kept": repair.kept,
    }


def _skipped(silences: Sequence[Span]) -> dict[str, object]:
    return {"skipped": [[_seconds(one.start_ms), _seconds(one.end_ms)] for one in silences]} if silences else {}


def _usage(document: Document) -> dict[str, object]:
    usage = document.usage
    # A price is a sum of binary fractions; nobody is billed for their rounding errors.
    cost = None if usage.cost is None else round(usage.cost, 6)
    return {"audio_s": usage.audio_s, "cost": cost, "currency": usage.currency}


def _seconds(at_ms: int) -> float:
    return at_ms / 1000
