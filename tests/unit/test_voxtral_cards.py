"""What model cards say, and what follows for the end of a model."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.engines.voxtral.cards import ModelCard, pare, read_cards
from voxtrald.engines.voxtral.models import rules_for, rules_with
from voxtrald.engines.voxtral.retirement import retirement_of

WHOLE = {
    "id": "m-1",
    "aliases": ["m-latest", None],
    "created": 1,
    "deprecation": "2026-05-31T12:00:00",
    "deprecation_replacement_model": "m-2",
    "capabilities": {"audio_transcription": True},
    "audio_transcription_capabilities": {
        "modes": ["offline"],
        "diarization": True,
        "context_bias": False,
        "timestamp_granularities": ["segment", "letter"],
        "languages": ["en", "lv"],
    },
}
TODAY = date(2026, 11, 23)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "modes", "languages"]), inner),
)


def test_a_whole_card_is_read():
    """Names, end, replacement and what the model takes arrive in our terms."""
    assert read_cards([WHOLE, 7]) == (
        ModelCard(
            names=frozenset({"m-1", "m-latest"}),
            retires_at=datetime(2026, 5, 31, 12, tzinfo=UTC),
            replacement="m-2",
            transcribes=True,
            granularities=frozenset({"segment"}),
            diarize=True,
            vocabulary=False,
            languages=frozenset({"en", "lv"}),
        ),
    )


def test_what_a_card_does_not_tell_is_unknown():
    """A card of a server that says no more than the id tells nothing else."""
    assert read_cards([{"id": "m"}]) == (ModelCard(names=frozenset({"m"})),)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"capabilities": {"audio_transcription": True}}, True),
        ({"capabilities": {"audio_transcription": False}}, False),
        ({"audio_transcription_capabilities": {"modes": ["realtime"]}}, False),
        ({"audio_transcription_capabilities": {"modes": ["realtime", "offline"]}}, True),
        ({"capabilities": None}, None),
    ],
    ids=str,
)
def test_a_card_tells_whether_recordings_are_transcribed(told, expected):
    """Models for live audio, or for other work, are told from those that take recordings."""
    assert read_cards([{"id": "m", **told}])[0].transcribes is expected


@given(entry=st.dictionaries(st.sampled_from(sorted(WHOLE)), values))
def test_a_pared_card_says_the_same(entry):
    """Whatever shape a card has, it can be read, and what is kept of it in a file says the same."""
    kept = json.loads(json.dumps(pare([entry])))

    assert read_cards(kept) == read_cards([entry])


# --- the end of a model ----------------------------------------------------------------------------------


def ending(days, *, replacement="m-2"):
    """A card of a model that is taken away so many days from now."""
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) + timedelta(days=days)
    return ModelCard(names=frozenset({"m"}), retires_at=at, replacement=replacement)


@pytest.mark.parametrize(
    ("days", "is_past"), [(-200, True), (-1, True), (0, False), (60, False), (61, None), (10_000, None)]
)
def test_the_end_is_told_from_sixty_days_before(days, is_past):
    """A model that is gone, or will be within sixty days, is told; a later end is not yet worth a word."""
    found = retirement_of("m", rules_with(rules_for("m"), ending(days)), today=TODAY)

    assert (found and found.is_past) == is_past


def test_the_end_and_the_replacement_are_named():
    """The sentences hold the day and what to write instead."""
    gone = retirement_of("voxtral-mini-2507", rules_for("voxtral-mini-2507"), today=TODAY)
    going = retirement_of("m", rules_with(rules_for("m"), ending(7)), today=TODAY)
    alone = retirement_of("m", rules_with(rules_for("m"), ending(7, replacement=None)), today=TODAY)

    assert gone.what == "the model voxtral-mini-2507 was taken away on 2026-05-31"
    assert gone.advice == "write `model: voxtral-mini-2602` under `engine`"
    assert going.what == "the model m will be taken away on 2026-11-30"
    assert alone.advice == "choose another engine.model"


def test_a_model_that_the_service_lists_without_an_end_goes_on():
    """Our table is not asked where the service itself offers the model."""
    listed = ModelCard(names=frozenset({"voxtral-mini-2507"}))

    assert retirement_of("m", rules_with(rules_for("voxtral-mini-2507"), listed), today=TODAY) is None
