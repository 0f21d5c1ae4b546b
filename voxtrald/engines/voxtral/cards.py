"""What the service says about its models, read from their cards. Pure.

Shape: the model cards of GET /v1/models in the mistralai Python SDK 3.x (BaseModelCard and
AudioTranscriptionCapabilities). Whatever a card does not tell, or tells in another shape, is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_TRANSCRIPTION = "audio_transcription_capabilities"
_READ = ("id", "aliases", "deprecation", "deprecation_replacement_model", "capabilities", _TRANSCRIPTION)
_GRANULARITIES = frozenset({"segment", "word"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What the service says about one of its models.

    Attributes:
        names: the id and its aliases.
        retires_at: when it is or was taken away, or None. The SDK warns of the card's `deprecation` as the end.
        replacement: the model the service recommends instead.
        transcribes: whether it turns whole recordings into text.
        granularities: the timestamps it offers.
        diarize: whether it tells speakers apart.
        vocabulary: whether it takes names and terms to expect.
        languages: ISO 639-1 codes that `language` may be; empty where it cannot be set.
    """

    names: frozenset[str]
    retires_at: datetime | None = None
    replacement: str | None = None
    transcribes: bool | None = None
    granularities: frozenset[str] | None = None
    diarize: bool | None = None
    vocabulary: bool | None = None
    languages: frozenset[str] | None = None


def read_cards(entries: Iterable[object]) -> tuple[ModelCard, ...]:
    """Read model cards; what is none is left out."""
    return tuple(_read_card(entry) for entry in entries if isinstance(entry, dict))


def pare(entries: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Keep of each card what `read_cards` looks at."""
    return [{name: entry[name] for name in _READ if name in entry} for entry in entries]


def read_instant(value: object) -> datetime | None:
    """Read a date and time in ISO 8601; one without a time zone is in UTC."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return instant if instant is None or instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _read_card(entry: Mapping[str, object]) -> ModelCard:
    told = entry.get(_TRANSCRIPTION)
    details: Mapping[str, object] = told if isinstance(told, dict) else {}
    granularities = _read_words(details.get("timestamp_granularities"))
    return ModelCard(
        names=(_read_words([entry.get("id")]) or frozenset()) | (_read_words(entry.get("aliases")) or frozenset()),
        retires_at=read_instant(entry.get("deprecation")),
        replacement=_read_word(entry.get("deprecation_replacement_model")),
        transcribes=_read_transcribes(entry.get("capabilities"), modes=_read_words(details.get("modes"))),
        granularities=None if granularities is None else granularities & _GRANULARITIES,
        diarize=_read_flag(details.get("diarization")),
        vocabulary=_read_flag(details.get("context_bias")),
        languages=_read_words(details.get("languages")),
    )


def _read_transcribes(capabilities: object, *, modes: frozenset[str] | None) -> bool | None:
    """Tell from the modes, which also know of models for live audio only, or from the general capability."""
    if modes is not None:
        return "offline" in modes
    return _read_flag(capabilities.get("audio_transcription")) if isinstance(capabilities, dict) else None


def _read_words(value: object) -> frozenset[str] | None:
    return frozenset(filter(None, map(_read_word, value))) if isinstance(value, list) else None


def _read_word(value: object) -> str | None:
    return value if isinstance(value, str) and value and value.isprintable() else None


def _read_flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
