"""What is asked of each server with OpenAI's interface, and what it is expected to take."""

import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import EngineSettings
from voxtrald.engines.compatible.profiles import PROFILES, UNKNOWN, capabilities_of, profile_for
from voxtrald.engines.compatible.requesting import plan_request

ADDRESS = "http://127.0.0.1:8000"


def settings(**changed):
    """Settings of kind openai."""
    return EngineSettings(**{"kind": "openai", "base_url": ADDRESS, **changed})


def planned(server, *, model="whisper-1", **changed):
    """The plan for a server."""
    return plan_request(settings(**changed), profile_for(server, model=model), model=model)


def test_the_usual_request_asks_for_segments():
    """Model, detailed format and granularity are sent, the list in brackets, and nothing that nobody asked for."""
    assert planned("openai").fields == (
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "segment"),
    )


@pytest.mark.parametrize(
    ("server", "model", "asked", "field"),
    [
        ("openai", "whisper-1", {"context_bias": ("Rīga", "Alder Creek")}, ("prompt", "Rīga, Alder Creek")),
        ("speaches", "m", {"context_bias": ("Rīga", "Alder Creek")}, ("hotwords", "Rīga, Alder Creek")),
        ("vllm", "m", {"language": "lv"}, ("language", "lv")),
        ("whisper_cpp", "m", {"language": "lv"}, ("language", "lv")),
        ("whisper_cpp", "m", {}, ("language", "auto")),
        ("localai", "m", {}, ("diarize", "false")),
        ("localai", "m", {"diarize": True}, ("diarize", "true")),
        ("openai", "gpt-4o-transcribe-diarize", {"diarize": True}, ("response_format", "diarized_json")),
        ("openai", "gpt-4o-transcribe-diarize", {}, ("chunking_strategy", "auto")),
        ("open_asr_server", "m", {"timestamps": "word"}, ("timestamp_granularities[]", "word")),
    ],
)
def test_each_server_is_asked_in_its_own_way(server, model, asked, field):
    """Vocabulary, speakers and languages have the field and the value that the server knows."""
    fields = planned(server, model=model, **asked).fields

    assert field in fields
    assert len([name for name, _ in fields if name == field[0] and not name.endswith("[]")]) <= 1


@pytest.mark.parametrize(
    ("server", "model", "asked", "dropped"),
    [
        ("sglang", "m", {"context_bias": ("Rīga",)}, ("context_bias",)),
        ("openai", "whisper-1", {"diarize": True}, ("diarize",)),
        ("openai", "gpt-4o-transcribe", {}, ("timestamp_granularities",)),
        ("openai", "gpt-4o-transcribe-diarize", {"context_bias": ("Rīga",)}, ("context_bias",)),
        ("openai", "gpt-4o-transcribe-diarize", {"timestamps": "word"}, ("timestamp_granularities=word",)),
        ("whisper_cpp", "m", {"timestamps": "word"}, ("timestamp_granularities=word",)),
        ("openai", "gpt-4o-transcribe", {"timestamps": "none"}, ()),
        ("localai", "m", {"diarize": True, "context_bias": ("Rīga",), "language": "lv"}, ()),
    ],
)
def test_what_a_server_does_not_take_is_told(server, model, asked, dropped):
    """What was asked for and cannot be sent is named, as the settings name it."""
    assert planned(server, model=model, **asked).dropped == dropped


def test_whisper_cpp_is_not_told_a_model():
    """A server with one model is not asked for another."""
    assert "model" not in dict(planned("whisper_cpp").fields)


def test_without_the_detailed_format_there_is_no_granularity():
    """Times come in the detailed format only: where it is refused, both go, and both are told."""
    plan = planned("vllm", language="lv").without({"response_format"})

    assert plan.fields == (("model", "whisper-1"), ("language", "lv"))
    assert plan.dropped == ("response_format", "timestamp_granularities")


def test_a_refused_vocabulary_is_told_by_its_setting():
    """People set `context_bias`; that the server calls it otherwise is not their business."""
    plan = planned("openai", context_bias=("Rīga",)).without({"prompt"})

    assert "prompt" not in dict(plan.fields)
    assert plan.dropped == ("context_bias",)


def test_no_times_are_asked_for_where_none_are_wanted():
    """With `timestamps: none` the server's shortest answer will do."""
    assert planned("openai", timestamps="none").fields == (("model", "whisper-1"),)


@given(
    server=st.sampled_from(sorted(PROFILES)),
    model=st.sampled_from(["whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize", "voxtral"]),
    language=st.sampled_from([None, "lv"]),
    diarize=st.booleans(),
    timestamps=st.sampled_from(["segment", "word", "none"]),
    phrases=st.sampled_from([(), ("Rīga",)]),
    refused=st.sets(st.sampled_from(["response_format", "language", "prompt", "hotwords", "diarize"])),
)
def test_whatever_is_asked_for_is_sent_or_told(server, model, language, diarize, timestamps, phrases, refused):
    """No wish is lost in silence, whatever the server takes and refuses."""
    asked = settings(language=language, diarize=diarize, timestamps=timestamps, context_bias=phrases)
    plan = plan_request(asked, profile_for(server, model=model), model=model).without(refused)

    sent = {name.removesuffix("[]") for name, _ in plan.fields}
    speaks = "diarize" in plan.optional or "diarized_json" in plan.optional.values()
    assert not refused & set(plan.optional)
    assert language is None or "language" in sent or "language" in plan.dropped
    assert not phrases or {"prompt", "hotwords"} & sent or "context_bias" in plan.dropped
    assert not diarize or speaks or {"diarize", "response_format"} & set(plan.dropped)
    told = " ".join(plan.dropped)
    assert timestamps == "none" or "response_format" in sent or "timestamp_gran" in told or "response_format" in told


def test_every_server_that_can_be_named_has_its_profile():
    """The choices of `engine.server`, the profiles and the table for people are the same list."""
    choices = get_args(EngineSettings.model_fields["server"].annotation)
    page = Path(__file__).parent.parent.parent / "docs" / "engines.md"
    listed = re.findall(r"^\| `(\w+)` \|", page.read_text("utf-8"), re.MULTILINE)

    assert set(choices) == {"auto", *PROFILES}
    assert set(listed) >= set(PROFILES)


# --- capabilities ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "model", "is_timed"),
    [
        ("openai", "whisper-1", True),
        ("openai", "gpt-4o-mini-transcribe", False),
        ("openai", "gpt-4o-transcribe-diarize", True),
        ("vllm", "mistralai/Voxtral-Mini-3B-2507", False),
        ("vllm", "openai/whisper-large-v3", True),
        ("speaches", "m", True),
        ("whisper_cpp", None, True),
        ("generic", "m", False),
    ],
)
def test_chunks_are_short_where_no_times_are_expected(server, model, is_timed):
    """A server without segments gives one time per chunk, so chunks are between 30 and 60 seconds."""
    found = capabilities_of(profile_for(server, model=model), timestamps="segment", brings_times=None)

    assert ("segment" in found.timestamps) is is_timed
    assert found.usual_chunk_ms is None if is_timed else 30_000 <= found.usual_chunk_ms <= 60_000


@pytest.mark.parametrize("server", sorted(PROFILES))
def test_what_was_seen_counts_more_than_what_was_expected(server):
    """Answers with segments make chunks as long as they may be; answers without make them short."""
    profile = profile_for(server, model="m")

    assert capabilities_of(profile, timestamps="segment", brings_times=True).usual_chunk_ms is None
    assert capabilities_of(profile, timestamps="segment", brings_times=False).usual_chunk_ms is not None
    assert capabilities_of(profile, timestamps="none", brings_times=False).usual_chunk_ms is None


@pytest.mark.parametrize("server", sorted(PROFILES))
def test_limits_are_those_that_the_servers_state(server):
    """No request is larger than what the server is known to take, and the unknown gets the least."""
    found = capabilities_of(profile_for(server, model="m"), timestamps="segment", brings_times=None)
    least = capabilities_of(UNKNOWN, timestamps="segment", brings_times=None)

    assert found.max_bytes <= (25 << 20 if server != "whisper_cpp" else 100_000_000)
    assert found.max_chunk_ms < 600_000 if server == "vllm" else found.max_chunk_ms >= least.max_chunk_ms
    assert found.formats
    assert found.price_per_minute is None
