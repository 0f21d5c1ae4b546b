"""Whatever is dropped ends in a transcript or in a reason; it opens nothing, and leaves nothing running."""

from __future__ import annotations

import pytest

from tests.hostile.expecting import EXPECTED
from tests.hostile.making import CANARY, FILES, WORDS, said
from tests.integration.audio_files import children
from voxtrald.pipeline.outcome import Failed

TALK, SECRET = said(WORDS), said(CANARY)
OF_A_DAY = {
    "audio": {"convert_to": "flac", "sample_rate_hz": 8_000, "copy": "never"},
    "chunks": {"max_minutes": 180},
}
"""A day takes minutes of computing as mp3 and seconds as FLAC."""


def carry(name, kit, lay_out):
    """Make a hostile file and carry it to its end."""
    is_long = name == "silence-24h.flac"
    bench = lay_out(**OF_A_DAY) if is_long else lay_out()
    bench.listener.takes(longest_ms=180 * 60_000) if is_long else None
    return bench.carry(FILES[name](kit, name))


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", FILES)
def test_every_hostile_file_ends_as_expected(name, kit, lay_out, listener):
    """A hostile file gives the transcript or the reason in the table, without touching anything else."""
    carried, expected = carry(name, kit, lay_out), EXPECTED[name]

    assert carried.reason == expected.reason, carried.outcome
    heard = carried.words & TALK
    assert {"all": heard == TALK, "some": set() < heard < TALK, "none": not heard}[expected.heard], sorted(heard)
    assert carried.words & SECRET == set()
    assert children() == []
    with pytest.raises(BlockingIOError):
        listener.accept()
    if expected.reason is None:
        assert bool(carried.damage) == expected.noted, carried.damage
    else:
        assert_understandable(carried, costs_nothing=expected.heard == "none")


def assert_understandable(carried, *, costs_nothing):
    """A failure says what happened and what to do, and was paid for only where there is something to show for it."""
    assert isinstance(carried.outcome, Failed)
    assert "What happened" in carried.shelf.report
    assert carried.outcome.hint in carried.shelf.report
    assert carried.outcome.hint
    assert carried.outcome.message
    assert (carried.asked == 0) == costs_nothing


def test_every_hostile_file_is_expected_to_end_somehow():
    """The table of verdicts knows every file that is made, and no other."""
    assert EXPECTED.keys() == FILES.keys()
