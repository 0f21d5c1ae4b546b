"""Listens to what was sent and writes the transcript the real service would."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from tests.sound.hearing import hear
from tests.sound.speech import RATE, PlacedWord
from tests.standin.speakers import Company

PAUSE_MS = 350
"""A pause this long begins a new segment."""

MOST_WORDS = 12
TOKENS_PER_HALF_MINUTE = 375


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is in a piece of audio."""

    words: tuple[PlacedWord, ...]
    samples: int

    @property
    def audio_s(self) -> float:
        """How long it is."""
        return self.samples / RATE

    @property
    def billed_s(self) -> int:
        """Started seconds, which are what is charged."""
        return ceil(self.audio_s)


class Ears:
    """Decodes and hears audio files, each content once, a few at a time. May be used from any thread.

    Args:
        at_once: how many are decoded at a time.
        memory: a folder where what was heard is kept for the next stand-in, so that in a measurement no
            decoding competes with the program for the processor.
    """

    def __init__(self, *, at_once: int = 2, memory: Path | None = None) -> None:
        self._slots = threading.Semaphore(at_once)
        self._memory = memory
        self._lock = threading.Lock()
        self._known: dict[str, Future[Heard | None]] = {}

    def listen_to(self, content: bytes) -> Heard | None:
        """Hear a clip that was sent within a form, or give None where it cannot be decoded."""
        with tempfile.NamedTemporaryFile(prefix="standin-clip-") as file:
            file.write(content)
            file.flush()
            return self.listen(Path(file.name), hashlib.sha256(content).hexdigest())

    def listen(self, path: Path, sha256: str) -> Heard | None:
        """Hear a file, or give None where it cannot be decoded.

        Raises:
            FileNotFoundError: it was deleted before anyone listened.
        """
        with self._lock:
            mine = sha256 not in self._known
            future = self._known.setdefault(sha256, Future())
        if mine:
            self._fill(future, path, sha256)
        return future.result()

    def _fill(self, future: Future[Heard | None], path: Path, sha256: str) -> None:
        try:
            heard = self._recall(sha256)
            if heard is None:
                with self._slots:
                    heard = _decode(path)
                self._remember(sha256, heard)
            future.set_result(heard)
        except BaseException as error:  # noqa: BLE001  whoever waits must hear of it; the next one tries again
            with self._lock:
                del self._known[sha256]
            future.set_exception(error)

    def _recall(self, sha256: str) -> Heard | None:
        if self._memory is None or not (self._memory / sha256).exists():
            return None
        kept = json.loads((self._memory / sha256).read_text(encoding="utf-8"))
        return Heard(words=tuple(PlacedWord(**word) for word in kept["words"]), samples=kept["samples"])

    def _remember(self, sha256: str, heard: Heard | None) -> None:
        if self._memory is None or heard is None:
            return
        fresh = self._memory / f"{sha256}.new"
        fresh.write_text(json.dumps(asdict(heard)), encoding="utf-8")
        fresh.replace(self._memory / sha256)


def _decode(path: Path) -> Heard | None:
    with path.open("rb") as file:  # held open, so that a deletion now does no harm
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-nostdin",
            "-v",
            "error",
            "-i",
            f"/dev/fd/{file.fileno()}",
        ]
        command += ["-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1"]
        finished = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, pass_fds=[file.fileno()]
        )
    samples = np.frombuffer(finished.stdout, np.dtype("<i2"))
    if finished.returncode != 0 or not len(samples):
        return None
    return Heard(words=hear(samples, RATE), samples=len(samples))


def write_transcript(
    heard: Heard, *, model: str, granularities: Sequence[str], speakers: Company | None, language: str | None
) -> dict[str, object]:
    """Write the answer to a transcription request.

    Args:
        heard: what is in the audio.
        model: the model's name, as it is to be repeated.
        granularities: empty for no times at all.
        speakers: who may be named for the segments; None names nobody.
        language: what the answer says the language is.
    """
    lines = list(_split(heard.words, most_words=1 if "word" in granularities else MOST_WORDS))
    names: Sequence[str | None] = speakers.name(lines) if speakers else [None] * len(lines)
    segments = [_segment(line, speaker=name) for line, name in zip(lines, names, strict=True)]
    spoken = len(heard.words) * 3
    listened = ceil(heard.audio_s / 30) * TOKENS_PER_HALF_MINUTE
    return {
        "model": model,
        "text": "".join(str(segment["text"]) for segment in segments).strip(),
        "language": language,
        "segments": segments if granularities else [],
        "usage": {
            "prompt_tokens": 4,
            "completion_tokens": spoken,
            "total_tokens": 4 + spoken + listened,
            "prompt_audio_seconds": heard.billed_s,
            "prompt_tokens_details": {"audio_tokens": listened, "cached_tokens": 0},
        },
        "finish_reason": None,
    }


def _split(words: Sequence[PlacedWord], *, most_words: int) -> Iterator[list[PlacedWord]]:
    """Cut the words into segments, at pauses, where another one speaks, and where they grow too long."""
    line = list(words[:1])
    for before, word in pairwise(words):
        is_other = word.voice != before.voice
        if is_other or len(line) >= most_words or word.start_ms - before.end_ms >= PAUSE_MS:
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _segment(line: Sequence[PlacedWord], *, speaker: str | None) -> dict[str, object]:
    segment: dict[str, object] = {
        "type": "transcription_segment",
        "text": "".join(f" {word.text}" for word in line),
        "start": line[0].start_ms / 1000,
        "end": line[-1].end_ms / 1000,
        "score": None,
    }
    return segment if speaker is None else segment | {"speaker_id": speaker}
