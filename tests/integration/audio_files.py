"""Makes sound files of every kind with the real ffmpeg, and listens to them."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import psutil

from tests.ffmpegs import BINARY
from tests.sound.hearing import hear
from tests.sound.speech import RATE, PlacedWord, compose, speak, write_wav
from voxtrald.transcript.model import Span

TALK_MS = 30_000
WORDS = compose(TALK_MS, seed=11)


def run_ffmpeg(*arguments: str | Path) -> bytes:
    """Run ffmpeg for a test's own purposes; it must succeed."""
    command = [BINARY, "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


@cache
def _talk(rate: int) -> np.ndarray:
    return speak(WORDS, TALK_MS, rate)


def write_talk(path: Path, *options: str, rate: int = 44_100) -> Path:
    """Write `TALK_MS` of speech in the format of the name, or as the options say."""
    wav = write_wav(path.with_name(f"{path.stem}.talk.wav"), _talk(rate), rate)
    if path.suffix == ".wav" and not options:
        return wav.rename(path)
    run_ffmpeg("-i", wav, *options, path)
    wav.unlink()
    return path


def decode(path: Path) -> np.ndarray:
    """Decode the whole file to mono samples at `RATE`."""
    pcm = run_ffmpeg("-i", path, "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
    return np.frombuffer(pcm, "<i2")


def hear_file(path: Path, *, offset_ms: int = 0) -> list[PlacedWord]:
    """Hear the words in a file, in recording time."""
    return [
        PlacedWord(text=word.text, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms)
        for word in hear(decode(path), RATE)
    ]


def texts(words: Iterable[PlacedWord]) -> list[str]:
    """Keep only what was said."""
    return [word.text for word in words]


def worst_shift_ms(heard: Iterable[PlacedWord], spoken: Iterable[PlacedWord] = WORDS) -> int:
    """Say how far the worst word is from where it was said."""
    starts = {word.text: word.start_ms for word in spoken}
    return max(abs(word.start_ms - starts[word.text]) for word in heard)


def pauses_ms() -> list[int]:
    """Say where the sentences of the talk end: the middles of its long pauses."""
    pairs = itertools.pairwise(WORDS)
    return [(one.end_ms + two.start_ms) // 2 for one, two in pairs if two.start_ms - one.end_ms > 300]


def spans_at_pauses() -> list[Span]:
    """Divide the talk at its pauses."""
    bounds = [0, *pauses_ms(), TALK_MS]
    return [Span(start_ms=start, end_ms=end) for start, end in itertools.pairwise(bounds)]


def words_within(span: Span) -> list[str]:
    """Say which words lie in a span."""
    return [word.text for word in WORDS if span.start_ms <= word.start_ms and word.end_ms <= span.end_ms]


def children() -> list[str]:
    """Name the processes that this one started and that are not yet gone, but for the wardens, who start ffmpeg."""
    own = psutil.Process().children(recursive=True)
    return [child.name() for child in own if not is_warden(child)]


def is_warden(process: psutil.Process) -> bool:
    """Whether a process is the small program that starts ffmpeg."""
    try:
        return any("jail.warden" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


class StopAfter:
    """A stop that comes after it was asked for a number of times: deterministic, in the middle of things."""

    def __init__(self, asked: int) -> None:
        self.left = asked

    def is_set(self) -> bool:
        """Whether it has been asked often enough."""
        self.left -= 1
        return self.left < 0
