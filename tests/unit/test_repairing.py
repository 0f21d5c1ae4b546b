"""What is asked a second time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.inspecting import Finding, Kind, Severity
from voxtrald.transcript.model import Span
from voxtrald.transcript.repairing import LEAST_BUDGET_MS, asked_ms, budget_of, plan_repairs
from voxtrald.transcript.spans import length_within, union, without

HOUR_S = 3600


def span(start_s, end_s):
    """A span in seconds."""
    return Span(start_ms=round(start_s * 1000), end_ms=round(end_s * 1000))


def found(start_s, end_s, *, kind=Kind.HOLE, severity=Severity.REPAIRABLE):
    """A finding."""
    return Finding(kind=kind, span=span(start_s, end_s), severity=severity, evidence="")


def spoken(*spans, duration_s=HOUR_S):
    """A map with sure speech in these spans."""
    return SpeechMap(duration_ms=duration_s * 1000, maybe=spans, surely=spans)


def plan(*findings, speech=None, texted=None, chunks=(), duration_s=HOUR_S, budget_s=HOUR_S, max_s=840):
    """Plan with everything in seconds; if nothing else is told, there is text wherever nothing was found."""
    elsewhere = without(span(0, duration_s), union(finding.span for finding in findings))
    return plan_repairs(
        findings,
        speech=speech or spoken(span(0, duration_s), duration_s=duration_s),
        texted=elsewhere if texted is None else texted,
        chunks=chunks,
        duration_ms=duration_s * 1000,
        budget_ms=round(budget_s * 1000),
        max_ms=max_s * 1000,
    )


def test_a_hole_is_asked_with_words_around_it():
    """Where nobody pauses, five seconds on each side are asked with the hole."""
    (request,) = plan(found(100, 160))

    assert (request.span, request.core) == (span(95, 165), span(100, 160))


def test_a_request_begins_and_ends_in_quiet():
    """Where there is a pause beside a hole, a request begins half a second before the speech behind the pause."""
    speech = spoken(span(0, 96), span(97, 163), span(163.4, HOUR_S))

    (request,) = plan(found(100, 160), speech=speech)

    assert request.span == span(96.5, 163.4)


def test_neighbours_are_asked_together():
    """Findings within ten seconds of one another are one request, which names each kind once."""
    (request,) = plan(found(100, 110), found(105, 108, kind=Kind.LOOP), found(119, 125))

    assert request.kinds == (Kind.HOLE, Kind.LOOP)
    assert request.core == span(100, 125)


@pytest.mark.parametrize(
    "finding", [found(10, 20, kind=Kind.TEXT_ON_SILENCE, severity=Severity.SUSPECT), found(10, 10)]
)
def test_what_may_be_right_is_not_asked(finding):
    """Only what is wrong or missing is worth its price, and only where it has a length."""
    assert plan(finding) == ()


def test_the_most_speech_for_its_price_comes_first():
    """Where the budget allows one request, it is for the hole that is speech from end to end."""
    speech = spoken(span(100, 112), span(500, 560))

    (request,) = plan(found(100, 160), found(500, 560), speech=speech, budget_s=75)

    assert request.core == span(500, 560)


def test_a_hole_longer_than_the_budget_is_asked_in_part():
    """As much of a long hole is asked as may be, rather than nothing."""
    requests = plan(found(100, 1900), budget_s=720)

    assert [request.span.length_ms for request in requests] == [720_000]


def test_a_hole_longer_than_a_request_is_cut_where_it_is_quiet():
    """What is too long for one request becomes several that touch in a pause."""
    speech = spoken(span(0, 700), span(702, HOUR_S))

    first, second = plan(found(100, 1000), speech=speech)

    assert first.span.end_ms == second.span.start_ms == 701_000


def test_speech_without_text_that_is_near_is_asked_with_a_hole():
    """What follows a hole within a quarter of a minute, and has no text either, is asked with it; text ends that."""
    speech = spoken(span(0, 160), span(172, 174), span(188, 190), span(206, 208), span(212, HOUR_S))
    texted = (span(0, 100), span(200, 300))

    (request,) = plan(found(100, 160), speech=speech, texted=texted)

    assert request.span == span(95, 192)
    assert request.core == span(100, 160)


def test_speech_without_text_before_what_is_found_is_asked_with_it():
    """It goes the other way, too, but not for more than two minutes."""
    speech = spoken(*(span(at, at + 1) for at in range(10, 300, 10)), span(300, 320))

    (request,) = plan(found(300, 320), speech=speech, texted=())

    assert request.span.start_ms == 178_000


def test_a_chunk_is_not_asked_again_as_it_was():
    """The same request would get the same answer: a tenth of a second is left out."""
    (request,) = plan(found(0, 50), chunks=[span(0, 50)], duration_s=50)

    assert request.span == span(0, 49.9)


@pytest.mark.parametrize(
    ("duration_s", "share", "budget_ms"),
    [(HOUR_S, 0.2, 720_000), (60, 0.2, LEAST_BUDGET_MS), (HOUR_S, 0.0, 0), (60, 0.0, 0), (HOUR_S, 1.0, 3_600_000)],
)
def test_the_budget_is_a_share_and_at_least_a_minute(duration_s, share, budget_ms):
    """A share of the recording may be asked again, of a short one a minute, and nothing where the share is nothing."""
    assert budget_of(duration_s * 1000, share=share) == budget_ms


# --- for every inspection --------------------------------------------------------------------------------------------

DURATION_MS = 600_000
spans = st.tuples(st.integers(0, DURATION_MS), st.integers(0, DURATION_MS)).map(
    lambda ends: Span(start_ms=min(ends), end_ms=max(ends))
)
findings_made = st.lists(
    st.builds(
        Finding, kind=st.sampled_from(Kind), span=spans, severity=st.sampled_from(Severity), evidence=st.just("")
    ),
    max_size=8,
)
maps = st.lists(spans, max_size=12).map(
    lambda made: SpeechMap(duration_ms=DURATION_MS, maybe=union(made), surely=union(made[::2]))
)
plans = st.fixed_dictionaries(
    {
        "speech": st.none() | maps,
        "texted": st.lists(spans, max_size=12).map(union),
        "chunks": st.lists(spans, max_size=3).map(lambda made: [Span(start_ms=0, end_ms=DURATION_MS), *made]),
        "duration_ms": st.just(DURATION_MS),
        "budget_ms": st.integers(0, 2 * DURATION_MS),
        "max_ms": st.integers(1_000, 2 * DURATION_MS),
    }
)


@given(findings_made, plans)
def test_a_plan_keeps_to_its_limits(findings, about):
    """Requests stay in the recording, in order, apart from each other, short enough, and within the budget."""
    requests = plan_repairs(findings, **about)
    edges = [edge for request in requests for edge in (request.span.start_ms, request.span.end_ms)]

    assert edges == sorted(edges)
    assert all(0 <= edge <= DURATION_MS for edge in edges)
    assert all(0 < request.span.length_ms <= about["max_ms"] for request in requests)
    assert sum(asked_ms(request.span) for request in requests) <= about["budget_ms"]
    assert all(request.span not in about["chunks"] for request in requests)
    assert all(one.severity is Severity.REPAIRABLE for request in requests for one in request.findings)


@given(findings_made, plans)
def test_whatever_may_be_asked_is_asked(findings, about):
    """With money enough, everything that is repairable is covered, but for the tenth that keeps a request new."""
    requests = plan_repairs(findings, **{**about, "budget_ms": 100 * DURATION_MS})
    asked = union(request.span for request in requests)
    wanted = [finding.span for finding in findings if finding.severity is Severity.REPAIRABLE]

    assert all(length_within(asked, one) >= one.length_ms - 100 * len(requests) for one in wanted)


@given(findings_made, plans)
def test_the_same_findings_are_asked_the_same_way(findings, about):
    """The order in which findings are told plays no part, so that kept answers fit after a crash."""
    told = plan_repairs(findings, **about)
    again = plan_repairs([replace(finding) for finding in reversed(findings)], **about)

    assert [request.span for request in told] == [request.span for request in again]
