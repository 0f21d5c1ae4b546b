"""The fields of a transcription request, from what is wished for and what the model takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from voxtrald.config import EngineSettings
from voxtrald.engines.vocabulary import fit_vocabulary, left_out
from voxtrald.engines.voxtral.models import ModelRules

_MOST_TERMS = 100
_MOST_BYTES = 12_288  # of phrases: the window that they share with the audio leaves 14,000 tokens beside 45 minutes
# What cannot stand without another parameter: speakers come with segments only, and their names with speakers.
_NEEDS = {"diarize": "timestamp_granularities", "speaker_references": "diarize"}
VOICES = "speaker_references"
_LEAVES_THE_TEXT = frozenset({"return_language"})


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
        """The form fields; a list is one field per value under the same plain name (as the SDK since 2.0).

        The clips of voices, of which only the digests stand here, are not among them.
        """
        pairs = [("model", self.model)]
        for name, value in self.optional.items():
            if name == VOICES:
                continue
            pairs += [(name, each) for each in ((value,) if isinstance(value, str) else value)]
        return tuple(pairs)

    @property
    def shaping(self) -> Mapping[str, str | tuple[str, ...]]:
        """The optional fields that can change the text, and so belong to the key of an answer."""
        return {name: value for name, value in self.optional.items() if name not in _LEAVES_THE_TEXT}

    def without(self, refused: Collection[str]) -> RequestPlan:
        """Leave out the parameters a server has refused, and those that cannot stand without them; say so."""
        gone = set(refused)
        for name in self.optional:  # what others need stands before them
            if _NEEDS.get(name) in gone:
                gone.add(name)
        left_out = tuple(name for name in self.optional if name in gone)
        kept = {name: value for name, value in self.optional.items() if name not in gone}
        return RequestPlan(model=self.model, optional=kept, dropped=(*self.dropped, *left_out))


def plan_request(
    settings: EngineSettings, rules: ModelRules, *, model: str, voices: Mapping[str, str] | None = None
) -> RequestPlan:
    """Choose the fields that ask for as much of the settings as the model allows; note what is left out.

    `voices` are the digests of the speakers' clips, by the speakers' names.
    """
    diarize = settings.diarize and rules.diarize and "segment" in rules.granularities
    granularity, timestamps_dropped = _plan_timestamps(settings.timestamps, diarize=diarize, rules=rules)
    terms, terms_dropped = _plan_vocabulary(settings.context_bias, rules)
    language = _plan_language(settings.language, rules, timed=granularity is not None)
    knows_voices = bool(voices) and diarize and rules.speaker_references
    wishes: dict[str, str | tuple[str, ...] | None] = {
        "language": language,
        "return_language": "true" if rules.return_language and language is None else None,
        "timestamp_granularities": (granularity,) if granularity else None,
        "diarize": "true" if diarize else None,
        "speaker_references": _plan_voices(voices or {}) if knows_voices else None,
        "context_bias": terms or None,
    }
    dropped = [
        *(["language"] if language != settings.language else []),
        *timestamps_dropped,
        *(["diarize"] if settings.diarize and not diarize else []),
        *(["speaker_references"] if voices and not knows_voices else []),
        *terms_dropped,
    ]
    optional = {name: value for name, value in wishes.items() if value is not None}
    return RequestPlan(model=model, optional=optional, dropped=tuple(dropped))


def _plan_language(wanted: str | None, rules: ModelRules, *, timed: bool) -> str | None:
    """Name the language, unless the model does not take it, or not beside timestamps."""
    is_taken = rules.languages is None or wanted in rules.languages
    return wanted if is_taken and (rules.language_with_timestamps or not timed) else None


def _plan_timestamps(wanted: str, *, diarize: bool, rules: ModelRules) -> tuple[str | None, tuple[str, ...]]:
    """Choose the granularity: speakers come with segments only, and not every model offers words."""
    if wanted == "none":
        return ("segment" if diarize else None), ()
    suitable = rules.granularities - ({"word"} if diarize else set())
    if wanted in suitable:
        return wanted, ()
    given = next(iter(sorted(suitable)), None)
    is_less = given is None or wanted == "word"
    return given, (f"timestamp_granularities={wanted}",) if is_less else ()


def _plan_voices(voices: Mapping[str, str]) -> tuple[str, ...]:
    """Name the clips by their content, so that another clip is another request."""
    return tuple(f"{name}={digest}" for name, digest in sorted(voices.items()))


def _plan_vocabulary(phrases: Sequence[str], rules: ModelRules) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put phrases in the form the model takes; terms have no spaces or commas, and at most 100 count."""
    if rules.vocabulary == "phrases" or not phrases:
        fitting = fit_vocabulary(phrases, most_bytes=_MOST_BYTES)
        return fitting.kept, fitting.dropped
    if rules.vocabulary == "none":
        return (), ("context_bias",)
    terms = tuple(dict.fromkeys(term for phrase in phrases if (term := _term(phrase))))
    return terms[:_MOST_TERMS], left_out(terms, kept=_MOST_TERMS, what="terms")


def _term(phrase: str) -> str:
    return re.sub(r"[,\s]+", "_", phrase.strip(", \t\r\n"))
