"""The fields of a transcription request, as a server takes them, and what has to be left out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from voxtrald.config import EngineSettings
from voxtrald.engines.compatible.profiles import Profile
from voxtrald.engines.vocabulary import BETWEEN, WHISPER_BYTES, fit_vocabulary

_NEEDS: Mapping[str, str] = {"timestamp_granularities": "response_format"}  # times come in the detailed format only
_OWN_NAMES: Mapping[str, str] = {"prompt": "context_bias", "hotwords": "context_bias"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """The fields of a request beside the audio.

    Attributes:
        model: None where the server does not want to be told.
        optional: name to value or values, in the order in which they are sent.
        fixed: fields that cannot be left out.
        is_bracketed: whether a list's fields are called `name[]`.
        dropped: what was asked for and is left out, by the names of the settings where they have one.
    """

    model: str | None
    optional: Mapping[str, str | tuple[str, ...]]
    fixed: Mapping[str, str]
    is_bracketed: bool
    dropped: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The form fields; a list is one field per value."""
        pairs = [("model", self.model)] if self.model is not None else []
        for name, value in {**self.fixed, **self.optional}.items():
            if isinstance(value, str):
                pairs.append((name, value))
            else:
                pairs += [(f"{name}[]" if self.is_bracketed else name, each) for each in value]
        return tuple(pairs)

    def without(self, refused: Collection[str]) -> RequestPlan:
        """Leave out the parameters a server has refused, and those that cannot stand without them; say so."""
        left_out = [name for name in self.optional if name in refused or _NEEDS.get(name) in refused]
        kept = {name: value for name, value in self.optional.items() if name not in left_out}
        told = [_OWN_NAMES.get(name, name) for name in left_out]
        return replace(self, optional=kept, dropped=tuple(dict.fromkeys([*self.dropped, *told])))


def plan_request(settings: EngineSettings, profile: Profile, *, model: str | None) -> RequestPlan:
    """Choose the fields that ask for as much of the settings as the server takes; note what is left out."""
    times, times_dropped = _plan_times(settings.timestamps, profile)
    speakers = profile.speakers if settings.diarize and profile.speakers is not None else {}
    optional: dict[str, str | tuple[str, ...]] = {**times, **speakers}
    fixed = {name: value for name, value in profile.always.items() if name not in speakers}
    if settings.language:
        optional["language"] = settings.language
    elif profile.undetermined:
        fixed["language"] = profile.undetermined
    vocabulary = fit_vocabulary(settings.context_bias if profile.vocabulary else (), most_bytes=WHISPER_BYTES)
    if vocabulary.kept and profile.vocabulary:
        optional[profile.vocabulary] = BETWEEN.join(vocabulary.kept)
    return RequestPlan(
        model=model if profile.names_model else None,
        optional=optional,
        fixed=fixed,
        is_bracketed=profile.is_bracketed,
        dropped=(*times_dropped, *_not_taken(settings, profile), *vocabulary.dropped),
    )


def _plan_times(wanted: str, profile: Profile) -> tuple[Mapping[str, str | tuple[str, ...]], tuple[str, ...]]:
    """Choose format and granularity. Words are asked for beside segments, as not every server gives them."""
    if wanted == "none":
        return {}, ()
    if profile.detailed is None:
        return {}, ("timestamp_granularities",)
    dropped = ("timestamp_granularities=word",) if wanted == "word" and "word" not in profile.granularities else ()
    if not profile.granularities:
        return {"response_format": profile.detailed}, dropped
    granularities = ("segment", "word") if wanted == "word" and not dropped else ("segment",)
    return {"response_format": profile.detailed, "timestamp_granularities": granularities}, dropped


def _not_taken(settings: EngineSettings, profile: Profile) -> Iterator[str]:
    if settings.diarize and profile.speakers is None:
        yield "diarize"
    if settings.context_bias and profile.vocabulary is None:
        yield "context_bias"
    if settings.speaker_references:
        yield "speaker_references"
