"""One transcript from many answers."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.merging import merge
from voxtrald.transcript.model import Answer, AnswerSegment, PlacedAnswer, Segment, Span
from voxtrald.transcript.words import clean_text, split_words

WORD_MS = 400
SPOKEN_MS = 350


def said(text, start_ms=None, end_ms=None, speaker=None):
    """What an engine says about a piece of a chunk."""
    return AnswerSegment(text=text, start_ms=start_ms, end_ms=end_ms, speaker=speaker)


def chunk(start_ms, end_ms, *segments, text="", offset_ms=None, language=None):
    """An answer about the recording from `start_ms` to `end_ms`."""
    return PlacedAnswer(
        span=Span(start_ms=start_ms, end_ms=end_ms),
        offset_ms=start_ms if offset_ms is None else offset_ms,
        answer=Answer(text=text, segments=segments, language=language),
    )


def merged_text(*answers):
    """The text of the merged transcript."""
    return merge(answers, duration_ms=max(answer.span.end_ms for answer in answers)).text


# --- times -------------------------------------------------------------------------------------------------


def test_times_are_shifted_by_the_chunks_offset():
    """A chunk's times count from its first decoded sample, which need not be the span's first."""
    transcript = merge(
        [
            chunk(0, 10_000, said("a", 0, 500)),
            chunk(10_000, 20_000, said("b", 1_000, 2_000), offset_ms=9_980),
        ],
        duration_ms=20_000,
    )

    assert (transcript.segments[1].start_ms, transcript.segments[1].end_ms) == (10_980, 11_980)


def test_answers_may_come_in_any_order():
    """The chunk that is answered first need not be the first of the recording."""
    assert merged_text(chunk(10_000, 20_000, said("two", 0, 500)), chunk(0, 10_000, said("one", 0, 9))) == "one two"


def test_text_without_times_covers_its_chunk():
    """An engine that gives text only yields one segment over the chunk's span."""
    transcript = merge([chunk(5_000, 15_000, text=" Only  text.\n")], duration_ms=20_000)

    assert (Segment(start_ms=5_000, end_ms=15_000, text="Only text."),) == transcript.segments


def test_absent_times_are_filled_in_from_the_neighbours_by_length():
    """Two untimed segments share the time between their timed neighbours by their characters."""
    transcript = merge(
        [chunk(0, 10_000, said("begin", 0, 1_000), said("abc"), said("x"), said("end", 5_000, 6_000))],
        duration_ms=10_000,
    )

    expected = [(0, 1_000), (1_000, 4_000), (4_000, 5_000), (5_000, 6_000)]
    assert expected == [(segment.start_ms, segment.end_ms) for segment in transcript.segments]


def test_an_absent_end_is_filled_in_from_the_next_start():
    """A segment that knows only its start lasts until the next begins."""
    transcript = merge([chunk(0, 9_000, said("a", 1_000), said("b", 3_000, 4_000))], duration_ms=9_000)

    assert Segment(start_ms=1_000, end_ms=3_000, text="a") == transcript.segments[0]


def test_times_outside_the_chunk_are_clamped_to_it():
    """A time that runs past the audio that was sent does not reach into the next chunk."""
    transcript = merge([chunk(0, 5_000, said("late", 4_000, 99_000))], duration_ms=60_000)

    assert (Segment(start_ms=4_000, end_ms=5_000, text="late"),) == transcript.segments


# --- text --------------------------------------------------------------------------------------------------


def test_empty_segments_are_dropped():
    """A segment of blanks is no segment."""
    assert merged_text(chunk(0, 5_000, said("  ", 0, 100), said(" word", 100, 200))) == "word"


def test_text_is_kept_where_all_segments_are_empty():
    """Text that no segment holds is still a transcript."""
    assert merged_text(chunk(0, 5_000, said(" ", 0, 100), text="kept")) == "kept"


def test_silence_is_a_transcript():
    """An empty answer merges to an empty, complete transcript."""
    transcript = merge([chunk(0, 5_000)], duration_ms=5_000)

    assert (transcript.text, transcript.segments, transcript.missing) == ("", (), ())


def test_chinese_is_joined_without_spaces():
    """Between two Chinese sentences stands no space, between other scripts one does."""
    assert (
        merged_text(chunk(0, 5_000, said("你好。", 0, 100), said("再见。", 200, 300), said("Bye.", 400, 500)))
        == "你好。再见。 Bye."
    )


def test_what_no_file_may_hold_is_cleaned_away():
    """Escape sequences, line breaks and half surrogates of an answer never reach an output."""
    assert clean_text(" red \x1b[31m\ud83d\r\n\u2028a\u00a0b\ufeff ") == "red [31m\ufffd a\u00a0b"


@given(st.text())
def test_split_words_lose_nothing(text):
    """The words of a cleaned text joined together are the text."""
    cleaned = clean_text(text)

    assert cleaned == "".join(split_words(cleaned))


def test_thai_marks_stay_with_their_letter():
    """A script without spaces is divided between letters, never before a mark or after a leading vowel."""
    assert split_words("กำเกี่") != ["ก", "ำ", "เก", "ี่"]
    assert all(not word.startswith(("\u0e35", "\u0e48")) for word in split_words("กำเกี่"))


# --- overlaps ----------------------------------------------------------------------------------------------


def test_words_heard_by_both_chunks_are_kept_once():
    """The overlap's words appear once although both chunks tell them."""
    assert (
        merged_text(
            chunk(0, 10_000, said("one two three four", 6_000, 10_000)),
            chunk(8_000, 20_000, said("three four five six", 0, 4_000)),
        )
        == "one two three four five six"
    )


def test_words_cut_at_an_edge_come_from_the_chunk_that_has_them_whole():
    """Half a word at either chunk's edge gives way to the whole word."""
    assert (
        merged_text(
            chunk(0, 10_000, said("the capital of Latvia is Ri", 7_000, 10_000)),
            chunk(8_000, 20_000, said("ital of Latvia is Riga today", 0, 4_000)),
        )
        == "the capital of Latvia is Riga today"
    )


def test_half_words_alone_are_enough_to_find_the_joint():
    """The beginning of a word in one chunk and the whole of it in the other are the same word."""
    assert (
        merged_text(
            chunk(0, 10_000, said("the big eleph", 8_000, 10_000)),
            chunk(9_000, 20_000, said("elephant sleeps", 300, 2_000)),
        )
        == "the big elephant sleeps"
    )


def test_case_and_punctuation_do_not_hide_an_agreement():
    """Chunks may punctuate the same words differently."""
    assert (
        merged_text(
            chunk(0, 10_000, said("He said: hello, world.", 6_000, 10_000)),
            chunk(8_000, 20_000, said("Hello World and left", 0, 3_000)),
        )
        == "He said: hello, World and left"
    )


def test_repeated_words_are_joined_by_their_times():
    """Where the same word comes many times its time decides which is which."""
    assert (
        merged_text(
            chunk(0, 5_000, *(said("no", at, at + 300) for at in (2_000, 3_000, 4_000))),
            chunk(
                3_000,
                9_000,
                *(said("no", at, at + 300) for at in (0, 1_000, 2_000)),
                said("yes", 3_000, 3_300),
            ),
        )
        == "no no no no yes"
    )


def test_text_without_times_is_joined_by_its_words():
    """Plain text of long chunks is joined where the end of one agrees with the beginning of the other."""
    before = " ".join(f"before{number}" for number in range(900))
    after = " ".join(f"after{number}" for number in range(900))

    assert f"{before} and then we went home {after}" == merged_text(
        chunk(0, 600_000, text=f"{before} and then we went ho"),
        chunk(597_000, 1_200_000, text=f"hen we went home {after}"),
    )


def test_the_joint_that_loses_least_wins():
    """A common word that comes again later is matched where nothing is left over, whatever the times say."""
    left = chunk(0, 10_000, text="Arrange it in whatever manner is consistent with the")
    right = chunk(7_000, 11_000, text="the requirements of this license to extend the patent")

    assert merged_text(left, right).endswith("consistent with the requirements of this license to extend the patent")


def test_words_repeated_within_a_second_are_not_taken_for_one_another():
    """Where the words between two repeated ones are heard differently, the times tell the two apart."""
    left = (said("no", 8_000, 8_200), said("uh", 8_300, 8_400), said("no", 8_600, 8_800))
    right = (said("no", 0, 200), said("um", 300, 400), said("no", 600, 800))

    assert merged_text(chunk(0, 10_000, *left), chunk(8_000, 20_000, *right)) == "no um no"


def test_where_nothing_agrees_each_chunk_keeps_its_half():
    """Two different hearings of the same noise are cut at the overlap's middle."""
    assert (
        merged_text(
            chunk(0, 10_000, said("start", 0, 500), said("aaa", 8_100, 8_800), said("bbb", 9_200, 9_800)),
            chunk(8_000, 20_000, said("ccc", 100, 800), said("ddd", 1_200, 1_800), said("end", 5_000, 6_000)),
        )
        == "start aaa ddd end"
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([said("only left hears", 8_100, 9_900)], []),
        ([], [said("only right hears", 100, 1_900)]),
        ([said("first", 8_100, 8_800)], [said("second", 1_200, 1_900)]),
    ],
)
def test_nothing_is_dropped_where_the_other_chunk_is_silent(left, right):
    """A hearing that nobody contradicts stays."""
    expected = " ".join(segment.text for segment in (*left, *right))

    assert expected == merged_text(chunk(0, 10_000, *left), chunk(8_000, 20_000, *right))


def test_a_phrase_said_twice_at_different_times_stays_twice():
    """Words that agree too far apart in time to be the same utterance are no joint."""
    left = said("we have that problem", 5_500, 8_200)
    right = said("We have it too", 1_700, 3_000)

    assert merged_text(chunk(0, 10_000, left), chunk(8_000, 20_000, right)) == "we have that problem We have it too"


def test_chunks_that_do_not_overlap_keep_repeated_words():
    """At a quiet cut nothing is compared: who says a word twice has said it twice."""
    assert (
        merged_text(chunk(0, 5_000, said("yes", 4_000, 5_000)), chunk(5_000, 9_000, said("yes", 0, 900))) == "yes yes"
    )


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.sampled_from("abcd")), max_size=8),
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.sampled_from("abcd")), max_size=8),
)
def test_starts_never_decrease_and_stay_inside(left, right):
    """Whatever times engines tell, the merged segments are in order and inside the recording."""
    answers = [
        chunk(start_ms, start_ms + 4_000, *(said(text, *times) for *times, text in segments))
        for start_ms, segments in ((0, left), (3_000, right))
    ]

    segments = merge(answers, duration_ms=7_000).segments

    assert all(before.start_ms <= after.start_ms for before, after in pairwise(segments))
    assert all(0 <= segment.start_ms <= segment.end_ms <= 7_000 for segment in segments)


@st.composite
def ordered_segments(draw):
    """Segments as a well-behaved engine tells them."""
    edges = sorted(draw(st.lists(st.integers(0, 60_000), max_size=20)))
    words = st.text("abc é", min_size=1, max_size=9).filter(str.strip).map(clean_text)
    return tuple(
        said(draw(words), start_ms, end_ms, draw(st.sampled_from([None, "speaker_1", "speaker_2"])))
        for start_ms, end_ms in zip(edges[::2], edges[1::2], strict=False)
    )


@given(ordered_segments(), st.integers(0, 50))
def test_one_answer_merges_to_itself(segments, offset_ms):
    """A recording sent in one piece keeps every segment as the engine told it."""
    whole = chunk(0, 70_000, *segments, offset_ms=offset_ms)

    expected = tuple(
        Segment(
            start_ms=segment.start_ms + offset_ms,
            end_ms=segment.end_ms + offset_ms,
            text=segment.text,
            speaker=segment.speaker,
        )
        for segment in segments
    )
    assert expected == merge([whole], duration_ms=70_000).segments


@st.composite
def split_talk(draw):
    """A talk of unique words in overlapping chunks that hear what lies whole inside them, grouped anyhow."""
    count = draw(st.integers(1, 60))
    words = [(f"w{number:04}", number * WORD_MS, number * WORD_MS + SPOKEN_MS) for number in range(count)]
    duration_ms = count * WORD_MS
    lengths_ms = draw(st.lists(st.integers(1_500, 9_000), max_size=4))  # no chunk lies inside an overlap
    cuts_ms = [0, *(cut_ms for cut_ms in accumulate(lengths_ms) if cut_ms < duration_ms), duration_ms]
    answers = []
    for before_ms, end_ms in pairwise(cuts_ms):
        shared_ms = draw(st.integers(WORD_MS + SPOKEN_MS, 1_500)) if before_ms else 0
        start_ms = before_ms - shared_ms
        heard = [word for word in words if start_ms <= word[1] and word[2] <= end_ms]
        answers.append(chunk(start_ms, end_ms, *group_words(draw, heard, start_ms)))
    return [word for word, _, _ in words], answers, duration_ms


def group_words(draw, words, start_ms):
    """Divide words into segments of one to all of them."""
    at = 0
    while at < len(words):
        size = draw(st.integers(1, len(words) - at))
        group = words[at : at + size]
        yield said(" ".join(word for word, _, _ in group), group[0][1] - start_ms, group[-1][2] - start_ms)
        at += size


@given(split_talk())
def test_a_talk_heard_in_overlapping_chunks_merges_to_itself(talk):
    """Every word comes once, in order, wherever the chunks overlap and however segments group words."""
    words, answers, duration_ms = talk

    assert " ".join(words) == merge(answers, duration_ms=duration_ms).text


@given(split_talk())
def test_a_talk_heard_without_times_merges_to_itself(talk):
    """The same holds for engines that give the chunks' text alone."""
    words, answers, duration_ms = talk
    plain = [
        chunk(
            placed.span.start_ms,
            placed.span.end_ms,
            text=" ".join(segment.text for segment in placed.answer.segments),
        )
        for placed in answers
    ]

    assert " ".join(words) == merge(plain, duration_ms=duration_ms).text


# --- language, speakers, what is missing -------------------------------------------------------------------


def test_the_language_is_the_one_spoken_longest():
    """A short chunk in another language does not decide."""
    answers = [
        chunk(0, 1_000, language="en"),
        chunk(1_000, 2_000, language="en"),
        chunk(2_000, 9_000, language="lv"),
        chunk(9_000, 90_000),
    ]

    assert merge(answers, duration_ms=90_000).language == "lv"


def test_speakers_of_a_whole_recording_keep_their_labels():
    """One request has one count of speakers, which is passed on."""
    transcript = merge([chunk(0, 5_000, said("a", 0, 1, "speaker_1"))], duration_ms=5_000)

    assert transcript.segments[0].speaker == "speaker_1"


def test_speakers_that_nothing_joins_are_not_taken_for_one_another():
    """Behind a missing chunk the first speaker gets a label of its own, and is marked as perhaps known."""
    answers = [
        chunk(0, 5_000, said("a", 0, 1, "speaker_1")),
        chunk(10_000, 15_000, said("b", 0, 1, "speaker_1")),
    ]

    transcript = merge(answers, duration_ms=15_000, missing=[Span(start_ms=5_000, end_ms=10_000)])

    assert [segment.speaker for segment in transcript.segments] == ["speaker_1", "speaker_2"]
    assert [segment.is_speaker_sure for segment in transcript.segments] == [True, False]
    assert [(join.at_ms, join.is_sure) for join in transcript.joins] == [(10_000, False)]


def test_what_neighbours_heard_of_a_missing_chunk_is_not_missing():
    """Overlaps with answered chunks are taken off a missing span, touching spans become one."""
    answers = [chunk(0, 10_000), chunk(27_000, 40_000)]
    missing = [Span(start_ms=20_000, end_ms=30_000), Span(start_ms=7_000, end_ms=20_000)]

    assert (Span(start_ms=10_000, end_ms=27_000),) == merge(answers, duration_ms=40_000, missing=missing).missing


def test_a_recording_without_any_answer_is_all_missing():
    """Nothing answered means everything is missing, and nothing is claimed."""
    transcript = merge([], duration_ms=9_000, missing=[Span(start_ms=0, end_ms=9_000)])

    assert ("", None, (Span(start_ms=0, end_ms=9_000),)) == (
        transcript.text,
        transcript.language,
        transcript.missing,
    )
