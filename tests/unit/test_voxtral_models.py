"""What each model takes, and the request that follows from the settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import EngineSettings
from voxtrald.engines.http.refusals import OPTIONAL_PARAMETERS
from voxtrald.engines.voxtral.cards import ModelCard
from voxtrald.engines.voxtral.models import MODELS, capabilities_of, rules_for, rules_with
from voxtrald.engines.voxtral.requesting import plan_request

MINI_3, MINI_2602, MINI_2507 = "voxtral-mini-transcribe-3-0", "voxtral-mini-2602", "voxtral-mini-2507"
KNOWN = [name for rules in MODELS for name in sorted(rules.names)]


def plan(*, card=None, voices=(), **settings):
    """The request plan for engine settings, a card of the service, and speakers whose voices are known."""
    chosen = EngineSettings(**settings)
    rules = rules_with(rules_for(chosen.model), card)
    return plan_request(chosen, rules, model=chosen.model, voices=dict.fromkeys(voices, "d1g3st"))


@pytest.mark.parametrize(
    ("settings", "optional", "dropped"),
    [
        ({"timestamps": "none"}, {}, ()),
        ({}, {"timestamp_granularities": ("segment",)}, ()),
        (
            {"language": "lv"},
            {"language": "lv", "timestamp_granularities": ("segment",)},
            (),
        ),
        (
            {"timestamps": "word"},
            {"timestamp_granularities": ("segment",)},
            ("timestamp_granularities=word",),
        ),
        (
            {"timestamps": "none", "diarize": True},
            {"timestamp_granularities": ("segment",), "diarize": "true"},
            (),
        ),
        (
            {"timestamps": "none", "context_bias": ["Alder Creek, Ohio"]},
            {"context_bias": ("Alder Creek, Ohio",)},
            (),
        ),
        (
            {"model": MINI_2602, "language": "en"},
            {"timestamp_granularities": ("segment",)},
            ("language",),
        ),
        ({"model": MINI_2602, "language": "en", "timestamps": "none"}, {"language": "en"}, ()),
        ({"model": MINI_2602, "timestamps": "word"}, {"timestamp_granularities": ("word",)}, ()),
        (
            {"model": MINI_2602, "timestamps": "word", "diarize": True},
            {"timestamp_granularities": ("segment",), "diarize": "true"},
            ("timestamp_granularities=word",),
        ),
        (
            {"model": MINI_2602, "timestamps": "none", "context_bias": ["Alder Creek, Ohio", "Rīga"]},
            {"context_bias": ("Alder_Creek_Ohio", "Rīga")},
            (),
        ),
        (
            {"model": MINI_2507, "timestamps": "none", "diarize": True, "context_bias": ["Rīga"]},
            {},
            ("diarize", "context_bias"),
        ),
        (
            {"model": MINI_2602, "timestamps": "none", "language": "lv"},
            {},
            ("language",),
        ),
        (
            {"timestamps": "none", "diarize": True, "voices": ["Ilze", "Ann"]},
            {
                "timestamp_granularities": ("segment",),
                "diarize": "true",
                "speaker_references": ("Ann=d1g3st", "Ilze=d1g3st"),
            },
            (),
        ),
        (
            {"model": MINI_2602, "timestamps": "none", "diarize": True, "voices": ["Ann"]},
            {"timestamp_granularities": ("segment",), "diarize": "true"},
            ("speaker_references",),
        ),
        (
            {"model": "voxtral-next", "timestamps": "word", "language": "lv"},
            {"language": "lv", "timestamp_granularities": ("word",)},
            (),
        ),
    ],
)
def test_the_request_follows_from_settings_and_model(settings, optional, dropped):
    """Each model is asked for what it can give, and what is left out is told."""
    planned = plan(**settings)

    assert planned.shaping == optional
    assert planned.dropped == dropped


def test_too_many_terms_are_cut_and_counted():
    """Where only 100 terms count, the first hundred are sent and the rest is told."""
    planned = plan(model=MINI_2602, timestamps="none", context_bias=[f"term {n}" for n in range(117)])

    assert len(planned.optional["context_bias"]) == 100
    assert planned.dropped == ("context_bias: 17 of 117 terms",)


def test_lists_become_repeated_fields():
    """A list is one field per value, under the same name."""
    planned = plan(model=MINI_2602, timestamps="none", context_bias=["a", "b"])

    assert planned.fields == (("model", MINI_2602), ("context_bias", "a"), ("context_bias", "b"))


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, True),
        ({"language": "lv"}, False),
        ({"model": "voxtral-small-transcribe-3-0"}, True),
        ({"model": MINI_2602, "timestamps": "none"}, False),
        ({"model": "voxtral-next"}, False),
    ],
)
def test_the_third_generation_is_asked_for_the_language(settings, asked):
    """Where no language is given and the model would keep silent about it, the answer is to name it."""
    planned = plan(**settings)

    assert ("return_language", "true") in planned.fields or not asked
    assert "return_language" not in planned.shaping
    assert ("return_language" in planned.optional) is asked


def test_a_refused_parameter_is_left_out_and_told():
    """What a server refused is not sent and stands in the list of what is missing."""
    planned = plan(language="lv").without({"language"})

    assert planned.fields == (("model", MINI_3), ("timestamp_granularities", "segment"))
    assert planned.dropped == ("language",)


def test_speakers_go_with_the_segments_they_need():
    """Without segments a request for speakers would be refused, so both are left out."""
    planned = plan(language="lv", diarize=True, voices=["Ann"]).without({"timestamp_granularities"})

    assert planned.fields == (("model", MINI_3), ("language", "lv"))
    assert planned.dropped == ("timestamp_granularities", "diarize", "speaker_references")


def test_clips_are_no_plain_fields():
    """The digests of voices are for the key of the answer only."""
    planned = plan(diarize=True, voices=["Ann"])

    assert "speaker_references" in planned.optional
    assert [name for name, _ in planned.fields] == ["model", "return_language", "timestamp_granularities", "diarize"]


# --- what the service says -------------------------------------------------------------------------------


def card(name, **told):
    """A card that tells little."""
    return ModelCard(names=frozenset({name}), **told)


@pytest.mark.parametrize(
    ("told", "settings", "optional", "dropped"),
    [
        ({}, {"timestamps": "word"}, {"timestamp_granularities": ("segment",)}, ("timestamp_granularities=word",)),
        (
            {"granularities": frozenset({"segment", "word"})},
            {"timestamps": "word"},
            {"timestamp_granularities": ("word",)},
            (),
        ),
        (
            {"granularities": frozenset()},
            {"diarize": True},
            {},
            ("timestamp_granularities=segment", "diarize"),
        ),
        ({"granularities": frozenset({"word"})}, {}, {"timestamp_granularities": ("word",)}, ()),
        (
            {"diarize": False},
            {"timestamps": "none", "diarize": True, "voices": ["A"]},
            {},
            ("diarize", "speaker_references"),
        ),
        ({"vocabulary": False}, {"timestamps": "none", "context_bias": ["a b"]}, {}, ("context_bias",)),
        ({"vocabulary": True}, {"timestamps": "none", "context_bias": ["a b"]}, {"context_bias": ("a b",)}, ()),
        ({"languages": frozenset({"en"})}, {"timestamps": "none", "language": "lv"}, {}, ("language",)),
        ({"languages": frozenset({"lv"})}, {"timestamps": "none", "language": "lv"}, {"language": "lv"}, ()),
        ({"languages": frozenset()}, {"timestamps": "none", "language": "lv"}, {}, ("language",)),
    ],
    ids=[
        *("no word about it", "words too", "no times", "words only"),
        *("no speakers", "no vocabulary", "vocabulary"),
        *("another language", "the language", "no language"),
    ],
)
def test_what_the_service_says_wins(told, settings, optional, dropped):
    """A card decides what the model is asked for; what it does not tell stays as documented."""
    planned = plan(card=card(MINI_3, **told), **settings)

    assert (planned.shaping, planned.dropped) == (optional, dropped)


def test_vocabulary_of_unclear_form_is_sent_as_terms():
    """Where only the card knows that names and terms are taken, they have the form that every model takes."""
    planned = plan(model=MINI_2507, timestamps="none", context_bias=["a b"], card=card(MINI_2507, vocabulary=True))

    assert planned.optional == {"context_bias": ("a_b",)}


def test_limits_and_prices_stay_ours():
    """A card tells neither how much audio to send nor what it costs."""
    told = card(MINI_2507, granularities=frozenset({"word"}), diarize=True, languages=frozenset({"lv"}))

    capabilities = capabilities_of(rules_with(rules_for(MINI_2507), told))

    assert (capabilities.max_chunk_ms, capabilities.price_per_minute) == (15 * 60_000, 0.002)
    assert (capabilities.timestamps, capabilities.diarize) == ({"word"}, True)
    assert capabilities.languages == {"lv"}


def test_a_language_that_cannot_be_set_is_an_unknown_one():
    """Capabilities name the languages only where somebody does."""
    told = card(MINI_2602, languages=frozenset())

    assert capabilities_of(rules_with(rules_for(MINI_2602), told)).languages is None
    assert capabilities_of(rules_for(MINI_3)).languages is None
    assert len(capabilities_of(rules_for(MINI_2602)).languages) == 13


@pytest.mark.parametrize(
    ("model", "minutes", "price"),
    [
        (MINI_3, 45, 0.0035),
        ("voxtral-mini-transcribe-latest", 45, 0.0035),
        ("voxtral-small-transcribe-3-0", 45, 0.004),
        (MINI_2602, 45, 0.003),
        ("voxtral-mini-latest", 45, 0.003),
        (MINI_2507, 15, 0.002),
        ("voxtral-next", 15, None),
    ],
)
def test_each_model_has_its_limit_and_price(model, minutes, price):
    """Limits and prices are those documented; an unknown model gets a short limit and no price."""
    capabilities = capabilities_of(rules_for(model))

    assert (capabilities.max_chunk_ms, capabilities.price_per_minute) == (minutes * 60_000, price)


@given(
    settings=st.fixed_dictionaries(
        {
            "model": st.sampled_from([*KNOWN, "voxtral-next"]),
            "language": st.none() | st.just("lv"),
            "timestamps": st.sampled_from(["segment", "word", "none"]),
            "diarize": st.booleans(),
            "context_bias": st.lists(st.text("ab ,\t_", min_size=1, max_size=6).filter(str.strip), max_size=120),
            "voices": st.sets(st.sampled_from(["Ann", "Ilze"])),
        }
    ),
    told=st.fixed_dictionaries(
        {
            "granularities": st.none() | st.frozensets(st.sampled_from(["segment", "word"])),
            "diarize": st.none() | st.booleans(),
            "vocabulary": st.none() | st.booleans(),
            "languages": st.none() | st.frozensets(st.sampled_from(["en", "lv"])),
        }
    ),
    refused=st.sets(st.sampled_from(OPTIONAL_PARAMETERS)),
)
def test_no_request_breaks_a_models_rules(settings, told, refused):
    """Whatever is asked for, told by the service and refused, the request keeps the rules of its model."""
    said = card(settings["model"], **told)
    rules = rules_with(rules_for(settings["model"]), said)

    optional = plan(card=said, **settings).without(refused).optional

    granularities = set(optional.get("timestamp_granularities", ()))
    assert granularities <= rules.granularities
    assert "diarize" not in optional or (rules.diarize and granularities == {"segment"})
    assert rules.language_with_timestamps or not ("language" in optional and granularities)
    if rules.vocabulary == "terms":
        terms = optional.get("context_bias", ())
        assert len(terms) <= 100
        assert not [term for term in terms if set(term) & set(", \t")]
    assert "language" not in optional or rules.languages is None or "lv" in rules.languages
    assert not {"language", "return_language"} <= set(optional)
    assert "speaker_references" not in optional or (rules.speaker_references and "diarize" in optional)
    assert not refused & set(optional)
