"""Where recordings are cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.model import Cut, Span
from voxtrald.transcript.planning import ChunkLimits, first_window, needs_cutting, plan_spans, search_windows

MINUTE_MS = 60_000
USUAL = ChunkLimits(max_ms=14 * MINUTE_MS, first_ms=2 * MINUTE_MS, search_ms=20_000, overlap_ms=3_000)


@st.composite
def any_limits(draw):
    """Limits as a configuration may hold them, contradictory ones included."""
    return ChunkLimits(
        max_ms=draw(st.integers(30_000, 30 * MINUTE_MS)),
        first_ms=draw(st.integers(10_000, 40 * MINUTE_MS)),
        search_ms=draw(st.integers(0, 2 * MINUTE_MS)),
        overlap_ms=draw(st.integers(0, MINUTE_MS)),
        voices_ms=draw(st.sampled_from([0, 0, 20_000])),
    )


def choose(draw, window):
    """Any cut a search may come back with, on the window's edges too."""
    return Cut(at_ms=draw(st.integers(window.start_ms, window.end_ms)), quiet=draw(st.booleans()))


@st.composite
def any_plan(draw, limits=None):
    """A recording that needs cutting, its windows, cuts chosen inside them, and the plan."""
    limits = limits or draw(any_limits())
    duration_ms = draw(st.integers(limits.max_ms + 1, limits.max_ms * 20))
    first_cut = choose(draw, first_window(limits))
    windows = search_windows(duration_ms, first_cut=first_cut, limits=limits)
    cuts = [first_cut, *(choose(draw, window) for window in windows)]
    return limits, duration_ms, windows, cuts, plan_spans(duration_ms, cuts, limits=limits)


@pytest.mark.parametrize(("duration_ms", "expected"), [(14 * MINUTE_MS, False), (14 * MINUTE_MS + 1, True)])
def test_a_recording_is_cut_when_it_is_longer_than_a_request_may_be(duration_ms, expected):
    """A recording of exactly the limit goes out in one piece, one millisecond more does not."""
    assert expected == needs_cutting(duration_ms, USUAL)


def test_the_first_cut_is_searched_just_before_its_mark():
    """The first window ends at the mark, so that the first chunk is never longer than asked for."""
    assert Span(start_ms=100_000, end_ms=120_000) == first_window(USUAL)


def test_the_first_chunk_obeys_the_limit_of_all_chunks():
    """A first chunk configured longer than a chunk may be is cut at the chunk limit."""
    limits = ChunkLimits(max_ms=60_000, first_ms=120_000, search_ms=10_000, overlap_ms=0)

    assert Span(start_ms=50_000, end_ms=60_000) == first_window(limits)


def test_a_rest_that_fits_one_chunk_has_no_more_windows():
    """After the first cut nothing more is searched when the rest is short enough."""
    first_cut = Cut(at_ms=110_000, quiet=True)

    assert search_windows(15 * MINUTE_MS, first_cut=first_cut, limits=USUAL) == ()


def test_an_overlap_counts_towards_the_limit():
    """A rest just within the limit is cut once more, because its chunk begins in the overlap."""
    first_cut = Cut(at_ms=2 * MINUTE_MS, quiet=False)

    assert len(search_windows(16 * MINUTE_MS - 2_000, first_cut=first_cut, limits=USUAL)) == 1


def test_a_long_recording_is_divided_evenly():
    """The marks after the first cut divide 101 minutes into equal parts."""
    windows = search_windows(101 * MINUTE_MS, first_cut=Cut(at_ms=MINUTE_MS, quiet=True), limits=USUAL)
    marks = [(window.start_ms + window.end_ms) // 2 for window in windows]

    assert [MINUTE_MS + 750_000 * number for number in range(1, 8)] == marks


def test_a_duration_before_the_first_cut_needs_no_windows():
    """A header that promised more than the file holds leaves the first chunk alone."""
    first_cut = Cut(at_ms=110_000, quiet=False)

    assert search_windows(90_000, first_cut=first_cut, limits=USUAL) == ()
    assert (Span(start_ms=0, end_ms=90_000),) == plan_spans(90_000, [first_cut], limits=USUAL)


def test_chunks_overlap_only_where_the_cut_is_not_quiet():
    """After a loud cut the next span starts earlier, after a quiet one it does not."""
    cuts = [Cut(at_ms=100_000, quiet=True), Cut(at_ms=200_000, quiet=False)]

    expected = (
        Span(start_ms=0, end_ms=100_000),
        Span(start_ms=100_000, end_ms=200_000),
        Span(start_ms=197_000, end_ms=300_000),
    )
    assert expected == plan_spans(300_000, cuts, limits=USUAL)


def test_chunks_overlap_everywhere_where_voices_are_compared():
    """At a quiet cut, too, the next span starts earlier, by the longer of the two overlaps."""
    cuts = [Cut(at_ms=100_000, quiet=True), Cut(at_ms=200_000, quiet=False)]
    spans = plan_spans(300_000, cuts, limits=replace(USUAL, voices_ms=20_000))

    assert [(span.start_ms, span.end_ms) for span in spans] == [(0, 100_000), (80_000, 200_000), (180_000, 300_000)]


@given(any_plan())
def test_no_chunk_is_longer_than_allowed_wherever_the_cuts_fall(plan):
    """Every choice inside the windows, quiet or not, keeps every span within the limit."""
    limits, _, _, _, spans = plan

    assert max(span.length_ms for span in spans) <= limits.max_ms


@given(any_plan())
def test_the_spans_cover_the_recording_and_overlap_at_most_in_pairs(plan):
    """The spans begin at 0, leave no gap, end at the end, and no instant is in three of them."""
    _, duration_ms, _, cuts, spans = plan

    assert (0, duration_ms) == (spans[0].start_ms, spans[-1].end_ms)
    assert [cut.at_ms for cut in cuts] == [span.end_ms for span in spans[:-1]]
    assert all(after.start_ms <= before.end_ms for before, after in pairwise(spans))
    assert all(after.start_ms >= before.end_ms for before, after in zip(spans, spans[2:], strict=False))


@given(any_plan())
def test_windows_never_meet(plan):
    """The windows lie in order, apart from one another, between the first cut and the end."""
    _, duration_ms, windows, cuts, _ = plan
    edges = [
        cuts[0].at_ms,
        *(edge for window in windows for edge in (window.start_ms, window.end_ms)),
        duration_ms,
    ]

    assert sorted(edges) == edges
    assert all(before.end_ms < after.start_ms for before, after in pairwise(windows))


@given(any_plan(limits=USUAL))
def test_no_chunk_is_tiny_with_the_usual_limits(plan):
    """Nobody waits or pays for a request that holds a few seconds."""
    _, _, _, _, spans = plan

    assert min(span.length_ms for span in spans) >= 30_000
