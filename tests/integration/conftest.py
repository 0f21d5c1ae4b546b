"""The fixtures that integration tests share."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.integration.workbench import WORDS, Workshop, chunk_at
from tests.sound.speech import speak, write_wav


@pytest.fixture
def bench(standin, tmp_path):
    """Give a function that makes engines for the stand-in; they are closed when the test ends."""
    with ExitStack() as closing:
        yield Workshop(standin, tmp_path / "state", closing)


@pytest.fixture
def chunk(tmp_path):
    """Write six seconds of speech and describe them as a chunk."""
    return chunk_at(write_wav(tmp_path / "chunk.wav", speak(WORDS, 6_000), 16_000))
