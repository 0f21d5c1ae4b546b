"""Paid answers, plans and maps of speech, kept by the content of the recording, so that nothing is paid twice.

Layout: `root/ab/<sha256 of the recording>/answer-<start>-<end>-<digest>.json`, `plan-<digest>.json` and
`speech-<digest>.json`. The files hold spoken text, so only their owner may read them. They are plain JSON with the
parameters of the request beside the answer: what was paid for can be read without this program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from voxtrald.steps import Step, announce
from voxtrald.storage import storage_errors, storage_trouble
from voxtrald.store.durable import (
    PRIVATE_FILE_MODE,
    PRIVATE_FOLDER_MODE,
    make_folder,
    put_whole,
    room_for,
    write_whole,
)
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.model import Answer, Damage, Span

_FORMAT = 1
_SPEECH_FORMAT = 1  # also of what finds speech: a map of another making is made anew
_ROOM_BYTES = 16 << 20

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultKey:
    """What an answer depends on: the content, the span, and every parameter that can change the text."""

    audio_sha256: str
    span: Span
    parameters: Mapping[str, object]

    @property
    def digest(self) -> str:
        """The key as 64 hexadecimal digits: the SHA-256 of its canonical JSON."""
        return _digest(
            {
                "audio_sha256": self.audio_sha256,
                "start_ms": self.span.start_ms,
                "end_ms": self.span.end_ms,
                "parameters": dict(self.parameters),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer and how its chunk was made.

    Attributes:
        answer: what the engine said.
        offset_ms: the recording time of the first sample a decoder gets from the chunk.
        duration_ms: how long the chunk was.
        how: whole, copied or encoded.
        damage: what was wrong with the sound it is about.
    """

    answer: Answer
    offset_ms: int
    duration_ms: int
    how: str
    damage: tuple[Damage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """Where a recording was cut, and its exact duration; `skipped` are silences that are in no span."""

    spans: tuple[Span, ...]
    duration_ms: int
    skipped: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnswerFile:
    format: int
    key: str
    audio_sha256: str
    span: Span
    parameters: dict[str, object]
    kept: KeptAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanFile:
    format: int
    key: str
    audio_sha256: str
    limits: dict[str, int]
    plan: KeptPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class _SpeechFile:
    """A map of speech; spans are pairs, of which an hour has a thousand."""

    format: int
    key: str
    audio_sha256: str
    choice: dict[str, int]
    duration_ms: int
    maybe: tuple[tuple[int, int], ...]
    surely: tuple[tuple[int, int], ...]


File = TypeVar("File", _AnswerFile, _PlanFile, _SpeechFile)
_ANSWER_FILE = TypeAdapter(_AnswerFile)
_PLAN_FILE = TypeAdapter(_PlanFile)
_SPEECH_FILE = TypeAdapter(_SpeechFile)


class Results:
    """The store of paid answers below `root`. Threads and processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: ResultKey) -> KeptAnswer | None:
        """Find the answer that was paid for under `key`.

        A damaged file is moved aside and counts as not found.

        Raises:
            StorageUnavailable: the store cannot be read; asking the engine now could mean paying twice.
        """
        path = self._answer_path(key)
        file = _read(path, _ANSWER_FILE, key=key.digest)
        return file.kept if file else None

    def keep(self, key: ResultKey, kept: KeptAnswer) -> None:
        """Keep a paid answer; it is durable when this returns.

        Raises:
            StorageUnavailable: it could not be written.
        """
        file = _AnswerFile(
            format=_FORMAT,
            key=key.digest,
            audio_sha256=key.audio_sha256,
            span=key.span,
            parameters=dict(key.parameters),
            kept=kept,
        )
        self._write(self._answer_path(key), file, written=Step.ANSWER_WRITTEN)
        announce(Step.ANSWER_KEPT)

    def find_plan(self, audio_sha256: str, limits: Mapping[str, int]) -> KeptPlan | None:
        """Find where this recording was cut under these limits, so that answers kept for its spans fit again.

        Raises:
            StorageUnavailable: the store cannot be read.
        """
        digest = _digest(dict(limits))
        file = _read(self._plan_path(audio_sha256, digest), _PLAN_FILE, key=digest)
        return file.plan if file else None

    def keep_plan(self, audio_sha256: str, limits: Mapping[str, int], plan: KeptPlan) -> None:
        """Keep where this recording is cut under these limits; it is durable when this returns.

        Raises:
            StorageUnavailable: it could not be written.
        """
        digest = _digest(dict(limits))
        file = _PlanFile(format=_FORMAT, key=digest, audio_sha256=audio_sha256, limits=dict(limits), plan=plan)
        self._write(self._plan_path(audio_sha256, digest), file, written=None)
        announce(Step.PLAN_KEPT)

    def find_speech(self, audio_sha256: str, choice: Mapping[str, int]) -> SpeechMap | None:
        """Find where there is speech in this recording; `choice` tells which of its tracks was heard.

        Raises:
            StorageUnavailable: the store cannot be read.
        """
        digest = _digest(dict(choice))
        file = _read(self._speech_path(audio_sha256, digest), _SPEECH_FILE, key=digest, format_number=_SPEECH_FORMAT)
        return (
            SpeechMap(duration_ms=file.duration_ms, maybe=_spans(file.maybe), surely=_spans(file.surely))
            if file
            else None
        )

    def keep_speech(
        self, audio_sha256: str, choice: Mapping[str, int], speech: SpeechMap, *, durable: bool = False
    ) -> None:
        """Keep where there is speech in this recording, so that it is listened to once.

        What is not `durable` survives a crash of the program, and most power cuts.

        Raises:
            StorageUnavailable: it could not be written.
        """
        digest = _digest(dict(choice))
        file = _SpeechFile(
            format=_SPEECH_FORMAT,
            key=digest,
            audio_sha256=audio_sha256,
            choice=dict(choice),
            duration_ms=speech.duration_ms,
            maybe=_pairs(speech.maybe),
            surely=_pairs(speech.surely),
        )
        path, text = self._speech_path(audio_sha256, digest), json.dumps(asdict(file), separators=(",", ":"))
        make_folder(path.parent, mode=PRIVATE_FOLDER_MODE)
        (write_whole if durable else put_whole)(path, text.encode("ascii"), mode=PRIVATE_FILE_MODE)

    def check_room(self) -> None:
        """Check that an answer could be kept, before anything is sent that would have to be paid.

        Raises:
            StorageUnavailable: less than 16 MiB are free, or the store cannot be reached.
        """
        make_folder(self._root, mode=PRIVATE_FOLDER_MODE)
        room_for(self._root, _ROOM_BYTES)

    def _folder(self, audio_sha256: str) -> Path:
        return self._root / audio_sha256[:2] / audio_sha256

    def _answer_path(self, key: ResultKey) -> Path:
        name = f"answer-{key.span.start_ms}-{key.span.end_ms}-{key.digest[:16]}.json"
        return self._folder(key.audio_sha256) / name

    def _plan_path(self, audio_sha256: str, digest: str) -> Path:
        return self._folder(audio_sha256) / f"plan-{digest[:8]}.json"

    def _speech_path(self, audio_sha256: str, digest: str) -> Path:
        return self._folder(audio_sha256) / f"speech-{digest[:8]}.json"

    def _write(self, path: Path, file: _AnswerFile | _PlanFile, *, written: Step | None) -> None:
        text = json.dumps(asdict(file), ensure_ascii=False, indent=2, allow_nan=False)
        make_folder(path.parent, mode=PRIVATE_FOLDER_MODE)
        # A half surrogate, which JSON can carry and UTF-8 cannot, must not cost a paid answer.
        write_whole(path, text.encode("utf-8", errors="replace"), mode=PRIVATE_FILE_MODE, written=written)


def _digest(value: Mapping[str, object]) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _spans(pairs: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    return tuple(Span(start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms in pairs)


def _pairs(spans: Iterable[Span]) -> tuple[tuple[int, int], ...]:
    return tuple((span.start_ms, span.end_ms) for span in spans)


def _read(path: Path, adapter: TypeAdapter[File], *, key: str, format_number: int = _FORMAT) -> File | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_trouble(error, path=path) from error
    try:
        file = adapter.validate_json(content, strict=True)
    except ValidationError:
        _set_aside(path)
        return None
    # The name holds a part of the key only; what it promises is checked against the whole.
    return file if (file.format, file.key) == (format_number, key) else None


def _set_aside(path: Path) -> None:
    with storage_errors(path):
        path.replace(path.with_name(f"{path.name}.damaged"))
    _log.warning("result_damaged", path=str(path))
