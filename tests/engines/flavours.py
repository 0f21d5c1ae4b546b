"""How servers with OpenAI's interface behave, for the one that plays them: written from their code and documentation.

These are the tests' own facts. They are not made from the program's profiles, or nothing would be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MODEL = "tones-1"
KEY = "sk-lookalike"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """An error answer; `{}` in the body's text stands for what was refused."""

    status: int
    body: Any

    def about(self, what: str) -> Any:
        """Give the body."""
        return _fill(self.body, what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One program's ways.

    Attributes:
        recognised: what the engine should take it for.
        header: its Server header.
        models: the body of its list of models, or None where it has none.
        title: of its OpenAPI document, or None where it has none.
        page: what it shows at `/`.
        formats: the response formats it knows; the first one is used when none is asked for.
        unknown_format: what it says to others, or None where it ignores them.
        granularities: the name of the field it looks for.
        words: how it gives words: a list of its own, or not at all.
        language: how it names the language in a detailed answer.
        per_second: what it counts times in.
        speakers: the field that turns speakers on or off, or None.
        speakers_unless: the value that turns them off where they are on by themselves.
        wrong_key: what it says to a wrong key, or None where it knows no keys.
        unknown_model: what it says to another model, or None where it ignores the name.
        undecodable: what it says to bytes that are no audio.
        decodes: how files begin that it takes, or nothing for all.
    """

    name: str
    recognised: str
    path: str = "/v1/audio/transcriptions"
    header: str = "uvicorn"
    models: Any = None
    title: str | None = None
    page: str = "<html></html>"
    formats: tuple[str, ...] = ("json", "verbose_json", "text")
    unknown_format: Refusing | None = None
    granularities: str = "timestamp_granularities[]"
    words: bool = True
    language: Literal["code", "name"] | None = "code"
    per_second: float = 1.0
    speakers: str | None = None
    speakers_unless: str | None = None
    wrong_key: Refusing | None = field(default_factory=lambda: Refusing(status=401, body={"detail": "Unauthorized"}))
    unknown_model: Refusing | None = None
    undecodable: Refusing = field(default_factory=lambda: Refusing(status=400, body={"detail": "Failed to decode."}))
    decodes: bytes = b""


def _cards(*, owner: str | None = None, **more: Any) -> dict[str, Any]:
    card = {"id": MODEL, "object": "model", **({} if owner is None else {"owned_by": owner}), **more}
    return {"object": "list", "data": [card]}


def _fill(value: Any, what: str) -> Any:
    if isinstance(value, str):
        return value.replace("{}", what)
    if isinstance(value, dict):
        return {key: _fill(each, what) for key, each in value.items()}
    return [_fill(each, what) for each in value] if isinstance(value, list) else value


def _openai_error(message: str, *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


_NO_SUCH_MODEL = Refusing(status=404, body=_openai_error("The model `{}` does not exist.", code="model_not_found"))

OPENAI = Flavour(
    name="openai",
    recognised="openai",  # only by its address, which a test cannot have; so it is named in the settings
    header="cloudflare",
    models=_cards(owner="openai-internal"),
    formats=("json", "verbose_json", "text", "srt", "vtt"),
    unknown_format=Refusing(
        status=400, body=_openai_error("Invalid value: '{}'.", param="response_format", code="unsupported_value")
    ),
    language="name",
    wrong_key=Refusing(status=401, body=_openai_error("Incorrect API key provided.", code="invalid_api_key")),
    unknown_model=_NO_SUCH_MODEL,
    undecodable=Refusing(status=400, body=_openai_error("Audio file might be corrupted or unsupported")),
)
VLLM = Flavour(
    name="vllm",
    recognised="vllm",
    models=_cards(owner="vllm", max_model_len=32768),
    formats=("json", "text"),
    unknown_format=Refusing(
        status=400,
        body={"error": {"message": "Currently do not support {} for tones-1", "type": "BadRequestError", "code": 400}},
    ),
    words=False,
    language=None,
    wrong_key=Refusing(status=401, body={"error": "Unauthorized"}),
    unknown_model=_NO_SUCH_MODEL,
    undecodable=Refusing(status=400, body=_openai_error("Invalid or unsupported audio file.")),
)
SPEACHES = Flavour(
    name="speaches",
    recognised="speaches",
    models=_cards(owner="somebody", task="automatic-speech-recognition"),
    title="Speaches",
    formats=("json", "verbose_json", "text", "srt", "vtt"),
    unknown_format=Refusing(
        status=422,
        body={"detail": [{"type": "literal_error", "loc": ["body", "response_format"], "msg": "Input should be"}]},
    ),
    wrong_key=Refusing(status=403, body={"detail": "Invalid API key. The provided API key is incorrect."}),
    unknown_model=Refusing(status=404, body={"detail": "Model '{}' is not installed locally."}),
    undecodable=Refusing(status=415, body={"detail": "Failed to decode audio. The file type is not supported."}),
)
LOCALAI = Flavour(
    name="localai",
    recognised="localai",
    header="",
    models=_cards(),
    page='{"Title":"LocalAI API - v3","Version":"v3"}',
    formats=("verbose_json", "json", "text"),
    language=None,
    per_second=1e9,
    words=False,
    speakers="diarize",
    speakers_unless="false",
    wrong_key=Refusing(status=401, body={"error": {"code": 401, "message": "An authentication key is required"}}),
    unknown_model=Refusing(status=404, body={"error": {"code": 404, "message": "model {} not found"}}),
    undecodable=Refusing(status=400, body={"error": {"code": 400, "message": "the audio cannot be read"}}),
)
WHISPER_CPP = Flavour(
    name="whisper_cpp",
    recognised="whisper_cpp",
    path="/inference",
    header="whisper.cpp",
    page="<html><head><title>Whisper.cpp Server</title></head></html>",
    formats=("json", "verbose_json", "text"),
    words=False,
    language="name",
    wrong_key=None,
    undecodable=Refusing(status=400, body={"error": "failed to read audio data"}),
    decodes=b"RIFF",
)
SGLANG = Flavour(
    name="sglang",
    recognised="sglang",
    models=_cards(owner="sglang", max_model_len=448),
    words=False,
    language="code",
    unknown_model=Refusing(status=404, body={"object": "error", "message": "The model {} does not exist", "code": 404}),
)
OPEN_ASR = Flavour(
    name="open_asr_server",
    recognised="open_asr_server",
    models={"object": "list", "data": [{"id": "tones-*", "object": "model", "owned_by": "local"}]},
    title="OpenAI-Compatible ASR Server",
    formats=("json", "verbose_json", "text", "srt", "vtt"),
    unknown_model=Refusing(status=404, body={"detail": "Model '{}' not found. Available patterns: ['tones-*']"}),
    undecodable=Refusing(status=500, body="Internal Server Error"),
)
STRANGER = Flavour(
    name="stranger",
    recognised="generic",
    header="nginx",
    formats=("text",),
    words=False,
    unknown_model=None,
    wrong_key=Refusing(status=401, body="no"),
)
FLAVOURS: Mapping[str, Flavour] = {
    flavour.name: flavour for flavour in (OPENAI, VLLM, SPEACHES, LOCALAI, WHISPER_CPP, SGLANG, OPEN_ASR, STRANGER)
}
