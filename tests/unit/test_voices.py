"""Speakers keep their labels from chunk to chunk, and where nobody can know it, that is said."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Span
from voxtrald.transcript.voices import name_speakers


def answer(start_ms, end_ms, *turns):
    """An answer about a stretch: turns are (label, start, end) in the recording's time."""
    segments = tuple(
        AnswerSegment(text=f"w{begin}", start_ms=begin - start_ms, end_ms=end - start_ms, speaker=label)
        for label, begin, end in turns
    )
    return PlacedAnswer(
        span=Span(start_ms=start_ms, end_ms=end_ms), offset_ms=start_ms, answer=Answer(text="", segments=segments)
    )


def labels(named):
    """The labels of each chunk, in order."""
    return [[segment.speaker for segment in placed.answer.segments] for placed in named.answers]


def sureness(named):
    """Where the joints are, and whether they are sure."""
    return [(join.at_ms, join.is_sure) for join in named.joins]


# --- over the overlap ----------------------------------------------------------------------------------------


def test_speakers_are_found_again_in_the_overlap():
    """Who speaks at the same time in both chunks is the same, whatever the second one calls them."""
    named = name_speakers(
        [
            answer(0, 20_000, ("speaker_1", 0, 9_000), ("speaker_2", 10_000, 14_000), ("speaker_1", 14_500, 19_000)),
            answer(10_000, 40_000, ("speaker_1", 10_000, 14_000), ("speaker_2", 14_500, 19_000)),
        ]
    )

    assert labels(named) == [["speaker_1", "speaker_2", "speaker_1"], ["speaker_2", "speaker_1"]]
    assert sureness(named) == [(10_000, True)]


def test_who_is_not_in_the_overlap_is_new_and_unsure():
    """A voice that is first heard behind the overlap may be one that was silent in it."""
    named = name_speakers(
        [
            answer(0, 20_000, ("speaker_1", 0, 9_000), ("speaker_2", 10_000, 19_000)),
            answer(10_000, 40_000, ("speaker_1", 10_000, 19_000), ("speaker_2", 25_000, 30_000)),
        ]
    )

    assert labels(named) == [["speaker_1", "speaker_2"], ["speaker_2", "speaker_3"]]
    assert named.joins[0].unsure == ("speaker_3",)


def test_who_joins_when_all_others_are_there_is_surely_new():
    """With everybody found again, one more label can only be one more person."""
    named = name_speakers(
        [
            answer(0, 20_000, ("speaker_1", 0, 19_000)),
            answer(10_000, 40_000, ("speaker_1", 10_000, 19_000), ("speaker_2", 25_000, 30_000)),
        ]
    )

    assert labels(named) == [["speaker_1"], ["speaker_1", "speaker_2"]]
    assert sureness(named) == [(10_000, True)]


@pytest.mark.parametrize(
    ("shared_ms", "label", "is_sure"),
    [(1_000, "speaker_1", True), (999, "speaker_1", False), (300, "speaker_1", False), (299, "speaker_2", False)],
)
def test_a_word_in_common_is_a_guess_and_less_is_nothing(shared_ms, label, is_sure):
    """A second together is sure, three tenths are a guess, and what bad times explain is no match."""
    named = name_speakers(
        [answer(0, 20_000, ("speaker_1", 0, 10_000 + shared_ms)), answer(10_000, 40_000, ("speaker_1", 10_000, 39_000))]
    )

    assert labels(named)[1] == [label]
    assert named.joins[0].is_sure == is_sure


def test_two_who_speak_at_once_cannot_be_told_apart():
    """Voices that speak over one another all the time share the same with both, so neither is sure."""
    named = name_speakers(
        [
            answer(0, 20_000, ("speaker_1", 10_000, 19_000), ("speaker_2", 10_000, 19_000)),
            answer(10_000, 40_000, ("speaker_1", 10_000, 19_000), ("speaker_2", 10_000, 19_000)),
        ]
    )

    assert set(named.joins[0].unsure) == {"speaker_1", "speaker_2"}


# --- any talk ----------------------------------------------------------------------------------------------------


@st.composite
def any_talk(draw, *, all_at_joints):
    """Turns of up to four voices, (voice, start, end) in order, and the chunks, (start, end), with their overlaps."""
    voices = draw(st.integers(1, 4))
    turns = []
    starts, ends = [0], []
    for _ in range(draw(st.integers(1, 4))):
        at_ms = turns[-1][2] if turns else 0
        said = draw(st.lists(st.tuples(st.integers(0, voices - 1), st.integers(100, 6_000)), min_size=1, max_size=8))
        everyone = [(voice, draw(st.integers(1_000, 4_000))) for voice in draw(st.permutations(range(voices)))]
        edges = [*accumulate((length_ms for _, length_ms in (*said, *everyone)), initial=at_ms)]
        turns += [(voice, *edge) for (voice, _), edge in zip((*said, *everyone), pairwise(edges), strict=True)]
        starts.append(edges[len(said)] if all_at_joints else draw(st.integers(at_ms + 1, edges[-1])))
        ends.append(edges[-1])
    return turns, list(zip(starts[:-1], ends, strict=True))


def heard(draw, turns, start_ms, end_ms):
    """What an engine says about a stretch, with its own labels in any order; and whom it means by them."""
    inside = [(voice, max(begin, start_ms), min(end, end_ms)) for voice, begin, end in turns]
    inside = [turn for turn in inside if turn[1] < turn[2]]
    names = {voice: f"speaker_{number + 1}" for number, voice in enumerate(draw(st.permutations(range(4))))}
    said = answer(start_ms, end_ms, *((names[voice], begin, end) for voice, begin, end in inside))
    return said, [voice for voice, _, _ in inside]


@given(st.data())
def test_with_everybody_in_each_overlap_the_labels_are_the_truth(data):
    """However a talk is cut, if all speak for a second in each overlap, a label is one voice and a voice one label."""
    turns, chunks = data.draw(any_talk(all_at_joints=True))
    told = [heard(data.draw, turns, *chunk) for chunk in chunks]

    named = name_speakers([said for said, _ in told])

    pairs = {pair for one, (_, truth) in zip(labels(named), told, strict=True) for pair in zip(truth, one, strict=True)}
    assert len({voice for voice, _ in pairs}) == len({label for _, label in pairs}) == len(pairs)
    assert all(join.is_sure for join in named.joins)


@given(st.data())
def test_no_two_people_share_a_name_where_it_is_sure(data):
    """However a talk is cut and whoever is in the overlaps, as long as all joints are sure a label is one voice."""
    turns, chunks = data.draw(any_talk(all_at_joints=False))
    told = [heard(data.draw, turns, *chunk) for chunk in chunks]

    named = name_speakers([said for said, _ in told])

    meant: dict[str, int] = {}
    for one, (_, truth), join in zip(labels(named)[1:], told[1:], named.joins, strict=False):
        before = zip(labels(named)[0], told[0][1], strict=True)
        meant = meant or dict(before)
        if not join.is_sure:
            break
        for label, voice in zip(one, truth, strict=True):
            assert meant.setdefault(label, voice) == voice


@given(st.data())
def test_naming_changes_nothing_but_labels(data):
    """Texts, times and the order of the chunks stay, and naming what was named changes nothing more."""
    turns, chunks = data.draw(any_talk(all_at_joints=False))
    told = [said for said, _ in (heard(data.draw, turns, *chunk) for chunk in chunks)]

    named = name_speakers(told[::-1])

    assert [placed.span for placed in named.answers] == [placed.span for placed in told]
    for old, new in zip(told, named.answers, strict=True):
        assert [(one.text, one.start_ms) for one in old.answer.segments] == [
            (one.text, one.start_ms) for one in new.answer.segments
        ]
    assert name_speakers(told) == named


# --- by name -----------------------------------------------------------------------------------------------------


def test_a_voice_known_by_a_clip_is_that_speaker():
    """A clip's name joins without an overlap, over a missing chunk, too; an unknown voice with an old label is new."""
    named = name_speakers(
        [
            answer(0, 10_000, ("speaker_1", 0, 4_000), ("speaker_2", 5_000, 9_000)),
            answer(20_000, 30_000, ("known_0_speaker_2", 20_000, 24_000), ("speaker_1", 25_000, 29_000)),
            answer(30_000, 40_000, ("known_20000_speaker_1", 30_000, 34_000), ("known_0_speaker_1", 35_000, 39_000)),
        ]
    )

    assert labels(named) == [["speaker_1", "speaker_2"], ["speaker_2", "speaker_3"], ["speaker_3", "speaker_1"]]
    assert sureness(named) == [(20_000, False), (30_000, True)]
    assert named.joins[0].unsure == ("speaker_3",)


def test_configured_names_stay():
    """Who was introduced by the configuration keeps that name everywhere; the others are numbered beside them."""
    named = name_speakers(
        [
            answer(0, 10_000, ("Ilze", 0, 4_000), ("speaker_2", 5_000, 9_000)),
            answer(10_000, 20_000, ("Ilze", 10_000, 14_000)),
        ],
        names={"Ilze", "speaker_1"},
    )

    assert labels(named) == [["Ilze", "speaker_2"], ["Ilze"]]
    assert sureness(named) == [(10_000, True)]


# --- labels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("speaker_3", "speaker_1", ["speaker_1", "speaker_2"]),
        ("SPEAKER_00", "SPEAKER_01", ["SPEAKER_00", "SPEAKER_01"]),
        ("2", "0", ["0", "1"]),
        ("B", "A", ["A", "B"]),
        ("guest", "host", ["speaker_1", "speaker_2"]),
    ],
)
def test_labels_are_numbered_in_the_engines_style(first, second, expected):
    """Whoever is heard first is the first one, counted as the engine counts."""
    named = name_speakers([answer(0, 10_000, (first, 0, 4_000)), answer(10_000, 20_000, (second, 10_000, 14_000))])

    assert [label for chunk in labels(named) for label in chunk] == expected


def test_one_chunk_keeps_its_labels():
    """One request has one count of speakers, which is passed on as it is, and no joint."""
    only = answer(0, 10_000, ("speaker_7", 0, 4_000))

    assert name_speakers([only]).answers == (only,)
    assert name_speakers([only]).joins == ()


def test_without_speakers_there_are_no_joints():
    """Where nobody was named, nothing is said about who goes on."""
    named = name_speakers([answer(0, 10_000, (None, 0, 4_000)), answer(10_000, 20_000, (None, 10_000, 14_000))])

    assert (labels(named), named.joins) == ([[None], [None]], ())


# --- in the transcript -------------------------------------------------------------------------------------------


def test_only_the_first_mention_behind_an_unsure_joint_is_marked():
    """The merged transcript marks where a doubtful label is first used, and no other place."""
    transcript = merge(
        [
            answer(0, 10_000, ("speaker_1", 0, 4_000)),
            answer(
                10_000, 30_000, ("speaker_1", 11_000, 14_000), (None, 15_000, 16_000), ("speaker_1", 20_000, 24_000)
            ),
        ],
        duration_ms=30_000,
    )

    assert [(segment.speaker, segment.is_speaker_sure) for segment in transcript.segments] == [
        ("speaker_1", True),
        ("speaker_2", False),
        (None, True),
        ("speaker_2", True),
    ]


def test_a_label_is_not_doubted_before_the_joint():
    """Where a known speaker goes on by a guess, the mark stands behind the joint, and what was said before has none."""
    transcript = merge(
        [
            answer(0, 10_500, ("speaker_1", 0, 4_000), ("speaker_1", 9_000, 10_500)),
            answer(10_000, 30_000, ("speaker_1", 10_000, 14_000), ("speaker_1", 20_000, 24_000)),
        ],
        duration_ms=30_000,
    )

    assert {segment.speaker for segment in transcript.segments} == {"speaker_1"}
    assert [segment.start_ms for segment in transcript.segments if not segment.is_speaker_sure] >= [10_000]
    assert sum(not segment.is_speaker_sure for segment in transcript.segments) == 1
