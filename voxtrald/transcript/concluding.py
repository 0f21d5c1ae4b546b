"""What is to be said of a text after its repair: which findings are settled, and which speech has no text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from voxtrald.transcript.coverage import EDGE_MS, SpeechMap, measure_coverage
from voxtrald.transcript.document import Inspection, Judged, Repair
from voxtrald.transcript.inspecting import Finding, Severity, inspect
from voxtrald.transcript.model import PlacedAnswer, Span, Transcript
from voxtrald.transcript.spans import length_within, union
from voxtrald.transcript.splicing import HOLES

_SILENT = "asked again, and no text either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A text whose `missing` has every hole that stayed open, and what there is to say of it."""

    transcript: Transcript
    inspection: Inspection


def conclude(
    transcript: Transcript,
    *,
    found: Sequence[Finding],
    speech: SpeechMap | None,
    answers: Iterable[PlacedAnswer] = (),
    repairs: Sequence[Repair] = (),
    silent: Iterable[Span] = (),
) -> Concluded:
    """Look at a text once more, and put what is still missing into it.

    Args:
        transcript: with what the repairs have brought.
        found: at the first look, at this very text where nothing was asked again.
        speech: where there is speech; None where nobody has listened.
        answers: the first ones, which the times of are looked at.
        repairs: what was asked again.
        silent: holes in which two answers agree that nobody speaks; they are not missing.
    """
    quiet = union(silent)
    seen = inspect(transcript, speech=speech, answers=answers) if repairs else found  # or it is what it was
    left = [finding for finding in seen if not _is_in(finding, quiet)]
    holes = [one.span for one in left if one.kind in HOLES and one.severity is Severity.REPAIRABLE]
    whole = replace(transcript, missing=union([*transcript.missing, *holes]) if holes else transcript.missing)
    judged = [
        *(Judged(finding=_told(one, quiet), repaired=_is_repaired(one, left, repairs)) for one in found),
        *(Judged(finding=one, repaired=False) for one in left if not any(_is_same(one, other) for other in found)),
    ]
    inspection = Inspection(
        coverage=measure_coverage(whole, speech) if speech else None,
        findings=tuple(sorted(judged, key=lambda one: one.finding.span.start_ms)),
        repairs=tuple(repairs),
    )
    return Concluded(transcript=whole, inspection=inspection)


def _is_in(finding: Finding, spans: Sequence[Span]) -> bool:
    return finding.kind in HOLES and 2 * length_within(spans, finding.span) > finding.span.length_ms


def _told(finding: Finding, silent: Sequence[Span]) -> Finding:
    return replace(finding, evidence=f"{finding.evidence}; {_SILENT}") if _is_in(finding, silent) else finding


def _is_repaired(finding: Finding, left: Iterable[Finding], repairs: Iterable[Repair]) -> bool:
    """Tell whether a new text stands there, and nothing of the kind or worth a repair is left in it."""
    is_new = any(repair.kept == "new" and _common_ms(repair.span, finding.span) > 0 for repair in repairs)
    is_left = any(
        (one.kind is finding.kind or one.severity is Severity.REPAIRABLE)
        and _common_ms(one.span, finding.span) > min(EDGE_MS, finding.span.length_ms // 2)
        for one in left
    )
    return is_new and not is_left


def _is_same(one: Finding, other: Finding) -> bool:
    is_alike = one.kind is other.kind or {one.kind, other.kind} <= HOLES
    return is_alike and (one.span == other.span or _common_ms(one.span, other.span) > 0)


def _common_ms(one: Span, other: Span) -> int:
    return min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)
