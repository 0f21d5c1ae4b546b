"""What to ask a second time: which places, from where to where, and how much of it is worth its price.

The same findings give the same requests, so that an answer that was kept for one is found again after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import Finding, Kind, Severity
from voxtrald.transcript.model import Span
from voxtrald.transcript.spans import length_within, union, within, without

BESIDE_MS: Final = 5_000
"""How much is asked again on each side: some words that both answers have, to join them by."""

NEAR_MS: Final = 2 * BESIDE_MS
"""Findings no further apart than this are asked together, so that no two requests meet."""

REACH_MS: Final = 15_000
"""Speech without text that lies so near to what was found is asked with it, up to the next text: by itself it is too
little to be found, but where so much was lost, that was lost, too."""

FARTHEST_MS: Final = 120_000
"""How far that goes."""

LEAD_MS: Final = 500
"""The silence a request begins with, where there is some: models drop speech at the very start of what they hear."""

LEAST_BUDGET_MS: Final = 60_000
"""What may be asked of a short recording: a share of a memo would be too short for any place in it."""

_LEAST_BESIDE_MS: Final = 1_500
_QUIET_MS: Final = 100
_ASIDE_MS: Final = 100
_SHORTEST_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A span to ask a second time, and the findings that it is asked for, at least one, by place."""

    span: Span
    findings: tuple[Finding, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What was found, none twice."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings))

    @property
    def core(self) -> Span:
        """The part whose text is wrong or missing; what lies around it is asked to join by."""
        start_ms = min(finding.span.start_ms for finding in self.findings)
        end_ms = max(finding.span.end_ms for finding in self.findings)
        return Span(start_ms=max(start_ms, self.span.start_ms), end_ms=min(end_ms, self.span.end_ms))


def budget_of(duration_ms: int, *, share: float) -> int:
    """Say how much of a recording may be asked again, in ms: a share of it, or a minute where that is more."""
    return max(round(duration_ms * share), LEAST_BUDGET_MS) if share > 0 else 0


def plan_repairs(
    findings: Sequence[Finding],
    *,
    speech: SpeechMap | None,
    texted: Sequence[Span],
    chunks: Sequence[Span],
    duration_ms: int,
    budget_ms: int,
    max_ms: int,
) -> tuple[Request, ...]:
    """Choose what to ask again; in order of place, none overlapping another.

    What brings most speech without a good text for its price comes first, until the next one would pass the budget.

    Args:
        findings: of an inspection, by place; only those that are repairable count.
        speech: where there is speech, and quiet places to begin and end at; None where nobody has listened.
        texted: the spans that have text, as `union` gives them.
        chunks: what was asked already; none of these is asked again as it was.
        duration_ms: how long the recording is.
        budget_ms: the most that may be asked, in started seconds, as services bill them.
        max_ms: the longest request.
    """
    quiet = _quiet_places(speech, duration_ms=duration_ms)
    most_ms = min(max_ms, budget_ms // 1000 * 1000)
    if most_ms < _SHORTEST_MS:
        return ()
    bare = [part for sure in union(speech.surely if speech else ()) for part in without(sure, texted)]
    repairable = (one for one in findings if one.severity is Severity.REPAIRABLE and one.span.length_ms > 0)
    places = [_Place(finding=one, span=_grown(one.span, bare=bare, texted=texted)) for one in repairable]
    wanted = [
        Request(span=_unasked(piece, chunks), findings=there)
        for group in _groups(places)
        for piece in _pieces(_around(group, quiet, duration_ms=duration_ms), quiet=quiet, most_ms=most_ms)
        if (there := _those_in(group, piece))
    ]
    chosen = _affordable(sorted(wanted, key=lambda one: (-_value(one, speech), one.span.start_ms)), budget_ms=budget_ms)
    return tuple(sorted(chosen, key=lambda one: one.span.start_ms))


def asked_ms(span: Span) -> int:
    """Say what a request is billed at: started seconds, in ms."""
    return -(-span.length_ms // 1000) * 1000


def _affordable(requests: Sequence[Request], *, budget_ms: int) -> Iterator[Request]:
    left_ms = budget_ms
    for request in requests:
        if asked_ms(request.span) <= left_ms:
            left_ms -= asked_ms(request.span)
            yield request


def _value(request: Request, speech: SpeechMap | None) -> float:
    """Weigh a request: how much of it is speech without a good text. Exact to the ms, so that equals stay equal."""
    wrong = union(finding.span for finding in request.findings)
    inside = within(wrong, request.span)
    sure = union(speech.surely) if speech else inside
    return sum(length_within(sure, span) for span in inside) / asked_ms(request.span)


# --- from findings to spans -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A finding, and what to ask again for its sake."""

    finding: Finding
    span: Span

    @property
    def rank(self) -> tuple[int, int, int, int, str]:
        """The order of places, whatever order they were found in."""
        found = self.finding
        return self.span.start_ms, self.span.end_ms, found.span.start_ms, found.span.end_ms, found.kind


def _grown(span: Span, *, bare: Sequence[Span], texted: Sequence[Span]) -> Span:
    """Widen a finding over the speech beside it that has no text either."""
    least_ms = max((text.end_ms for text in texted if text.end_ms <= span.start_ms), default=0)
    most_ms = min((text.start_ms for text in texted if text.start_ms >= span.end_ms), default=span.end_ms + FARTHEST_MS)
    start_ms, end_ms = span.start_ms, span.end_ms
    for part in bare:
        if end_ms < part.end_ms <= min(most_ms, span.end_ms + FARTHEST_MS) and part.start_ms <= end_ms + REACH_MS:
            end_ms = part.end_ms
    for part in reversed(bare):
        if max(least_ms, span.start_ms - FARTHEST_MS) <= part.start_ms < start_ms <= part.end_ms + REACH_MS:
            start_ms = part.start_ms
    return Span(start_ms=start_ms, end_ms=end_ms)


def _groups(places: Sequence[_Place]) -> list[list[_Place]]:
    """Put neighbours together, among them everything that lies within another."""
    groups: list[list[_Place]] = []
    reached_ms = 0
    for place in sorted(places, key=lambda one: one.rank):
        if groups and place.span.start_ms <= reached_ms + NEAR_MS:
            groups[-1].append(place)
        else:
            groups.append([place])
        reached_ms = max(reached_ms, place.span.end_ms)
    return groups


def _those_in(group: Sequence[_Place], span: Span) -> tuple[Finding, ...]:
    found = [place.finding for place in group]
    return tuple(one for one in found if one.span.start_ms < span.end_ms and span.start_ms < one.span.end_ms)


def _quiet_places(speech: SpeechMap | None, *, duration_ms: int) -> tuple[Span, ...]:
    if speech is None:
        return ()
    gaps = without(Span(start_ms=0, end_ms=duration_ms), union(speech.maybe))
    return tuple(gap for gap in gaps if gap.length_ms >= _QUIET_MS)


def _around(group: Sequence[_Place], quiet: Sequence[Span], *, duration_ms: int) -> Span:
    """Widen a group to quiet places beside it, or else by a fixed length; it stays in the recording."""
    first_ms = min(place.span.start_ms for place in group)
    last_ms = max(place.span.end_ms for place in group)
    before = Span(start_ms=max(0, first_ms - BESIDE_MS), end_ms=max(0, first_ms - _LEAST_BESIDE_MS))
    after = Span(start_ms=min(duration_ms, last_ms + _LEAST_BESIDE_MS), end_ms=min(duration_ms, last_ms + BESIDE_MS))
    left, right = _quietest(quiet, before), _quietest(quiet, after)
    start_ms = max(left.start_ms, left.end_ms - LEAD_MS) if left else before.start_ms
    end_ms = min(right.end_ms, right.start_ms + LEAD_MS) if right else after.end_ms
    return Span(start_ms=start_ms, end_ms=end_ms)


def _quietest(quiet: Sequence[Span], window: Span) -> Span | None:
    """Find the longest quiet place in a window, of equals the first."""
    return max(within(quiet, window), key=lambda place: place.length_ms, default=None)


def _pieces(span: Span, *, quiet: Sequence[Span], most_ms: int) -> Iterator[Span]:
    """Cut what is too long for one request, where it is quiet if it is anywhere in the last third of what fits."""
    start_ms = span.start_ms
    while span.end_ms - start_ms > most_ms:
        window = Span(start_ms=start_ms + 2 * most_ms // 3, end_ms=start_ms + most_ms)
        place = _quietest(quiet, window)
        cut_ms = (place.start_ms + place.end_ms) // 2 if place else window.end_ms
        yield Span(start_ms=start_ms, end_ms=cut_ms)
        start_ms = cut_ms
    yield Span(start_ms=start_ms, end_ms=span.end_ms)


def _unasked(span: Span, chunks: Sequence[Span]) -> Span:
    """Ask a little less than what was asked already: the same request would get the same answer."""
    return replace(span, end_ms=span.end_ms - min(_ASIDE_MS, span.length_ms // 10)) if span in chunks else span
