"""Who answers, told from a few replies, and which model there is no choice but to take."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.flavours import FLAVOURS
from voxtrald.engines.compatible.detecting import (
    MODELS_PATH,
    OfferedModel,
    choose_model,
    is_passing,
    name_models,
    read_offer,
    recognise,
)
from voxtrald.engines.compatible.profiles import PROFILES
from voxtrald.engines.http.replies import Reply

HOST = "127.0.0.1"
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "id", "info", "title"]), inner)
    ),
    max_leaves=8,
)


def reply(value, *, status=200, **headers):
    """A reply with a JSON body."""
    return Reply(status=status, headers=headers, body=json.dumps(value).encode())


def replies_of(flavour):
    """What a server answers to all that it may be asked."""
    models, title = flavour.models, flavour.title
    return {
        MODELS_PATH: Reply(status=404, headers={"server": flavour.header})
        if models is None
        else reply(models, server=flavour.header),
        "/openapi.json": Reply(status=404) if title is None else reply({"info": {"title": title}}),
        "/": Reply(status=200, body=flavour.page.encode()),
    }


@pytest.mark.parametrize(
    "flavour", [each for each in FLAVOURS.values() if each.recognised not in ("openai", "generic")]
)
def test_each_server_is_recognised(flavour):
    """What a server says of itself is enough to know it."""
    assert recognise(replies_of(flavour), host=HOST) == flavour.recognised


def test_openai_is_known_by_its_address():
    """Nothing needs to be asked there, and no other server's name may look alike."""
    assert recognise({}, host="api.openai.com") == "openai"
    assert recognise({}, host="eu.api.openai.com") == "openai"
    assert recognise({}, host="openai.com.example.org") is None
    assert recognise({}, host="notopenai.com") is None


def test_a_stranger_stays_a_stranger():
    """A server that tells nothing is not taken for another."""
    assert recognise(replies_of(FLAVOURS["stranger"]), host=HOST) is None


@given(body=JUNK, path=st.sampled_from([MODELS_PATH, "/openapi.json", "/"]), status=st.integers(200, 599))
def test_any_reply_can_be_looked_at(body, path, status):
    """Whatever comes back, it is a known server or none, a list of models or none."""
    answered = reply(body, status=status)

    assert recognise({path: answered}, host=HOST) in {None, *PROFILES}
    assert all(isinstance(model.id, str) for model in read_offer(answered) or ())


@pytest.mark.parametrize(("status", "expected"), [(200, False), (401, False), (404, False), (429, True), (503, True)])
def test_a_busy_server_may_tell_later(status, expected):
    """Only a server that is busy or broken is worth the same question again."""
    assert is_passing(Reply(status=status)) is expected


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ([{"id": "only"}], "only"),
        ([{"id": "gpt-oss"}, {"id": "whisper-large-v3"}], "whisper-large-v3"),
        ([{"id": "mistralai/Voxtral-Mini-3B-2507"}, {"id": "bge-m3"}], "mistralai/Voxtral-Mini-3B-2507"),
        ([{"id": "a", "task": "text-to-speech"}, {"id": "b", "task": "automatic-speech-recognition"}], "b"),
        ([{"id": "whisper-tts", "task": "text-to-speech"}, {"id": "b", "task": "text-to-speech"}], None),
        ([{"id": "whisper-1"}, {"id": "whisper-2"}], None),
        ([{"id": "one"}, {"id": "two"}], None),
        ([{"id": "openai/whisper-*"}], None),
        ([{"id": "openai/whisper-*"}, {"id": "faster-whisper:tiny.en"}], "faster-whisper:tiny.en"),
        ([], None),
    ],
)
def test_a_model_is_chosen_where_there_is_no_choice(cards, expected):
    """The only model is taken, or the only one that looks as if it transcribes; a pattern is not a model."""
    assert choose_model(read_offer(reply({"data": cards}))) == expected


def test_a_server_without_a_list_offers_nothing_that_is_known():
    """A page, an error or an object of another shape is no list."""
    assert read_offer(Reply(status=404)) is None
    assert read_offer(reply({"models": []})) is None
    assert read_offer(Reply(status=200, body=b"<html>")) is None


def test_long_lists_are_told_in_short():
    """A sentence names eight models and counts the rest."""
    offer = [OfferedModel(id=f"m{number}", hears=False) for number in range(10)]

    assert name_models(offer) == "m0, m1, m2, m3, m4, m5, m6, m7 and 2 more"
    assert name_models(offer[:2]) == "m0, m1"
