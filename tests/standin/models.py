"""The models the stand-in knows, and what each of them accepts.

Sources: docs.mistral.ai (limits, languages, migrate from Voxtral 2, model pages), npm @ai-sdk/mistral 4.0.87
(model catalogue), github.com/mistralai/platform-docs-public (retirement of voxtral-mini-2507).
"""

from __future__ import annotations

from dataclasses import dataclass

_LANGUAGES_2 = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pt", "ru", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A transcription model.

    Attributes:
        granularities: the timestamps it can give.
        most_terms: how many context_bias entries it takes, or None where only its window limits them; such a
            model takes phrases, the others single words without spaces and commas.
        most_audio_s: the longest audio it takes.
        tells_language: whether it names the language it heard without being asked to.
        is_third: whether it is of the third generation, which knows voices, and can be asked for the language.
    """

    name: str
    aliases: tuple[str, ...]
    granularities: tuple[str, ...]
    most_terms: int | None
    most_audio_s: int
    tells_language: bool
    languages: tuple[str, ...] = _LANGUAGES_2
    diarizes: bool = True
    is_third: bool = False
    retired_at: str | None = None
    replacement: str | None = None

    def card(self) -> dict[str, object]:
        """Describe the model as GET /v1/models does."""
        return {
            "id": self.name,
            "object": "model",
            "type": "base",
            "created": 1_767_225_600,
            "owned_by": "mistralai",
            "name": self.name,
            "max_context_length": 65_536,
            "aliases": list(self.aliases),
            "deprecation": self.retired_at,
            "deprecation_replacement_model": self.replacement,
            "capabilities": {"audio_transcription": True},
            "audio_transcription_capabilities": {
                "modes": ["offline"],
                "diarization": self.diarizes,
                "context_bias": self.most_terms != 0,
                "timestamp_granularities": list(self.granularities),
                "languages": list(self.languages),
            },
        }


def _voxtral_3(size: str) -> Model:
    return Model(
        name=f"voxtral-{size}-transcribe-3-0",
        aliases=(f"voxtral-{size}-transcribe-3", f"voxtral-{size}-transcribe-latest"),
        granularities=("segment",),
        most_terms=None,
        most_audio_s=65_536 // 375 * 30,  # 375 tokens for each started half minute
        tells_language=False,
        is_third=True,
        languages=(*_LANGUAGES_2, "lv", "lt", "et", "pl", "sv", "uk"),
    )


MODELS = (
    _voxtral_3("mini"),
    _voxtral_3("small"),
    Model(
        name="voxtral-mini-2602",
        aliases=("voxtral-mini-latest",),
        granularities=("segment", "word"),
        most_terms=100,
        most_audio_s=3600,
        tells_language=True,
    ),
)
RETIRED = Model(
    name="voxtral-mini-2507",
    aliases=(),
    granularities=("segment",),
    diarizes=False,
    most_terms=0,
    most_audio_s=15 * 60,
    tells_language=True,
    retired_at="2026-05-31T00:00:00Z",
    replacement="voxtral-mini-2602",
)


def find_model(name: str) -> Model | None:
    """Find a model that is in service by its id or one of its aliases."""
    return next((model for model in MODELS if name == model.name or name in model.aliases), None)
