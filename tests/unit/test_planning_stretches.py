"""Where a recording is cut whose long silences are left out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from voxtrald.pipeline.billing import started_seconds
from voxtrald.transcript.model import Cut, Span
from voxtrald.transcript.planning import ChunkLimits, plan_stretches, stretch_windows, worth_skipping
from voxtrald.transcript.spans import union, without

MINUTE_MS = 60_000
USUAL = ChunkLimits(max_ms=14 * MINUTE_MS, first_ms=2 * MINUTE_MS, search_ms=20_000, overlap_ms=3_000)


@st.composite
def any_silences(draw, least_ms=1):
    """A recording's length, and silences in it, in order and apart."""
    at_ms, silences = draw(st.sampled_from([0, 1, 5_000])), []
    for _ in range(draw(st.integers(0, 6))):
        end_ms = at_ms + draw(st.integers(least_ms, 30 * MINUTE_MS))
        silences.append(Span(start_ms=at_ms, end_ms=end_ms))
        at_ms = end_ms + draw(st.integers(1, 40 * MINUTE_MS))
    is_silent_at_end = bool(silences) and draw(st.booleans())
    return tuple(silences), silences[-1].end_ms if is_silent_at_end else at_ms + 1


@st.composite
def any_plan(draw):
    """Stretches, and a plan for them with any cuts that a search may come back with."""
    limits = ChunkLimits(
        max_ms=draw(st.integers(30_000, 30 * MINUTE_MS)),
        first_ms=MINUTE_MS,
        search_ms=draw(st.integers(0, 2 * MINUTE_MS)),
        overlap_ms=draw(st.integers(0, MINUTE_MS)),
    )
    silences, duration_ms = draw(any_silences())
    stretches = without(Span(start_ms=0, end_ms=duration_ms), silences)
    windows = stretch_windows(stretches, limits=limits)
    cuts = [
        Cut(at_ms=draw(st.integers(window.start_ms, window.end_ms)), quiet=draw(st.booleans())) for window in windows
    ]
    return limits, stretches, windows, plan_stretches(stretches, cuts, limits=limits)


@given(any_plan())
def test_the_spans_cover_the_stretches_and_nothing_else(plan):
    """Wherever the cuts fall, all that is left is sent, in order, and nothing of what is left out."""
    limits, stretches, _, spans = plan

    assert union(spans) == stretches
    assert all(span.length_ms > 0 for span in spans)
    assert all(one.start_ms < two.start_ms and one.end_ms < two.end_ms for one, two in pairwise(spans))
    assert all(one.end_ms - two.start_ms <= limits.shared_ms for one, two in pairwise(spans))


@given(any_plan())
def test_no_chunk_of_a_stretch_is_too_long(plan):
    """Every chunk is within the limit, overlap included; a stretch that fits one request is one."""
    limits, stretches, _, spans = plan

    assert all(span.length_ms <= limits.max_ms for span in spans)
    assert {stretch for stretch in stretches if stretch.length_ms <= limits.max_ms} <= set(spans)


@given(any_plan())
def test_windows_lie_within_their_stretches(plan):
    """A cut is searched in what is sent, and no two searches meet."""
    _, stretches, windows, _ = plan

    assert all(any(one.start_ms <= w.start_ms and w.end_ms <= one.end_ms for one in stretches) for w in windows)
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(windows))


def billed_s(silences, duration_ms):
    """What the stretches between silences are billed at, each as one chunk."""
    return sum(started_seconds(span.length_ms) for span in without(Span(start_ms=0, end_ms=duration_ms), silences))


@given(any_silences())
@example(((Span(start_ms=1_400, end_ms=2_300),), 3_600))
def test_leaving_out_saves_seconds(recording):
    """Each silence that is left out saves at least a second, rounding included."""
    silences, duration_ms = recording

    chosen = worth_skipping(silences, duration_ms=duration_ms)

    assert set(chosen) <= set(silences)
    costs = [billed_s(chosen[:count], duration_ms) for count in range(len(chosen) + 1)]
    assert all(more > less for more, less in pairwise(costs))


@given(any_silences(least_ms=2_000))
def test_what_is_longer_than_the_rounding_is_always_left_out(recording):
    """Two parts instead of one cost less than two seconds more, so a silence of two seconds is worth leaving out."""
    silences, duration_ms = recording

    assert worth_skipping(silences, duration_ms=duration_ms) == silences


def test_a_silence_that_saves_nothing_is_sent():
    """1.5 and 1.5 seconds are billed as four, and so is all of it with a silence of half a second between."""
    silence = Span(start_ms=1_500, end_ms=2_000)

    assert worth_skipping([silence], duration_ms=3_500) == ()


def test_silence_alone_leaves_no_stretch():
    """Of a recording in which nobody speaks nothing is left, and nothing is planned."""
    whole = Span(start_ms=0, end_ms=90_000)

    chosen = worth_skipping([whole], duration_ms=90_000)

    assert chosen == (whole,)
    assert plan_stretches(without(whole, chosen), [], limits=USUAL) == ()
