"""As much of a vocabulary as a model takes, and what is told of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import EngineSettings
from voxtrald.engines.compatible.profiles import profile_for
from voxtrald.engines.compatible.requesting import plan_request as plan_compatible
from voxtrald.engines.vocabulary import BETWEEN, WHISPER_BYTES, fit_vocabulary
from voxtrald.engines.voxtral.models import rules_for
from voxtrald.engines.voxtral.requesting import plan_request

MANY = tuple(f"Rēzekne {number}" for number in range(5000))
ADDRESS = "http://127.0.0.1:8000"


@given(st.lists(st.text(max_size=9)), st.integers(min_value=0, max_value=40))
def test_the_first_phrases_are_kept_as_far_as_they_fit(phrases, most_bytes):
    """What is kept fits, one more would not, and the rest is counted."""
    fitted = fit_vocabulary(phrases, most_bytes=most_bytes)
    kept, beyond = list(fitted.kept), len(phrases) - len(fitted.kept)

    assert kept == phrases[: len(kept)]
    assert not kept or len(BETWEEN.join(kept).encode()) <= most_bytes
    assert not beyond or len(BETWEEN.join(phrases[: len(kept) + 1]).encode()) > most_bytes
    assert bool(fitted.dropped) == bool(beyond)


@pytest.mark.parametrize("model", ["voxtral-mini-transcribe-3-0", "voxtral-mini-2602"])
def test_a_vocabulary_beyond_a_voxtral_model_is_cut_and_told(model):
    """Thousands of names cost some of the names, never the request, and the answer tells how many were left out."""
    plan = plan_request(EngineSettings(model=model, context_bias=MANY), rules_for(model), model=model)
    sent = plan.optional["context_bias"]

    assert 0 < len(sent) < len(MANY)
    assert [told for told in plan.dropped if told.startswith(f"context_bias: {5000 - len(sent)} of 5000 ")]


def test_a_vocabulary_beyond_a_prompt_is_cut_and_told():
    """A server's prompt holds what Whisper reads of it; the first names are in it, and the rest is counted."""
    settings = EngineSettings(kind="openai", base_url=ADDRESS, context_bias=MANY)
    plan = plan_compatible(settings, profile_for("vllm", model="m"), model="m")

    assert plan.optional["prompt"].startswith("Rēzekne 0, Rēzekne 1, ")
    assert len(plan.optional["prompt"].encode()) <= WHISPER_BYTES
    assert [told for told in plan.dropped if told.startswith("context_bias: ")]
