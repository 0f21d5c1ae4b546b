"""What the service refuses although the contract's schema allows it. Pure: a form in, a refusal out."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from tests.standin.answers import Answer, error_answer, invalid_model, validation
from tests.standin.models import Model, find_model
from tests.standin.multipart import Form

_MOST_VOICES = 8
_ACCEPTED = (b"ID3", b"fLaC", b"OggS", b"\x1aE\xdf\xa3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that says no, and whether a well-behaved client would have known."""

    answer: Answer
    violation: str | None = None


def judge(form: Form) -> Refusal | Model:
    """Find the model a transcription request means, or the reason to refuse it.

    Sources: docs.mistral.ai (diarize needs segment timestamps; Voxtral 3 has no word timestamps; Voxtral 2
    takes 100 single words to expect), captured answers on github.com for the shapes.
    """
    name = form.get("model") or ""
    model = find_model(name)
    if model is None:
        return Refusal(answer=invalid_model(name))
    problems = (
        _diarize_problem(form),
        _granularity_problem(form, model),
        _bias_problem(form, model),
        _language_problem(form, model),
        _voices_problem(form, model),
    )
    return next((problem for problem in problems if problem is not None), model)


def _language_problem(form: Form, model: Model) -> Refusal | None:
    if form.get("return_language") != "true":
        return None
    if not model.is_third:
        return _refusal(f"return_language is not supported by {model.name}")
    return _refusal("return_language cannot be combined with language") if form.get("language") else None


def _voices_problem(form: Form, model: Model) -> Refusal | None:
    sent = form.get("speaker_references")
    if sent is None:
        return None
    clips = read_voices(form)
    if not model.is_third:
        return _refusal(f"speaker_references are not supported by {model.name}")
    if form.get("diarize") != "true":
        return _refusal("speaker_references need diarize to be true")
    if len(clips) > _MOST_VOICES:
        return _refusal(f"At most {_MOST_VOICES} speaker references are supported, got {len(clips)}")
    if not all(is_accepted(clip) for clip in clips.values()):
        return _refusal("speaker_references: a clip could not be decoded")
    return None


def read_voices(form: Form) -> dict[str, bytes]:
    """Read the clips of speakers' voices, by the speakers' names."""
    clips: dict[str, str] = json.loads(form.get("speaker_references") or "{}")
    return {name: base64.b64decode(clip) for name, clip in clips.items()}


def _refusal(message: str) -> Refusal:
    return Refusal(answer=error_answer(400, message), violation=message)


def _diarize_problem(form: Form) -> Refusal | None:
    granularities = list(form.values("timestamp_granularities"))
    if form.get("diarize") != "true" or granularities == ["segment"]:
        return None
    message = (
        "Assertion failed, When diarize is set to True and streaming is disabled, "
        f"the timestamp granularity must be set to ['segment'], got {granularities}"
    )
    return Refusal(answer=error_answer(422, validation(message, kind="assertion_error")), violation=message)


def _granularity_problem(form: Form, model: Model) -> Refusal | None:
    for granularity in form.values("timestamp_granularities"):
        if granularity not in model.granularities:
            return _refusal(f"timestamp_granularities: {granularity} is not supported by {model.name}")
    return None


def _bias_problem(form: Form, model: Model) -> Refusal | None:
    terms = form.values("context_bias")
    if model.most_terms is None:
        return None
    wrong = [term for term in terms if not re.fullmatch(r"[^,\s]+", term)]
    if len(terms) <= model.most_terms and not wrong:
        return None
    message = f"context_bias: at most {model.most_terms} single words are supported"
    body = validation(message, loc=("body", "context_bias"))
    return Refusal(answer=error_answer(422, body), violation=message)


def is_accepted(head: bytes) -> bool:
    """Say by its first bytes whether a file is of a kind the service takes: mp3, wav, flac, ogg, webm.

    MP4 and its kin are not listed by docs.mistral.ai (known limitations) and were answered with 422.
    """
    return (
        head.startswith(_ACCEPTED)
        or (head[:4] == b"RIFF" and head[8:12] == b"WAVE")
        or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0)
    )
