"""The keys of `engine`: what holds for each kind, and what does not go together."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from voxtrald.config import EngineSettings
from voxtrald.config.shape import FixedMapping

SERVER = "http://127.0.0.1:8000"


def wrongs_of(**keys):
    """Make settings that do not fit together; give (key, what) of each complaint."""
    with pytest.raises(ValidationError) as caught:
        EngineSettings(**keys)
    [error] = caught.value.errors()
    return [(wrong.key, wrong.what) for wrong in error["ctx"]["wrongs"]]


def test_mistral_knows_its_address_and_its_model():
    """Without any key, Mistral's current model is asked at Mistral's address."""
    engine = EngineSettings()

    assert (engine.kind, engine.base_url, engine.model) == (
        "mistral",
        "https://api.mistral.ai",
        "voxtral-mini-transcribe-3-0",
    )


@pytest.mark.parametrize("keys", [{"kind": "local"}, {"kind": "openai", "base_url": SERVER}])
def test_other_kinds_do_not_get_mistrals_model(keys):
    """The model of another kind is its own choice where nobody writes one."""
    assert EngineSettings(**keys).model is None
    assert EngineSettings(**keys, model="tiny.en").model == "tiny.en"


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"kind": "openai"}, ("base_url", "is missing: kind openai needs the address of the server")),
        ({"kind": "local", "base_url": SERVER}, ("base_url", "has no meaning for kind local, which asks nobody")),
        ({"base_url": None}, ("base_url", "must not be null")),
        ({"model": None}, ("model", "must not be null")),
        ({"speaker_references": {"Ilze": "i.mp3"}}, ("speaker_references", "can only be used with `diarize: true`")),
        (
            {"diarize": True, "speaker_references": {f"speaker {n}": "a.mp3" for n in range(9)}},
            ("speaker_references", "names 9 speakers, and at most 8 can be known by name"),
        ),
    ],
)
def test_what_does_not_go_together_is_told(keys, complaint):
    """A key that does not fit the kind or its neighbours is named, in words."""
    assert wrongs_of(**keys) == [complaint]


def test_settings_with_voices_can_be_hashed():
    """Engines are kept by their settings, also where these name voices."""
    voices = {"Ilze": "i.mp3", "Jānis": "j.mp3"}
    one = EngineSettings(diarize=True, speaker_references=voices)
    same = EngineSettings(diarize=True, speaker_references=dict(reversed(voices.items())))
    other = EngineSettings(diarize=True, speaker_references=voices | {"Jānis": "k.mp3"})

    assert {one: "found"}[same] == "found"
    assert one != other
    assert dict(one.speaker_references) == {"Ilze": Path("i.mp3"), "Jānis": Path("j.mp3")}


def test_voices_cannot_be_changed():
    """What a job began with stays, whatever becomes of the dictionary it was made from."""
    files = {"Ilze": Path("i.mp3")}
    voices = FixedMapping(files)
    files["Ilze"] = Path("other.mp3")

    assert voices["Ilze"] == Path("i.mp3")
    assert not hasattr(voices, "__setitem__")


@pytest.mark.parametrize(
    ("other", "is_one"),
    [
        ({"model": "voxtral-mini-2602", "language": "lv"}, True),
        ({"base_url": "https://api.mistral.ai/v1/"}, True),
        ({"base_url": "https://proxy.example"}, False),
        ({"kind": "openai", "base_url": "https://api.mistral.ai"}, False),
    ],
)
def test_a_service_is_a_kind_at_an_address(other, is_one):
    """Two engines ask the same service where kind and address are the same; the rest may differ."""
    assert EngineSettings().is_of_one_service_with(EngineSettings(**other)) is is_one
