"""The keys of `engine`: who transcribes, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from voxtrald.config.choices import EngineKind
from voxtrald.config.shape import Amount, ByEngine, FilePath, FixedMapping, Section, Word, Wrong, refusal

USUAL_KIND = "mistral"
USUAL_ADDRESSES: Mapping[str, str] = MappingProxyType({"mistral": "https://api.mistral.ai"})
USUAL_MODELS: Mapping[str, str] = MappingProxyType({"mistral": "voxtral-mini-transcribe-3-0"})
MOST_REFERENCES = 8

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Timestamps = Literal["segment", "word", "none"]


def bare_address(value: str) -> str:
    """Take the slash and the `/v1` off an address's end, which people copy from other programs' settings."""
    return value.rstrip("/").removesuffix("/v1").rstrip("/")


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not close
        is_complete = False
    if not is_complete:
        raise refusal("is not a web address", hint="such as https://api.mistral.ai")
    if parts.username or parts.password or parts.query or parts.fragment:
        hint = "keys and parameters do not belong in the address"
        raise refusal("must hold a host and a path only", hint=hint)
    return bare_address(value)


def _by_kind(usual: Mapping[str, str]) -> Callable[[dict[str, Any]], str | None]:
    return lambda fields: usual.get(fields.get("kind", ""))  # a wrong kind is missing, and told


class EngineSettings(Section):
    """Who transcribes, and how it is asked.

    The API key does not belong here. It is looked for in the systemd credential `api-key`, then in the file
    `api_key_file`, then in the environment variable MISTRAL_API_KEY (kind openai: OPENAI_API_KEY).
    """

    kind: Annotated[str, EngineKind] = USUAL_KIND
    """mistral: Mistral's transcription API. openai: a server with the same interface as OpenAI's, at
    base_url. local: a model on this machine; nothing is sent."""

    base_url: Annotated[Annotated[str, AfterValidator(_web_address)] | None, ByEngine()] = Field(
        default_factory=_by_kind(USUAL_ADDRESSES), json_schema_extra={"default": USUAL_ADDRESSES[USUAL_KIND]}
    )
    """Where the service is. Kind mistral knows its own address, kind openai needs one, such as
    http://127.0.0.1:8000, kind local has none."""

    model: Annotated[Word | None, ByEngine()] = Field(
        default_factory=_by_kind(USUAL_MODELS), json_schema_extra={"default": USUAL_MODELS[USUAL_KIND]}
    )
    """The model's exact id. Names that end in `latest` may change their meaning overnight. Kind openai: null
    takes what the server offers. Kind local: a folder with a converted model, or a name such as small,
    tiny.en or base, which faster-whisper downloads at first use; null takes its own choice."""

    server: Literal[
        "auto", "openai", "vllm", "speaches", "localai", "whisper_cpp", "sglang", "open_asr_server", "generic"
    ] = "auto"
    """Kind openai: which program answers at base_url, as they differ in details. auto: find out.
    generic: only what all of them understand."""

    delivery: Literal["upload", "direct"] = "upload"
    """upload: store the audio at the service, transcribe it by a signed address, delete it. direct: send
    the audio within the request. Only kind mistral knows both; the others are direct."""

    language: Language | None = Field(default=None, examples=["lv"])
    """The spoken language as an ISO 639-1 code, or null to let the model find out."""

    diarize: bool = False
    """Whether the transcript tells speakers apart."""

    speaker_references: FixedMapping[FilePath] = Field(
        default=FixedMapping({}),
        examples=[{"Ilze": "voices/ilze.mp3", "Jānis": "voices/janis.mp3"}],
        json_schema_extra={"maxProperties": MOST_REFERENCES},
    )
    """Voices to know by name: for up to 8 speakers a clip of 3 to 15 seconds each. Needs `diarize: true`
    and a model that compares voices. The clips are sent to the service."""

    timestamps: Timestamps = "segment"
    """How finely the text is timed. Which of them a model offers differs; subtitles need segment or word."""

    context_bias: tuple[Word, ...] = Field(default=(), examples=[["Daugavpils", "Rēzekne"]])
    """Names and terms the model should know how to spell."""

    api_key_file: FilePath | None = Field(default=None, examples=["/etc/voxtrald/api-key"])
    """A file that holds the API key and nothing else. Only its owner should be able to read it."""

    connect_timeout_s: Amount = 10
    """Seconds to wait for a connection."""

    read_timeout_s: Amount = 900
    """Seconds to wait for an answer; a long chunk takes minutes."""

    idle_s: Amount = 300
    """Kind local: seconds without work after which the model is released from memory."""

    def is_of_one_service_with(self, other: EngineSettings) -> bool:
        """Tell whether both talk to the same service, so that a key of one may be sent by the other."""
        return (self.kind, self.base_url) == (other.kind, other.base_url)

    def wrongs(self) -> Iterator[Wrong]:
        """Check address, model and voices against the kind."""
        if self.kind == "local" and self.base_url is not None:
            hint = "leave it out, or write `kind: openai` for a server"
            yield Wrong(key="base_url", what="has no meaning for kind local, which asks nobody", hint=hint)
        if self.kind == "openai" and self.base_url is None:
            what = "is missing: kind openai needs the address of the server"
            yield Wrong(key="base_url", what=what, hint="such as http://127.0.0.1:8000")
        for key, usual in (("base_url", USUAL_ADDRESSES), ("model", USUAL_MODELS)):
            if self.kind in usual and getattr(self, key) is None:
                yield Wrong(key=key, what="must not be null", hint=f"leave it out for {usual[self.kind]}")
        if len(self.speaker_references) > MOST_REFERENCES:
            what = f"names {len(self.speaker_references)} speakers, and at most {MOST_REFERENCES} can be known by name"
            yield Wrong(key="speaker_references", what=what)
        if self.speaker_references and not self.diarize:
            yield Wrong(key="speaker_references", what="can only be used with `diarize: true`")
