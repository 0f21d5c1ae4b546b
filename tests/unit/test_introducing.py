"""The names that people gave the speakers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.document import Document, EngineFacts, SourceFacts, Usage
from voxtrald.transcript.introducing import introduce
from voxtrald.transcript.model import Segment, Transcript
from voxtrald.transcript.rendering import FORMATS, render

LABELS = ("speaker_1", "speaker_10", "speaker_2", None)


def transcript(*labels):
    """Give a transcript in which one speaker after the other says a word."""
    segments = [
        Segment(start_ms=at * 2000, end_ms=at * 2000 + 900, text=f"word{at}.", speaker=label)
        for at, label in enumerate(labels)
    ]
    text = " ".join(segment.text for segment in segments)
    return Transcript(text=text, language="en", segments=tuple(segments), duration_ms=60_000)


def rendered(spoken, format_name):
    """Write a transcript."""
    source = SourceFacts(name="a.m4a", sha256="0" * 64, size_bytes=1, duration_ms=60_000, container="mov", codec="aac")
    engine, usage = EngineFacts(kind="mistral", model="voxtral"), Usage(audio_s=60.0, cost=None)
    document = Document(version="1", source=source, engine=engine, transcript=spoken, chunks=(), usage=usage)
    return render(document, format_name)


@given(
    st.lists(st.sampled_from(LABELS), max_size=6),
    st.dictionaries(st.sampled_from([label for label in LABELS if label]), st.text(max_size=9)),
)
def test_names_change_nothing_but_names(labels, names):
    """Each label with a name is shown by it, exactly, and kept beside it; text and times stay as they were."""
    before = transcript(*labels)
    after = introduce(before, names)

    for old, new in zip(before.segments, after.segments, strict=True):
        assert (new.speaker_label or new.speaker) == old.speaker
        assert new.speaker_label is None or old.speaker in names
        assert replace(new, speaker=old.speaker, speaker_label=None) == old
    assert replace(after, segments=before.segments) == before


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_shows_the_names(format_name):
    """All formats show the name in the label's place; JSON keeps the label, too."""
    text = rendered(introduce(transcript("speaker_1", "speaker_2"), {"speaker_1": "Anna Bērziņa"}), format_name)

    assert "Anna Bērziņa" in text
    assert ("speaker_1" in text) == (format_name == "json")
    assert "speaker_2" in text.replace("\\", "")


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_name_cannot_be_markup(format_name):
    """A name that looks like a tag or like times of a subtitle is shown as text, or not taken for what it is not."""
    text = rendered(introduce(transcript("speaker_1"), {"speaker_1": "<b onclick=x> --> 00:00:01"}), format_name)

    assert not re.search(r"(?<!\\)<b onclick", text) or format_name in {"txt", "srt", "json"}
    assert format_name != "srt" or text.count("-->") == 1


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_doubtful_name_has_a_question_mark_where_it_is_first_used(format_name):
    """Behind an unsure joint each text format asks once, after the name, also where the same name goes on; JSON not."""
    spoken = transcript("speaker_1", "speaker_1", "speaker_2", "speaker_1")
    doubtful = replace(spoken.segments[1], is_speaker_sure=False)
    spoken = replace(spoken, segments=(spoken.segments[0], doubtful, *spoken.segments[2:]))

    text = rendered(introduce(spoken, {"speaker_1": "Anna"}), format_name)

    assert text.count("Anna?") == (format_name != "json")
    assert text.count("Anna") - text.count("Anna?") == (3 if format_name == "json" else 2)
