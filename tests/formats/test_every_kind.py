"""Every kind of recording that people have, through probing, planning and preparing, by what is heard in the chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formats.kinds import KINDS, Kind
from tests.formats.trial import ENOUGH_MS, ffmpeg_of_tests, try_kind
from tests.formats.workshop import Workshop

LENGTH_MS = 3 * 60_000
"""`make formats` does the same with two hours."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Keep what several recordings are made from."""
    return Workshop(tmp_path_factory.mktemp("formats"), length_ms=LENGTH_MS)


@pytest.mark.xdist_group("formats")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_word_comes_at_its_time(kind: Kind, shop: Workshop, tmp_path: Path):
    """Whatever a recording was made by, each word in each chunk is whole and within 50 ms of when it was said."""
    heard = try_kind(kind, shop, work=tmp_path, ffmpeg=ffmpeg_of_tests())

    assert heard.wrong == ()
    assert heard.is_complete
    assert max(map(abs, heard.errors_ms)) <= ENOUGH_MS


def test_the_kinds_are_known_by_different_names():
    """No kind hides another one in the table, and none another one's file."""
    assert len({kind.name for kind in KINDS}) == len({kind.file_name for kind in KINDS}) == len(KINDS)
