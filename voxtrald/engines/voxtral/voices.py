"""Clips of speakers' voices, by which the service knows the speakers by name."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxtrald.errors import ConfigError, Problem
from voxtrald.storage import storage_errors

_KEY = "engine.speaker_references"
_MOST_BYTES = 10_000_000  # fifteen seconds have under three million in the fattest usual format
# How mp3, wav, flac and ogg begin. Of another clip the service would say that the audio cannot be decoded, and
# that looks like every recording's fault.
_BEGINNINGS = re.compile(rb"ID3|\xff[\xe0-\xff]|RIFF|fLaC|OggS")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A clip's digest, and by what a change of the file is noticed."""

    size_bytes: int
    changed_ns: int
    digest: str


class Voices:
    """Clips by the speakers' names. Threads may share it; files are read when they are needed, and not kept.

    Raises:
        ConfigError: a clip is missing, cannot be read, or is no audio the service takes.
    """

    def __init__(self, clips: Mapping[str, Path]) -> None:
        self._clips = dict(clips)
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()
        problems = [problem for name, path in self._clips.items() if (problem := self._problem(name, path))]
        if problems:
            raise ConfigError(tuple(problems))

    def __len__(self) -> int:
        """Count the speakers."""
        return len(self._clips)

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each clip's content (hex), by the speaker's name; read anew where the file has changed."""
        with self._lock:
            for name, path in self._clips.items():
                try:
                    self._look(name, path)
                except OSError:
                    continue  # what is known stands; the request will say that the clip is gone
            return {name: seen.digest for name, seen in self._seen.items()}

    def as_json(self) -> str:
        """Write the clips as the service wants them: an object of names and base64 texts.

        Raises:
            StorageUnavailable: a clip cannot be read now. Work waits until it is there again.
        """
        return json.dumps({name: base64.b64encode(_read(path)).decode() for name, path in self._clips.items()})

    def joined_by(self, clips: Mapping[str, Path]) -> Voices:
        """Give these voices and others, whose clips need not be looked at first: they were made here."""
        together = Voices({})
        together._clips = {**self._clips, **clips}
        with self._lock:
            together._seen = dict(self._seen)
        return together

    def _look(self, name: str, path: Path) -> None:
        status = path.stat()
        seen = self._seen.get(name)
        if seen is None or (seen.size_bytes, seen.changed_ns) != (status.st_size, status.st_mtime_ns):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            self._seen[name] = _Seen(size_bytes=status.st_size, changed_ns=status.st_mtime_ns, digest=digest)

    def _problem(self, name: str, path: Path) -> Problem | None:
        """Look at a clip for the first time."""
        try:
            is_clip = path.is_file() and path.stat().st_size <= _MOST_BYTES and _is_audio(path)
            if is_clip:
                self._look(name, path)
        except OSError as error:
            return Problem(key=f"{_KEY}.{name}", what=f"{path} cannot be read: {error.strerror}")
        hint = "give 3 to 15 seconds of the voice as mp3, wav, flac or ogg"
        return None if is_clip else Problem(key=f"{_KEY}.{name}", what=f"{path} is no clip of a voice", hint=hint)


def _is_audio(path: Path) -> bool:
    with path.open("rb") as file:
        return _BEGINNINGS.match(file.read(4)) is not None


def _read(path: Path) -> bytes:
    with storage_errors(path):
        return path.read_bytes()
