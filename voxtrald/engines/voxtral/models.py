"""What each Voxtral model takes, gives and costs. Pure.

Sources, read in November 2026: docs.mistral.ai (known limitations; Voxtral 3 specs and limits; migration from
Voxtral 2), mistralai/platform-docs-public (model pages of 2026-08), litellm's price table, the AI SDK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeVar

from voxtrald.config.engine import MOST_REFERENCES
from voxtrald.engines.base import Capabilities
from voxtrald.engines.voxtral.cards import ModelCard

Vocabulary = Literal["phrases", "terms", "none"]
T = TypeVar("T")

_MINUTE_MS = 60_000
# The formats of the known limitations, without WebM, which is reported to be refused with opus inside.
_FORMATS = ("mp3", "wav", "flac", "ogg")
_MAX_BYTES = 500_000_000  # "500 MB" for audio; uploads as such may have 512
_LANGUAGES_2507 = frozenset({"de", "en", "es", "fr", "hi", "it", "nl", "pt"})
_LANGUAGES_2602 = _LANGUAGES_2507 | {"ar", "ja", "ko", "ru", "zh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a minute costs in US dollars, who says so, and when it was read there."""

    per_minute: float
    source: str
    read_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """What one generation of models takes and gives.

    Attributes:
        names: the ids and aliases it answers to.
        max_chunk_minutes: the longest audio we send in one request, below what is documented.
        price: None where it is not known.
        granularities: the timestamps it offers.
        vocabulary: whether `context_bias` takes free phrases, single terms, or does not exist.
        language_with_timestamps: whether both may stand in one request.
        languages: what `language` may be (ISO 639-1 codes), empty where it cannot be set, or None where nobody knows.
        speaker_references: whether it knows speakers by clips of their voices.
        return_language: whether it has to be asked to say which language it heard.
        retires_on: the day it was or will be taken away, or None.
        replacement: the model the service recommends instead, or None.
    """

    names: frozenset[str]
    max_chunk_minutes: int
    price: Price | None
    granularities: frozenset[str]
    diarize: bool
    vocabulary: Vocabulary
    language_with_timestamps: bool
    languages: frozenset[str] | None = None
    speaker_references: bool = False
    return_language: bool = False
    retires_on: date | None = None
    replacement: str | None = None


_MINI_3 = ModelRules(
    names=frozenset({"voxtral-mini-transcribe-3-0", "voxtral-mini-transcribe-3", "voxtral-mini-transcribe-latest"}),
    max_chunk_minutes=45,  # the window of 65,536 tokens holds about 58 to 87; beyond it a request is refused
    price=Price(per_minute=0.0035, source="litellm price table", read_on=date(2026, 11, 23)),
    granularities=frozenset({"segment"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
    speaker_references=True,
    return_language=True,
)
_SMALL_3 = ModelRules(
    names=frozenset({"voxtral-small-transcribe-3-0", "voxtral-small-transcribe-3", "voxtral-small-transcribe-latest"}),
    max_chunk_minutes=45,
    price=Price(per_minute=0.004, source="litellm price table", read_on=date(2026, 11, 23)),
    granularities=frozenset({"segment"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
    speaker_references=True,
    return_language=True,
)
_MINI_2602 = ModelRules(
    names=frozenset({"voxtral-mini-2602", "voxtral-mini-latest"}),
    max_chunk_minutes=45,  # known limitations: 60 minutes; another page: 3 hours
    price=Price(per_minute=0.003, source="platform-docs-public model page", read_on=date(2026, 8, 3)),
    granularities=frozenset({"segment", "word"}),
    diarize=True,
    vocabulary="terms",
    language_with_timestamps=False,
    languages=_LANGUAGES_2602,
)
_MINI_2507 = ModelRules(
    names=frozenset({"voxtral-mini-2507"}),
    max_chunk_minutes=15,
    price=Price(per_minute=0.002, source="platform-docs-public model page", read_on=date(2026, 8, 3)),
    granularities=frozenset({"segment"}),
    diarize=False,
    vocabulary="none",
    language_with_timestamps=False,
    languages=_LANGUAGES_2507,
    retires_on=date(2026, 5, 31),
    replacement="voxtral-mini-2602",
)
_UNKNOWN = ModelRules(
    names=frozenset(),
    max_chunk_minutes=15,
    price=None,
    granularities=frozenset({"segment", "word"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
    speaker_references=True,
)
MODELS = (_MINI_3, _SMALL_3, _MINI_2602, _MINI_2507)


def rules_for(model: str) -> ModelRules:
    """Find the rules of a model; one we do not know gets a short limit and is asked for everything."""
    return next((rules for rules in MODELS if model in rules.names), _UNKNOWN)


def rules_with(rules: ModelRules, card: ModelCard | None) -> ModelRules:
    """Let what the service says of a model win over the table; limits and prices, which it does not tell, stay.

    Where the service lists the model, it also decides about its end, even by saying nothing of one.
    """
    if card is None:
        return rules
    return replace(
        rules,
        granularities=_told(card.granularities, rules.granularities),
        diarize=_told(card.diarize, rules.diarize),
        vocabulary=_vocabulary_with(rules, takes_any=card.vocabulary),
        languages=_told(card.languages, rules.languages),
        retires_on=card.retires_at.date() if card.retires_at else None,
        replacement=card.replacement or rules.replacement,
    )


def _told(by_card: T | None, by_table: T) -> T:
    return by_table if by_card is None else by_card


def _vocabulary_with(rules: ModelRules, *, takes_any: bool | None) -> Vocabulary:
    if takes_any is None:
        return rules.vocabulary
    if not takes_any:
        return "none"
    return "terms" if rules.vocabulary == "none" else rules.vocabulary  # terms are also phrases


def capabilities_of(rules: ModelRules) -> Capabilities:
    """Say in the engines' common terms what a model can take."""
    return Capabilities(
        formats=_FORMATS,
        max_chunk_ms=rules.max_chunk_minutes * _MINUTE_MS,
        max_bytes=_MAX_BYTES,
        timestamps=rules.granularities,
        diarize=rules.diarize,
        vocabulary=rules.vocabulary != "none",
        languages=rules.languages or None,
        takes_addresses=True,
        voice_clips=MOST_REFERENCES if rules.speaker_references and rules.diarize else 0,
        price_per_minute=rules.price.per_minute if rules.price else None,
    )
