"""What each Voxtral model takes, gives and costs, and the request fields that follow from it. Pure.

Sources, read in November 2026: docs.mistral.ai (known limitations; Voxtral 3 specs and limits; migration from
Voxtral 2), mistralai/platform-docs-public (model pages of 2026-08), litellm's price table, the AI SDK.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from voxtrald.config.sections import EngineSettings
from voxtrald.engines.base import Capabilities

_MINUTE_MS = 60_000
_MOST_TERMS = 100
_NEEDS = {"diarize": "timestamp_granularities"}  # speakers come with segments only
# The formats of the known limitations, without WebM, which is reported to be refused with opus inside.
_FORMATS = frozenset({"mp3", "wav", "flac", "ogg"})
_MAX_BYTES = 500_000_000  # "500 MB" for audio; uploads as such may have 512


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
        retired_on: the day it was taken away, or None.
    """

    names: frozenset[str]
    max_chunk_minutes: int
    price: Price | None
    granularities: frozenset[str]
    diarize: bool
    vocabulary: Literal["phrases", "terms", "none"]
    language_with_timestamps: bool
    retired_on: date | None = None


_MINI_3 = ModelRules(
    names=frozenset({"voxtral-mini-transcribe-3-0", "voxtral-mini-transcribe-3", "voxtral-mini-transcribe-latest"}),
    max_chunk_minutes=45,  # the window of 65,536 tokens holds about 58 to 87; beyond it a request is refused
    price=Price(per_minute=0.0035, source="litellm price table", read_on=date(2026, 11, 23)),
    granularities=frozenset({"segment"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
)
_SMALL_3 = ModelRules(
    names=frozenset({"voxtral-small-transcribe-3-0", "voxtral-small-transcribe-3", "voxtral-small-transcribe-latest"}),
    max_chunk_minutes=45,
    price=Price(per_minute=0.004, source="litellm price table", read_on=date(2026, 11, 23)),
    granularities=frozenset({"segment"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
)
_MINI_2602 = ModelRules(
    names=frozenset({"voxtral-mini-2602", "voxtral-mini-latest"}),
    max_chunk_minutes=45,  # known limitations: 60 minutes; another page: 3 hours
    price=Price(per_minute=0.003, source="platform-docs-public model page", read_on=date(2026, 8, 3)),
    granularities=frozenset({"segment", "word"}),
    diarize=True,
    vocabulary="terms",
    language_with_timestamps=False,
)
_MINI_2507 = ModelRules(
    names=frozenset({"voxtral-mini-2507"}),
    max_chunk_minutes=15,
    price=Price(per_minute=0.002, source="platform-docs-public model page", read_on=date(2026, 8, 3)),
    granularities=frozenset({"segment"}),
    diarize=False,
    vocabulary="none",
    language_with_timestamps=False,
    retired_on=date(2026, 5, 31),
)
_UNKNOWN = ModelRules(
    names=frozenset(),
    max_chunk_minutes=15,
    price=None,
    granularities=frozenset({"segment", "word"}),
    diarize=True,
    vocabulary="phrases",
    language_with_timestamps=True,
)
MODELS = (_MINI_3, _SMALL_3, _MINI_2602, _MINI_2507)


def rules_for(model: str) -> ModelRules:
    """Find the rules of a model; one we do not know gets a short limit and is asked for everything."""
    return next((rules for rules in MODELS if model in rules.names), _UNKNOWN)


def capabilities_of(rules: ModelRules) -> Capabilities:
    """Say in the engines' common terms what a model can take."""
    return Capabilities(
        formats=_FORMATS,
        max_chunk_ms=rules.max_chunk_minutes * _MINUTE_MS,
        max_bytes=_MAX_BYTES,
        timestamps=rules.granularities,
        diarize=rules.diarize,
        vocabulary=rules.vocabulary != "none",
        price_per_minute=rules.price.per_minute if rules.price else None,
    )


# --- the request -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """The fields of a transcription request beside the audio.

    Attributes:
        model: the model's id.
        optional: name to value or values, in the order in which they are sent.
        dropped: what was asked for and is left out, in a form for people and programs.
    """

    model: str
    optional: Mapping[str, str | tuple[str, ...]]
    dropped: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The form fields; a list is one field per value under the same plain name (as the SDK since 2.0)."""
        pairs = [("model", self.model)]
        for name, value in self.optional.items():
            pairs += [(name, each) for each in ((value,) if isinstance(value, str) else value)]
        return tuple(pairs)

    def without(self, refused: Collection[str]) -> RequestPlan:
        """Leave out the parameters a server has refused, and those that cannot stand without them; say so."""
        left_out = tuple(name for name in self.optional if name in refused or _NEEDS.get(name) in refused)
        kept = {name: value for name, value in self.optional.items() if name not in left_out}
        return RequestPlan(model=self.model, optional=kept, dropped=(*self.dropped, *left_out))


def plan_request(settings: EngineSettings, rules: ModelRules) -> RequestPlan:
    """Choose the fields that ask for as much of the settings as the model allows; note what is left out."""
    diarize = settings.diarize and rules.diarize
    granularity, timestamps_dropped = _plan_timestamps(settings.timestamps, diarize=diarize, rules=rules)
    terms, terms_dropped = _plan_vocabulary(settings.context_bias, rules)
    clash = bool(settings.language and granularity) and not rules.language_with_timestamps
    optional: dict[str, str | tuple[str, ...]] = {}
    if settings.language and not clash:
        optional["language"] = settings.language
    if granularity:
        optional["timestamp_granularities"] = (granularity,)
    if diarize:
        optional["diarize"] = "true"
    if terms:
        optional["context_bias"] = terms
    dropped = [
        *(["language"] if clash else []),
        *timestamps_dropped,
        *(["diarize"] if settings.diarize and not diarize else []),
        *terms_dropped,
    ]
    return RequestPlan(model=settings.model, optional=optional, dropped=tuple(dropped))


def _plan_timestamps(wanted: str, *, diarize: bool, rules: ModelRules) -> tuple[str | None, tuple[str, ...]]:
    """Choose the granularity: speakers come with segments only, and not every model offers words."""
    if wanted == "none":
        return ("segment" if diarize else None), ()
    if wanted == "word" and (diarize or "word" not in rules.granularities):
        return "segment", ("timestamp_granularities=word",)
    return wanted, ()


def _plan_vocabulary(phrases: Sequence[str], rules: ModelRules) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put phrases in the form the model takes; terms have no spaces or commas, and at most 100 count."""
    if rules.vocabulary == "phrases" or not phrases:
        return tuple(phrases), ()
    if rules.vocabulary == "none":
        return (), ("context_bias",)
    terms = tuple(dict.fromkeys(term for phrase in phrases if (term := _term(phrase))))
    beyond = len(terms) - _MOST_TERMS
    return terms[:_MOST_TERMS], (f"context_bias: {beyond} of {len(terms)} terms",) if beyond > 0 else ()


def _term(phrase: str) -> str:
    return re.sub(r"[,\s]+", "_", phrase.strip(", \t\r\n"))
