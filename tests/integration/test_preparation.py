"""From a recording to chunks that can be sent: in order, no more than there is room for, whatever way they are made."""

from __future__ import annotations

import pytest

from tests.integration.audio_files import TALK_MS, WORDS, hear_file, texts
from tests.integration.prepared import workshop
from voxtrald.audio.prepare import PreparedChunk


@pytest.fixture
def preparing(tmp_path):
    """Give a function that prepares the talk in a format."""
    with workshop(tmp_path) as start:
        yield start


def words_in(chunks: list[tuple[int, PreparedChunk]]) -> list[str]:
    """Listen to all chunks."""
    return [word for _, chunk in chunks for word in texts(hear_file(chunk.path))]


def ways(chunks: list[tuple[int, PreparedChunk]]) -> list[str]:
    """Say how each chunk was made."""
    return [chunk.how for _, chunk in chunks]


@pytest.mark.parametrize(
    ("name", "options", "audio", "rest"),
    [
        ("a.mp3", ("-b:a", "96k"), {"copy": "always"}, "copied"),
        ("a.mp3", ("-b:a", "128k"), {"copy": "never"}, "encoded"),
        ("a.wav", (), {"copy": "always"}, "copied"),
        ("a.m4a", (), {}, "encoded"),
    ],
)
def test_all_words_are_in_the_chunks_in_order(preparing, name, options, audio, rest):
    """Copied or encoded, the chunks come in order and together hold every word once."""
    spans, chunks = preparing(name, *options, **audio).run()

    assert [index for index, _ in chunks] == list(range(len(spans)))
    assert ways(chunks) == [rest] * len(spans)
    assert words_in(chunks) == texts(WORDS)
    assert spans[-1].end_ms == pytest.approx(TALK_MS, abs=60)


def test_a_first_chunk_finds_out_how_fast_the_line_is(preparing):
    """As long as nothing was uploaded the first chunk is copied, the others are encoded; nothing is lost between."""
    _, chunks = preparing("a.mp3", "-b:a", "128k").run()

    assert ways(chunks) == ["copied", *["encoded"] * (len(chunks) - 1)]
    assert words_in(chunks) == texts(WORDS)


def test_frames_that_are_irregular_are_encoded(preparing):
    """An mp3 with rubbish in it is not copied by its bytes, and its words come nevertheless."""

    def spoil(content):
        half = len(content) // 2
        return content[:half] + b"rubbish" * 20 + content[half:]

    _, chunks = preparing("a.mp3", "-b:a", "96k", copy="always", spoil=spoil).run()

    assert ways(chunks)[-1] == "encoded"
    assert len(set(words_in(chunks)) & set(texts(WORDS))) >= len(WORDS) - 2


@pytest.mark.parametrize("places", [1, 3])
def test_less_room_than_cores_is_enough(preparing, places):
    """However little room there is, what is done is handed over, so that it can be answered and make room."""
    spans, chunks = preparing("a.m4a", cores=8, places=places).run()

    assert [index for index, _ in chunks] == list(range(len(spans)))
