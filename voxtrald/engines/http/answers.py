"""From a successful HTTP answer to the value that was asked for, or `ApiGarbled`. Pure.

Shapes: the OpenAPI document of mistralai/platform-docs-public and the mistralai Python SDK 3.x (where `start`
and `end` of a segment may be null); `usage.seconds` and a `duration` come from OpenAI-compatible servers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from voxtrald.engines.http.replies import Errand, Reply, garbled, read_object, repair_text
from voxtrald.transcript.model import Answer, AnswerSegment

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FILE_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")  # it becomes part of an address
_LONGEST_S = 1e7  # a hundred days
_LONGEST_ADDRESS = 2083  # longer values of file_url are refused


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file on the far side; `name` is empty where the service does not tell it."""

    id: str
    name: str = ""


def read_answer(reply: Reply) -> Answer:
    """Read a transcription. An empty text is an answer: it was silent.

    Segments of a shape we do not know are left out, because the text beside them has been paid for.

    Raises:
        ApiGarbled: where there is no text.
    """
    return read_transcription(read_object(reply, Errand.TRANSCRIBE), reply)


def read_transcription(body: Mapping[str, object], reply: Reply) -> Answer:
    """Read a transcription from a reply whose body is already taken apart; see `read_answer`.

    Raises:
        ApiGarbled: where there is no text.
    """
    text = body.get("text")
    if not isinstance(text, str):
        raise garbled(reply, Errand.TRANSCRIBE, "has no text")
    return Answer(
        text=repair_text(text),
        language=_read_language(body.get("language")),
        segments=_read_segments(body.get("segments")),
        billed_s=_read_billed_s(body),
        model=_read_text(body.get("model")) or "",
        request_id=reply.request_id,
    )


def read_stored_file(reply: Reply) -> StoredFile:
    """Read the answer to an upload.

    Raises:
        ApiGarbled: where it names no file.
    """
    stored = _read_file(read_object(reply, Errand.UPLOAD))
    if stored is None:
        raise garbled(reply, Errand.UPLOAD, "has no usable id")
    return stored


def read_signed_address(reply: Reply) -> str:
    """Read the address under which an upload can be fetched for a while.

    Raises:
        ApiGarbled: where there is none, or none that the transcription request accepts.
    """
    address = read_object(reply, Errand.SIGN).get("url")
    if not isinstance(address, str) or not is_fetchable(address):
        raise garbled(reply, Errand.SIGN, "has no address that can be fetched")
    return address


def is_fetchable(address: str) -> bool:
    """Tell whether the transcription request accepts an address."""
    return len(address) <= _LONGEST_ADDRESS and re.fullmatch(r"https?://\S+", address) is not None


def is_deletion_confirmed(reply: Reply) -> bool:
    """Tell whether the service says that the file is gone; that it never knew it (404) is as good."""
    if reply.status in {204, 404}:
        return True
    return reply.succeeded and read_object(reply, Errand.DELETE).get("deleted") is True


def read_files(reply: Reply) -> tuple[StoredFile, ...]:
    """Read one page of the list of files.

    Raises:
        ApiGarbled: where there is no list.
    """
    stored = (_read_file(entry) for entry in read_list(reply, Errand.LIST))
    return tuple(entry for entry in stored if entry is not None)


def read_list(reply: Reply, errand: Errand) -> list[Mapping[str, object]]:
    """Read the entries of a list of anything, as the service gives them.

    Raises:
        ApiGarbled: where there is no list.
    """
    entries = read_object(reply, errand).get("data")
    if not isinstance(entries, list):
        raise garbled(reply, errand, "has no list")
    return [entry for entry in entries if isinstance(entry, dict)]


# --- parts of a transcription ----------------------------------------------------------------------------


def _read_segments(value: object) -> tuple[AnswerSegment, ...]:
    entries = value if isinstance(value, list) else []
    segments = tuple(_read_segment(entry) for entry in entries)
    return tuple(segment for segment in segments if segment is not None) if None not in segments else ()


def _read_segment(value: object) -> AnswerSegment | None:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return None
    return AnswerSegment(
        text=repair_text(value["text"]),
        start_ms=_read_ms(value.get("start")),
        end_ms=_read_ms(value.get("end")),
        speaker=_read_text(value.get("speaker_id")) or _read_text(value.get("speaker")),
    )


def _read_language(value: object) -> str | None:
    text = value.lower() if isinstance(value, str) else ""
    return text if _LANGUAGE.fullmatch(text) else None


def _read_billed_s(body: Mapping[str, object]) -> float | None:
    usage = body.get("usage")
    told = usage if isinstance(usage, dict) else {}
    candidates = (told.get("prompt_audio_seconds"), told.get("seconds"), body.get("duration"))
    return next((seconds for value in candidates if (seconds := _read_seconds(value)) is not None), None)


def _read_seconds(value: object) -> float | None:
    """Read a number of seconds, also one in words; None for anything that cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LONGEST_S else None  # false for "not a number", too


def _read_ms(value: object) -> int | None:
    seconds = _read_seconds(value)
    return None if seconds is None else round(seconds * 1000)


# --- parts of a list -------------------------------------------------------------------------------------


def _read_file(entry: Mapping[str, object]) -> StoredFile | None:
    identifier = _read_text(entry.get("id"))
    if identifier is None or not _FILE_ID.fullmatch(identifier) or not identifier.strip("."):
        return None
    return StoredFile(id=identifier, name=_read_text(entry.get("filename")) or "")


def _read_text(value: object) -> str | None:
    return repair_text(value) if isinstance(value, str) and value else None
