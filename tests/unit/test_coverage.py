"""How much of the speech has text, and what may be left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.coverage import LEAD_MS, TRAIL_MS, SpeechMap, measure_coverage, silences
from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.spans import length_within, union


def span(start_s, end_s):
    """A span in seconds."""
    return Span(start_ms=start_s * 1000, end_ms=end_s * 1000)


def transcript(*spans, duration_s=100, missing=()):
    """A transcript with text in these spans."""
    segments = tuple(Segment(start_ms=one.start_ms, end_ms=one.end_ms, text="word") for one in spans)
    return Transcript(text="", language=None, segments=segments, duration_ms=duration_s * 1000, missing=missing)


def spoken(*spans, duration_s=100):
    """A map with sure speech in these spans."""
    return SpeechMap(duration_ms=duration_s * 1000, maybe=spans, surely=spans)


def test_all_speech_under_segments_is_covered():
    """Nothing is missing where every word has text."""
    coverage = measure_coverage(transcript(span(0, 50)), spoken(span(1, 20), span(30, 49)))

    assert (coverage.speech_ms, coverage.covered_ms, coverage.missing) == (38_000, 38_000, ())


def test_a_hole_and_a_chunk_without_answer_are_missing():
    """What an inspection found is listed with what was known, joined where they touch."""
    text = transcript(span(0, 10), span(40, 60), missing=(span(20, 40),))

    coverage = measure_coverage(text, spoken(span(0, 60)), holes=[span(11, 20)])

    assert coverage.missing == (span(11, 40),)
    assert coverage.covered_ms == 30_500  # the first segment may end half a second later than it says


def test_text_on_a_missing_span_does_not_cover_it():
    """A segment that swallowed a hole is not taken for its text."""
    coverage = measure_coverage(transcript(span(0, 100)), spoken(span(0, 100)), holes=[span(30, 90)])

    assert coverage.covered_ms == 40_000


@given(st.lists(st.integers(0, 99_999), max_size=8), st.integers(1, 20_000))
def test_no_speech_lies_in_what_is_left_out(starts_ms, over_ms):
    """Every skipped stretch is longer than asked for and keeps its distance from speech on both sides."""
    speech = union(Span(start_ms=at, end_ms=min(at + 700, 100_000)) for at in starts_ms)
    left_out = silences(SpeechMap(duration_ms=100_000, maybe=speech, surely=()), over_ms=over_ms)

    for gap in left_out:
        near = Span(start_ms=gap.start_ms - TRAIL_MS, end_ms=gap.end_ms + LEAD_MS)
        assert gap.length_ms > over_ms
        assert length_within(speech, near) == 0


def test_a_silent_recording_may_be_left_out_whole():
    """Without any speech the whole recording is one silence."""
    assert silences(spoken(), over_ms=10_000) == (span(0, 100),)
