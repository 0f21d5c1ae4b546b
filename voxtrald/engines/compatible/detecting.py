"""Which program answers at an address, told from a few cheap replies. Pure.

Each reply is that of a GET request. The list of models nearly always suffices; what is asked after it is small and
asked once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from voxtrald.engines.http.replies import Reply, parse_json, repair_text

MODELS_PATH = "/v1/models"
PROBES = (MODELS_PATH, "/openapi.json", "/")
_OWNERS: Mapping[str, str] = {"vllm": "vllm", "sglang": "sglang"}
_TITLES: Mapping[str, str] = {
    "speaches": "speaches",
    "openai-compatible asr server": "open_asr_server",
    "vllm": "vllm",
    "sglang": "sglang",
}
_PAGES: Mapping[bytes, str] = {b"LocalAI": "localai", b"Whisper.cpp Server": "whisper_cpp"}
_OPENAI_HOST = re.compile(r"(.+\.)?openai\.com")
_HEARING = re.compile(
    r"whisper|voxtral|transcri|parakeet|canary|speech[-_]?(to|2)[-_]?text|\b(asr|stt)\b", re.IGNORECASE
)
_BUSY, _SERVER_ERROR = 429, 500
_MOST_NAMES = 8
_HEARING_TASK = "automatic-speech-recognition"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedModel:
    """A model that a server lists, and whether it looks like one that transcribes."""

    id: str
    hears: bool


def recognise(replies: Mapping[str, Reply], *, host: str) -> str | None:
    """Name the server, as `engine.server` does, from what it answered so far, by path; None where nothing tells."""
    if _OPENAI_HOST.fullmatch(host):
        return "openai"
    if any(reply.headers.get("server", "").lower().startswith("whisper.cpp") for reply in replies.values()):
        return "whisper_cpp"
    listed = replies.get(MODELS_PATH)
    owners = {str(card.get("owned_by", "")).lower() for card in _cards(listed)} if listed else set()
    by_owner = next((name for owner, name in _OWNERS.items() if owner in owners), None)
    return by_owner or _by_title(replies.get("/openapi.json")) or _by_page(replies.get("/"))


def _by_title(reply: Reply | None) -> str | None:
    document = parse_json(reply.body) if reply and reply.succeeded else None
    about = document.get("info") if isinstance(document, dict) else None
    title = about.get("title") if isinstance(about, dict) else None
    return _TITLES.get(title.strip().lower()) if isinstance(title, str) else None


def _by_page(reply: Reply | None) -> str | None:
    if reply is None:
        return None
    return next((name for mark, name in _PAGES.items() if mark in reply.body), None)


def is_passing(reply: Reply) -> bool:
    """Tell whether the same question may be answered otherwise in a while."""
    return reply.status == _BUSY or reply.status >= _SERVER_ERROR


# --- the models it offers --------------------------------------------------------------------------------


def read_offer(reply: Reply) -> tuple[OfferedModel, ...] | None:
    """Read the models a server lists; None where it has no such list."""
    body = parse_json(reply.body) if reply.succeeded else None
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return None
    named = ((card, card.get("id")) for card in _cards(reply))
    return tuple(
        OfferedModel(id=repair_text(name), hears=_hears(card, name)) for card, name in named if isinstance(name, str)
    )


def choose_model(offer: Sequence[OfferedModel]) -> str | None:
    """Choose the model where there is no choice: the only one, or the only one that looks as if it transcribes."""
    plain = [model for model in offer if "*" not in model.id]  # patterns stand for many
    hearing = [model for model in plain if model.hears]
    candidates = hearing or plain
    return candidates[0].id if len(candidates) == 1 else None


def name_models(offer: Sequence[OfferedModel]) -> str:
    """Name what is offered, in a few words."""
    names = ", ".join(model.id for model in offer[:_MOST_NAMES])
    return f"{names} and {len(offer) - _MOST_NAMES} more" if len(offer) > _MOST_NAMES else names


def _hears(card: Mapping[str, object], name: str) -> bool:
    task = card.get("task")
    return task == _HEARING_TASK if isinstance(task, str) else _HEARING.search(name) is not None


def _cards(reply: Reply) -> Iterator[Mapping[str, object]]:
    body = parse_json(reply.body)
    entries = body.get("data") if isinstance(body, dict) else None
    yield from (entry for entry in (entries if isinstance(entries, list) else []) if isinstance(entry, dict))
