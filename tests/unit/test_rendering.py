"""What the output files say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript import rendering
from voxtrald.transcript.document import Document, EngineFacts, SourceFacts, Usage
from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.rendering import FORMATS, formats, render
from voxtrald.transcript.rendering.clocks import clock, missing_note, precise_clock
from voxtrald.transcript.words import join_texts


def segment(start_ms, end_ms, text, speaker=None):
    """A timed text."""
    return Segment(start_ms=start_ms, end_ms=end_ms, text=text, speaker=speaker)


def document(*segments, missing=(), name="talk.m4a", language="en"):
    """A result with these segments."""
    return Document(
        version="1.2.3",
        source=SourceFacts(
            name=name,
            sha256="0" * 64,
            size_bytes=1_000,
            duration_ms=600_000,
            container="mov",
            codec="aac",
        ),
        engine=EngineFacts(kind="mistral", model="voxtral"),
        transcript=Transcript(
            text=join_texts(piece.text for piece in segments),
            language=language,
            segments=segments,
            duration_ms=600_000,
            missing=missing,
        ),
        chunks=(),
        usage=Usage(audio_s=600.0, cost=None),
    )


def words_in(rendered, format_name):
    """The words a reader finds in a rendered file, without what the format adds."""
    if format_name == "json":
        return json.loads(rendered)["text"].split()
    if format_name in {"srt", "vtt"}:
        blocks = [block.split("\n") for block in rendered.strip().split("\n\n")]
        lines = [line for block in blocks for line in block[2 if format_name == "srt" else 1 :]]
        text = " ".join(lines)
        return (unescape(text) if format_name == "vtt" else text.replace("→", "-->")).split()
    if format_name == "md":
        texts = re.findall(r"^\*\*[\d:]+\*\* (.*)$", rendered, re.MULTILINE)
        return re.sub(r"\\(.)", r"\1", " ".join(texts)).split()
    if format_name == "html":
        return unescape(" ".join(re.findall(r"</time>(.*)</p>", rendered))).split()
    return rendered.split()


def cue_times(rendered):
    """Start and end of every cue, in milliseconds."""
    found = re.findall(r"^(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})$", rendered, re.MULTILINE)
    numbers = [[int(number) for number in numbers] for numbers in found]
    return [(to_ms(*times[:4]), to_ms(*times[4:])) for times in numbers]


def to_ms(hours, minutes, seconds, milliseconds):
    """A position from its parts."""
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def cue_lines(rendered):
    """The text lines of every cue of a SubRip file."""
    return [block.split("\n")[2:] for block in rendered.rstrip("\n").split("\n\n")]


@st.composite
def any_segments(draw):
    """Segments in the order of their starts, some at the same time, some of no length."""
    starts = sorted(draw(st.lists(st.integers(0, 500_000), min_size=1, max_size=6)))
    words = st.sampled_from(
        ["a", "is", "and", "word,", "end.", "-->", "<b>", "&amp;", "*x*", "longer", "extraordinary"]
    )
    return tuple(
        segment(
            start_ms,
            start_ms + draw(st.integers(0, 30_000)),
            " ".join(draw(st.lists(words, min_size=1, max_size=30))),
        )
        for start_ms in starts
    )


# --- formats -----------------------------------------------------------------------------------------------


def test_every_promised_format_is_found():
    """Each module of the package of formats is offered under its name."""
    assert {"txt", "srt", "vtt", "json", "md", "html"} <= set(FORMATS)
    assert all(name == form.suffix for name, form in FORMATS.items())


def test_adding_a_module_adds_a_format(tmp_path, monkeypatch):
    """A newcomer's format needs one file and no registration."""
    (tmp_path / "loud.py").write_text("def render(document):\n    return document.transcript.text.upper() + '\\n'\n")
    (tmp_path / "_lungs.py").write_text("")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])

    found = rendering._discover()

    assert found.keys() - FORMATS.keys() == {"loud"}
    assert found["loud"].render(document(segment(0, 900, "Hello."))) == "HELLO.\n"


def test_an_unknown_format_is_refused_by_name():
    """Whoever asks for a format that does not exist learns which ones do."""
    with pytest.raises(ValueError, match=r"'docx'.*srt, txt, vtt"):
        render(document(), "docx")


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_file_ends_with_a_newline_and_is_valid_utf8(format_name):
    """Even a file name of broken bytes yields a text that can be written."""
    rendered = render(document(segment(0, 900, "Ēst, 食べる"), name="\udcff.mp3"), format_name)

    assert rendered.encode().endswith(b"\n")


@pytest.mark.parametrize("format_name", FORMATS)
@given(segments=any_segments())
def test_every_format_keeps_every_word_in_order(format_name, segments):
    """Nothing said is lost, doubled or moved by any format, whatever it has to escape."""
    said = " ".join(piece.text for piece in segments).split()

    assert said == words_in(render(document(*segments), format_name), format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_same_document_gives_the_same_bytes(format_name):
    """Nothing of the time or the machine gets into a result."""
    twice = [render(document(segment(0, 900, "Hello.", "speaker_1")), format_name) for _ in range(2)]

    assert twice[0] == twice[1]


@pytest.mark.parametrize("format_name", sorted(set(FORMATS) - {"json"}))
def test_every_readable_format_names_what_is_missing_in_its_place(format_name):
    """A hole stands between what was said before and after it."""
    hole = Span(start_ms=60_000, end_ms=240_000)
    rendered = render(
        document(segment(0, 900, "before"), segment(250_000, 251_000, "after"), missing=(hole,)), format_name
    )

    places = [rendered.index(text) for text in ("before", "missing 1:00\N{EN DASH}4:00", "after")]
    assert sorted(places) == places


# --- clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_ms", "expected"), [(0, "0:00"), (725_999, "12:05"), (4_325_000, "1:12:05")])
def test_clocks_show_hours_only_where_there_are_any(at_ms, expected):
    """A position is as short as it can be."""
    assert expected == clock(at_ms)


def test_subtitle_clocks_go_beyond_a_day():
    """A recording of more than 99 hours still has valid positions."""
    assert precise_clock(360_000_001, separator=",") == "100:00:00,001"


def test_missing_stretches_are_rounded_outwards():
    """A note never promises text that is not there."""
    assert missing_note(Span(start_ms=720_900, end_ms=960_001)) == "[missing 12:00\N{EN DASH}16:01]"


# --- text --------------------------------------------------------------------------------------------------


def test_text_has_a_paragraph_for_every_turn_and_after_every_pause():
    """A new speaker or two seconds of silence begin a new paragraph."""
    rendered = render(
        document(
            segment(0, 1_000, "Hello.", "speaker_1"),
            segment(1_200, 2_000, "How are you?", "speaker_1"),
            segment(2_100, 3_000, "Fine.", "speaker_2"),
            segment(5_000, 6_000, "And you?", "speaker_2"),
        ),
        "txt",
    )

    assert rendered == "speaker_1: Hello. How are you?\n\nspeaker_2: Fine.\n\nspeaker_2: And you?\n"


def test_a_long_talk_is_divided_at_the_end_of_a_sentence():
    """Without any pause a paragraph ends with the first sentence after a minute."""
    talk = [
        segment(at, at + 20_000, text)
        for at, text in zip(range(0, 100_000, 20_000), ["A.", "B.", "c", "D.", "E."], strict=True)
    ]

    assert render(document(*talk), "txt") == "A. B. c D.\n\nE.\n"


def test_silence_is_said_to_be_silence():
    """A recording in which nobody speaks does not give a file that looks like a failure."""
    assert render(document(), "txt") == "[no speech]\n"


# --- subtitles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["srt", "vtt"])
@given(segments=any_segments(), hole=st.booleans())
def test_cues_never_overlap_and_never_stay_too_long(format_name, segments, hole):
    """Cues come one after the other, are shown for 0.2 to 7 s and leave a gap of two frames."""
    missing = (Span(start_ms=100_000, end_ms=200_000),) if hole else ()
    times = cue_times(render(document(*segments, missing=missing), format_name))

    assert all(200 <= end_ms - start_ms <= 7_000 for start_ms, end_ms in times)
    assert all(after[0] - before[1] >= 80 for before, after in pairwise(times))


@given(segments=any_segments())
def test_cues_have_at_most_two_lines_of_42_characters(segments):
    """What is shown at once can be read at once."""
    lines = cue_lines(render(document(*segments), "srt"))

    assert all(1 <= len(cue) <= 2 for cue in lines)
    assert all(len(line.replace("→", "-->")) <= 42 for cue in lines for line in cue)


@given(st.lists(st.text("食事を買、。ー", min_size=1, max_size=80), min_size=1, max_size=5))
def test_scripts_without_spaces_are_broken_between_characters(texts):
    """Wide characters count twice, and a line never begins with a comma."""
    segments = [segment(number * 10_000, number * 10_000 + 3_000, f"食{text}") for number, text in enumerate(texts)]
    lines = cue_lines(render(document(*segments), "srt"))

    assert "".join(piece.text for piece in segments) == "".join(line for cue in lines for line in cue)
    assert all(len(line) <= 21 or not set("食事を買") & set(line[1:]) for cue in lines for line in cue)
    assert not any(line[0] in "、。ー" for cue in lines for line in cue)


def test_a_word_longer_than_a_line_stays_whole():
    """An address that somebody spells out is not cut into pieces."""
    address = "https://example.org/" + "x" * 60

    assert [["see", address]] == cue_lines(render(document(segment(0, 5_000, f"see {address}")), "srt"))


def test_long_segments_break_at_sentences_before_commas_and_words():
    """A cue ends where the thought does."""
    text = (
        "We have come here today, as you know, to speak about the harbour. "
        "It was built long ago and nobody remembers by whom it was paid for."
    )
    lines = cue_lines(render(document(segment(0, 10_000, text)), "srt"))

    assert lines == [
        ["We have come here today, as you know,", "to speak about the harbour."],
        ["It was built long ago and nobody", "remembers by whom it was paid for."],
    ]


def test_lines_break_where_a_sentence_ends():
    """A sentence's end is worth more than two lines of the same width."""
    text = (
        "Nobody came. We had waited in the cold for hours, "
        "and in the end we went home and slept until noon of the next day."
    )

    assert cue_lines(render(document(segment(0, 9_000, text)), "srt")) == [
        ["Nobody came.", "We had waited in the cold for hours,"],
        ["and in the end we went home", "and slept until noon of the next day."],
    ]


def test_single_words_are_joined_to_cues_that_can_be_read():
    """An engine that times every word does not make subtitles of one word each."""
    words = ["one", "two", "three", "four", "five", "six"]
    segments = [segment(number * 300, number * 300 + 280, word) for number, word in enumerate(words)]

    assert cue_lines(render(document(*segments), "srt")) == [["one two three four five six"]]


def test_overlapping_segments_of_one_speaker_keep_their_order():
    """A segment that runs into the next one does not mix its words with it."""
    first, second = "word " * 30 + "end.", "And so on."
    lines = cue_lines(render(document(segment(0, 20_000, first), segment(3_000, 6_000, second)), "srt"))

    assert " ".join(line for cue in lines for line in cue) == f"{first} {second}"


def test_short_cues_stay_long_enough_to_be_read():
    """A short word stays for a second where nobody else speaks."""
    assert cue_times(render(document(segment(0, 200, "Yes.")), "srt")) == [(0, 1_000)]


def test_subrip_names_a_speaker_when_the_turn_begins():
    """The label is not repeated as long as the same person speaks."""
    rendered = render(
        document(
            segment(0, 2_000, "Hello.", "speaker_1"),
            segment(3_000, 5_000, "Again.", "speaker_1"),
            segment(6_000, 8_000, "Hi!", "speaker_2"),
        ),
        "srt",
    )

    assert cue_lines(rendered) == [["speaker_1: Hello."], ["Again."], ["speaker_2: Hi!"]]


def test_subrip_looks_like_subrip():
    """Numbers, times with a comma, text, a blank line between cues."""
    rendered = render(document(segment(0, 2_000, "One --> two."), segment(3_000, 5_500, "Three.")), "srt")

    assert rendered == ("1\n00:00:00,000 --> 00:00:02,000\nOne → two.\n\n2\n00:00:03,000 --> 00:00:05,500\nThree.\n")


def test_webvtt_looks_like_webvtt():
    """A header, times with a dot, voices, and markup characters escaped."""
    rendered = render(document(segment(0, 2_000, "<i> & -->", "<Ann>")), "vtt")

    assert rendered == "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v &lt;Ann&gt;>&lt;i&gt; &amp; --&gt;\n"


@pytest.mark.parametrize(("format_name", "expected"), [("srt", "\n"), ("vtt", "WEBVTT\n")])
def test_silence_gives_subtitles_without_cues(format_name, expected):
    """A recording without speech has valid, empty subtitles."""
    assert expected == render(document(), format_name)


# --- pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["html", "md"])
def test_nothing_in_a_recording_becomes_markup(format_name):
    """A script tag in the text, the speaker or the name stays text."""
    evil = "<script>alert(1)</script>"
    rendered = render(document(segment(0, 900, evil, evil), name=f"{evil}.mp3"), format_name)

    assert re.search(r"(?<!\\)<script", rendered) is None


def test_markdown_looks_like_markdown():
    """A heading, facts, and paragraphs with the time they begin."""
    rendered = render(document(segment(61_000, 62_000, "Five * two.", "speaker_1"), name="my_talk.mp3"), "md")

    assert rendered == (
        "# my\\_talk.mp3\n\n- Duration: 10:00\n- Language: en\n- Model: voxtral\n\n"
        "**1:01 speaker\\_1:** Five \\* two.\n"
    )


def test_a_page_tells_its_language():
    """Browsers hyphenate and read aloud by the page's language, where it is known."""
    assert '<html lang="lv">' in render(document(language="lv"), "html")
    assert "<html>" in render(replace(document(language=None)), "html")
