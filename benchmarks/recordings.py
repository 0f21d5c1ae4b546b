"""The recordings that are measured with: tone-coded speech, so that every word can be accounted for."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.sound import hearing, speech, vocabulary
from tests.sound.formats import convert
from tests.sound.hearing import BROKEN
from tests.sound.speech import PlacedWord, compose, speak, write_wav

LONG_MINUTES: Final = 101
SHORT_S: Final = 10
DIFFERENT_MEMOS: Final = 1000

_SEED: Final = 1
_STEREO: Final = ("-ar", "44100", "-ac", "2")
_STEREO_128K: Final = (*_STEREO, "-b:a", "128k")
_CODECS: Final = {"mp3": ("-c:a", "libmp3lame"), "m4a": ("-c:a", "aac", "-aac_coder", "fast")}
_PICTURE: Final = ("-f", "lavfi", "-i", "color=c=black:s=320x180:r=5")
_LONG: Final = {
    "mp3": (*_STEREO_128K, *_CODECS["mp3"]),
    "m4a": (*_STEREO_128K, *_CODECS["m4a"]),
    "mp4": (*_STEREO_128K, *_CODECS["m4a"], "-c:v", "mpeg4", "-shortest"),
    "wav": (*_STEREO, "-c:a", "pcm_s16le"),
    "flac": (*_STEREO, "-c:a", "flac"),
    "opus": ("-ac", "2", "-c:a", "libopus", "-b:a", "48k", "-application", "lowdelay", "-compression_level", "0"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A recording and what is said in it."""

    path: Path
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What became of the words.

    Attributes:
        lost: said, but not in the text.
        doubled: more often in the text than said.
        cut: broken pieces in the text.
        exact: the text has every word once, in order, and nothing else.
    """

    lost: int
    doubled: int
    cut: int
    exact: bool


def long_sample(folder: Path, extension: str, *, minutes: int = LONG_MINUTES) -> Sample:
    """Make a long stereo recording, at 44.1 kHz and 128 kbit/s where it has a bit rate, once for each cache folder."""
    duration_ms = minutes * 60_000
    words = compose(duration_ms, seed=_SEED)
    path = folder / f"talk-{minutes}min-{language()}.{extension}"
    if not path.exists():
        inputs = _PICTURE if extension == "mp4" else ()
        _write(path, words, duration_ms, _LONG[extension], inputs=inputs)
    return Sample(path=path, words=texts(words))


def memos(folder: Path, count: int) -> list[Sample]:
    """Make `count` different memos of ten seconds, mono m4a at 64 kbit/s, once for each cache folder.

    From `DIFFERENT_MEMOS` on, the sounds of the first ones come again in files that are different.
    """
    different = [_short(folder, number, "m4a", "-b:a", "64k") for number in range(min(count, DIFFERENT_MEMOS))]
    again = [_again(different[number % DIFFERENT_MEMOS], number) for number in range(DIFFERENT_MEMOS, count)]
    return different + again


def short_mp3s(folder: Path, count: int) -> list[Sample]:
    """Make `count` different mp3 files of ten seconds, mono at 64 kbit/s, once for each cache folder."""
    return [_short(folder, number, "mp3", "-b:a", "64k") for number in range(count)]


def compare(said: Sequence[str], heard: Sequence[str]) -> Accuracy:
    """Account for every word; within one recording each is said once."""
    counts = Counter(heard)
    return Accuracy(
        lost=sum(word not in counts for word in said),
        doubled=sum(count - 1 for word, count in counts.items() if word != BROKEN and count > 1),
        cut=counts[BROKEN],
        exact=list(said) == list(heard),
    )


def texts(words: Sequence[PlacedWord]) -> tuple[str, ...]:
    """Give the words without their times."""
    return tuple(word.text for word in words)


@cache
def language() -> str:
    """Tell by a digest how words sound and are heard: what was made before that changed is of no use any more."""
    sources = [Path(str(module.__file__)).read_bytes() for module in (hearing, speech, vocabulary)]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:8]


def _short(folder: Path, number: int, extension: str, *arguments: str) -> Sample:
    duration_ms = SHORT_S * 1000
    words = compose(duration_ms, seed=_SEED + number, start_index=number * 20)
    path = folder / f"memo-{number:04d}-{language()}.{extension}"
    if not path.exists():
        _write(path, words, duration_ms, (*_CODECS[extension], *arguments))
    return Sample(path=path, words=texts(words))


def _again(sample: Sample, number: int) -> Sample:
    """Make another file with the sound of an m4a file: a box that players pass over holds its number."""
    path = sample.path.with_name(f"memo-{number:04d}-{language()}.m4a")
    if not path.exists():
        free = struct.pack(">I4sQ", 16, b"free", number)  # ISO/IEC 14496-12, 8.1.2
        part = path.with_name(f"part-{path.name}")
        part.write_bytes(sample.path.read_bytes() + free)
        part.rename(path)
    return Sample(path=path, words=sample.words)


def _write(
    path: Path,
    words: Sequence[PlacedWord],
    duration_ms: int,
    arguments: Sequence[str],
    *,
    inputs: Sequence[str] = (),
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wav = write_wav(Path(folder) / "speech.wav", speak(words, duration_ms))
        # Under another name until it is whole, so that an interrupted run leaves no half of a recording.
        convert(wav, path.with_name(f"part-{path.name}"), *arguments, inputs=inputs).rename(path)
