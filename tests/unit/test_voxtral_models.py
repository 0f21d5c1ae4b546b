"""What each model takes, and the request that follows from the settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config.sections import EngineSettings
from voxtrald.engines.models import MODELS, capabilities_of, plan_request, rules_for

MINI_3, MINI_2602, MINI_2507 = "voxtral-mini-transcribe-3-0", "voxtral-mini-2602", "voxtral-mini-2507"
KNOWN = [name for rules in MODELS for name in sorted(rules.names)]


def plan(**settings):
    """The request plan for engine settings."""
    chosen = EngineSettings(**settings)
    return plan_request(chosen, rules_for(chosen.model))


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
            {"model": "voxtral-next", "timestamps": "word", "language": "lv"},
            {"language": "lv", "timestamp_granularities": ("word",)},
            (),
        ),
    ],
)
def test_the_request_follows_from_settings_and_model(settings, optional, dropped):
    """Each model is asked for what it can give, and what is left out is told."""
    planned = plan(**settings)

    assert planned.optional == optional
    assert planned.dropped == dropped


def test_too_many_terms_are_cut_and_counted():
    """Where only 100 terms count, the first hundred are sent and the rest is told."""
    planned = plan(model=MINI_2602, timestamps="none", context_bias=[f"term {n}" for n in range(117)])

    assert len(planned.optional["context_bias"]) == 100
    assert planned.dropped == ("context_bias: 17 of 117 terms",)


def test_lists_become_repeated_fields():
    """A list is one field per value, under the same name."""
    planned = plan(timestamps="none", context_bias=["a", "b"])

    assert planned.fields == (("model", MINI_3), ("context_bias", "a"), ("context_bias", "b"))


def test_a_refused_parameter_is_left_out_and_told():
    """What a server refused is not sent and stands in the list of what is missing."""
    planned = plan(language="lv").without({"language"})

    assert planned.fields == (("model", MINI_3), ("timestamp_granularities", "segment"))
    assert planned.dropped == ("language",)


def test_speakers_go_with_the_segments_they_need():
    """Without segments a request for speakers would be refused, so both are left out."""
    planned = plan(diarize=True).without({"timestamp_granularities"})

    assert planned.fields == (("model", MINI_3),)
    assert planned.dropped == ("timestamp_granularities", "diarize")


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
        }
    ),
    refused=st.sets(st.sampled_from(["language", "timestamp_granularities", "diarize", "context_bias"])),
)
def test_no_request_breaks_a_models_rules(settings, refused):
    """Whatever is asked for and refused, the request keeps the rules of its model."""
    rules = rules_for(settings["model"])

    optional = plan(**settings).without(refused).optional

    granularities = set(optional.get("timestamp_granularities", ()))
    assert granularities <= rules.granularities
    assert "diarize" not in optional or (rules.diarize and granularities == {"segment"})
    assert rules.language_with_timestamps or not ("language" in optional and granularities)
    if rules.vocabulary == "terms":
        terms = optional.get("context_bias", ())
        assert len(terms) <= 100
        assert not [term for term in terms if set(term) & set(", \t")]
    assert not refused & set(optional)
