"""Which stretches of the first chunk are sent to show how a speaker sounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.clips import choose_clips, read_name
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Span


def heard(*turns, start_ms=0, end_ms=120_000):
    """An answer about a stretch: turns are (label, start, end) in the recording's time."""
    segments = tuple(
        AnswerSegment(text="w", start_ms=begin - start_ms, end_ms=end - start_ms, speaker=label)
        for label, begin, end in turns
    )
    return PlacedAnswer(
        span=Span(start_ms=start_ms, end_ms=end_ms), offset_ms=start_ms, answer=Answer(text="", segments=segments)
    )


def chosen(*turns, most=8, names=(), **place):
    """The clips as pairs of start and end, by name."""
    clips = choose_clips(heard(*turns, **place), most=most, names=names)
    return {name: (span.start_ms, span.end_ms) for name, span in clips.items()}


turns = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 100_000), st.integers(0, 30_000)), max_size=12
)


def test_the_longest_stretch_alone_is_taken():
    """Sentences with a breath between them are one stretch; it is cut to twelve seconds, in the recording's time."""
    assert chosen(
        ("a", 31_000, 35_000),
        ("a", 40_000, 48_000),
        ("a", 48_500, 60_000),
        ("b", 62_000, 66_000),
        start_ms=30_000,
        end_ms=70_000,
    ) == {"known_30000_a": (40_000, 52_000), "known_30000_b": (62_000, 66_000)}


def test_other_voices_and_edges_are_kept_away():
    """Nothing within a quarter of a second of somebody else, nor within half a second of the chunk's edges."""
    assert chosen(("a", 0, 6_000), ("b", 5_000, 7_000), end_ms=10_000) == {"known_0_a": (500, 4_750)}


def test_who_speaks_most_gets_the_clips_there_are():
    """Where the engine takes fewer clips than there are speakers, the one with little to say goes without."""
    assert list(chosen(("a", 1_000, 5_000), ("b", 6_000, 16_000), ("c", 17_000, 26_000), most=2)) == [
        "known_0_b",
        "known_0_c",
    ]


def test_known_voices_get_no_clip():
    """Who is known by name or by a clip already takes no place."""
    said = ("Ilze", 1_000, 9_000), ("b", 10_000, 16_000), ("known_7_a", 17_000, 24_000)

    assert list(chosen(*said, names={"Ilze"})) == ["known_0_b"]


def test_without_times_or_room_there_are_no_clips():
    """An answer without times, one without speakers, and an engine that takes no clips give none."""
    untimed = PlacedAnswer(
        span=Span(start_ms=0, end_ms=60_000),
        offset_ms=0,
        answer=Answer(text="w", segments=(AnswerSegment(text="w", speaker="a"),)),
    )

    assert choose_clips(untimed, most=8) == {}
    assert chosen((None, 1_000, 30_000)) == {}
    assert chosen(("a", 1_000, 30_000), most=0) == {}


@given(turns, st.integers(0, 8))
def test_a_clip_holds_one_voice_and_has_a_length_that_is_taken(said, most):
    """Each clip is 3 to 15 seconds, lies inside the chunk, and nobody else is named anywhere in it."""
    placed = [(label, begin, begin + length) for label, begin, length in said]
    clips = choose_clips(heard(*placed), most=most)

    assert len(clips) <= most
    for name, span in clips.items():
        assert 3_000 <= span.length_ms <= 15_000
        assert 0 <= span.start_ms < span.end_ms <= 120_000
        others = [turn for turn in placed if (0, turn[0]) != read_name(name) and turn[1] < turn[2]]
        assert all(end <= span.start_ms or begin >= span.end_ms for _, begin, end in others)
