"""How the servers that speak OpenAI's transcription interface differ, as values. Pure.

Sources, read in November 2026: OpenAI's API reference and speech-to-text guide; the servers' own code at
vllm-project/vllm, speaches-ai/speaches, mudler/LocalAI, ggml-org/whisper.cpp (examples/server), sgl-project/sglang,
and in open-asr-server 0.3.0 on PyPI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from voxtrald.engines.base import Capabilities

_MINUTE_MS = 60_000
_MEGABYTE = 1_000_000
_WITHOUT_TIMES_MS = 45_000  # a chunk is one segment then: short enough to find a place in, long enough for a sentence
_USUAL_PATH = "/v1/audio/transcriptions"
_SEGMENTS = frozenset({"segment"})
_WORDS = frozenset({"segment", "word"})
_SPEAKERS_MODEL, _SPEAKERS_FORMAT = "gpt-4o-transcribe-diarize", "diarized_json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one program takes and gives.

    Attributes:
        server: what `engine.server` calls it.
        title: what people call it.
        paths: where it transcribes; where the first one does not exist, the next one is tried.
        is_bracketed: whether a list's fields are called `name[]`.
        detailed: the `response_format` that brings segments, or None where there is none.
        gives_times: whether segments can be counted on, with this model.
        granularities: the timestamps that can be asked for; empty where there is no choice.
        vocabulary: the field that takes words to know, or None.
        speakers: the fields that ask for speakers, or None where it cannot tell them apart.
        always: fields that are sent whatever is asked for.
        undetermined: what stands for a language to find out where the field may not be missing, or None.
        formats: containers it decodes, the best one first.
        max_chunk_ms: the longest audio per request.
        max_bytes: the largest audio per request.
        names_model: whether the request must name a model.
        lists_all: whether its list of models is complete, so that another model cannot be had.
        denies_with_403: whether a wrong key is answered with 403 rather than 401.
        parallel: how many requests at once make sense, or None for any number.
    """

    server: str
    title: str
    paths: tuple[str, ...] = (_USUAL_PATH,)
    is_bracketed: bool = True
    detailed: str | None = "verbose_json"
    gives_times: bool = True
    granularities: frozenset[str] = _WORDS
    vocabulary: Literal["prompt", "hotwords"] | None = "prompt"
    speakers: Mapping[str, str] | None = None
    always: Mapping[str, str] = field(default_factory=dict)
    undetermined: str | None = None
    formats: tuple[str, ...] = ("mp3", "wav", "flac", "ogg")
    max_chunk_ms: int = 60 * _MINUTE_MS
    max_bytes: int = 25 * _MEGABYTE
    names_model: bool = True
    lists_all: bool = False
    denies_with_403: bool = False
    parallel: int | None = None


# What is sent while nobody knows who answers: what all of them take, and chunks that are useful without times.
UNKNOWN = Profile(
    server="generic",
    title="a server of a kind that is not known",
    paths=(_USUAL_PATH, "/inference"),
    gives_times=False,
    formats=("wav", "mp3", "flac"),
    max_chunk_ms=10 * _MINUTE_MS,
)
_WHISPER_CPP = Profile(
    server="whisper_cpp",
    title="whisper.cpp",
    paths=("/inference", _USUAL_PATH),
    granularities=_SEGMENTS,  # its words are pieces of words
    undetermined="auto",  # without a language it takes English for granted
    formats=("wav",),  # others only where it was built or started with a converter
    max_chunk_ms=30 * _MINUTE_MS,
    max_bytes=100 * _MEGABYTE,
    names_model=False,
    parallel=1,  # it works on one request and lets the others wait
)
_VLLM = Profile(
    server="vllm",
    title="vLLM",
    gives_times=False,  # "Currently do not support verbose_json" for Voxtral and other models that are not Whisper
    granularities=_SEGMENTS,
    max_chunk_ms=570_000,  # 600 s may be decoded, and encoders add some silence
    lists_all=True,
)
_LOCALAI = Profile(
    server="localai",
    title="LocalAI",
    speakers=MappingProxyType({"diarize": "true"}),
    always=MappingProxyType({"diarize": "false"}),  # some versions tell speakers apart unless asked not to
)
PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.server: profile
        for profile in (
            UNKNOWN,
            Profile(server="openai", title="OpenAI", lists_all=True),
            _VLLM,
            Profile(server="speaches", title="Speaches", vocabulary="hotwords", denies_with_403=True),
            _LOCALAI,
            _WHISPER_CPP,
            Profile(server="sglang", title="SGLang", vocabulary=None, granularities=_SEGMENTS, lists_all=True),
            Profile(server="open_asr_server", title="open-asr-server"),
        )
    }
)


def profile_for(server: str, *, model: str | None) -> Profile:
    """Find what a server takes and gives with a model; the same program can differ from model to model."""
    profile = PROFILES[server]
    name = (model or "").lower()
    if server == "vllm" and "whisper" in name:
        return replace(profile, gives_times=True)
    if server == "openai" and name == _SPEAKERS_MODEL:
        return replace(
            _of_gpt(profile),
            detailed=_SPEAKERS_FORMAT,
            gives_times=True,
            vocabulary=None,
            speakers=MappingProxyType({"response_format": _SPEAKERS_FORMAT}),
            always=MappingProxyType({"chunking_strategy": "auto"}),  # required beyond 30 s
        )
    if server == "openai" and name.startswith("gpt-"):
        return _of_gpt(profile)
    return profile


def _of_gpt(profile: Profile) -> Profile:
    """Adapt OpenAI's profile to the models that are not Whisper: they answer in plain JSON, up to 1,500 s."""
    return replace(profile, detailed=None, gives_times=False, granularities=frozenset(), max_chunk_ms=20 * _MINUTE_MS)


def capabilities_of(profile: Profile, *, timestamps: str, brings_times: bool | None) -> Capabilities:
    """Say in the engines' common terms what a server takes.

    Args:
        profile: what is known of the server.
        timestamps: what the settings ask for.
        brings_times: whether answers so far had segments, or None where none has come that should.
    """
    is_timed = profile.gives_times if brings_times is None else brings_times
    return Capabilities(
        formats=profile.formats,
        max_chunk_ms=profile.max_chunk_ms,
        usual_chunk_ms=None if is_timed or timestamps == "none" else _WITHOUT_TIMES_MS,
        max_bytes=profile.max_bytes,
        timestamps=(profile.granularities or _SEGMENTS) if is_timed else frozenset(),
        diarize=profile.speakers is not None,
        vocabulary=profile.vocabulary is not None,
        parallel=profile.parallel,
    )
