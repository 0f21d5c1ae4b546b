"""Damages real small files and lets the real ffmpeg read them: `python -m tests.fuzz.mutating --minutes 10`.

Each damaged file is probed, measured and encoded. Whatever becomes of it, only an error of the recording's own may come
out, the chunk stays within its bounds, and no process stays behind. A file that breaks this is kept, and named.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.ffmpegs import new_ffmpeg
from tests.hostile.making import Kit
from tests.integration.audio_files import children
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.measuring import measure
from voxtrald.audio.prepare import EmptySpanError, encode_chunk
from voxtrald.audio.probe import probe
from voxtrald.errors import RecordingError
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Span

SPAN_MS = 20_000
MOST_BYTES = 1 << 20
MOST_S = 30.0

SEEDS: dict[str, tuple[str, ...]] = {
    "mp3": ("-c:a", "libmp3lame"),
    "m4a": ("-c:a", "aac", "-movflags", "+faststart"),
    "mov": ("-c:a", "alac"),
    "mp4": ("-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"),
    "wav": (),
    "flac": (),
    "ogg": ("-c:a", "libopus"),
    "oga": ("-c:a", "libvorbis"),
    "webm": ("-c:a", "libopus"),
    "mkv": ("-c:a", "aac"),
    "wma": (),
    "aiff": (),
    "caf": ("-c:a", "pcm_s16le"),
    "w64": (),
    "amr": ("-ar", "8000", "-c:a", "libopencore_amrnb"),
    "3gp": ("-ar", "8000", "-c:a", "libopencore_amrnb"),
    "aac": ("-c:a", "aac"),
    "ac3": (),
    "ts": ("-c:a", "aac"),
    "avi": ("-c:a", "pcm_s16le"),
    "au": (),
    "wv": (),
}
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(content: bytes, *, other: bytes, chance: random.Random) -> bytes:
    """Damage a file in one to four ways."""
    spoiled = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        _damage(spoiled, other=other, chance=chance)
    return bytes(spoiled)


def _damage(content: bytearray, *, other: bytes, chance: random.Random) -> None:
    # Headers are where the books are kept: half of the damage goes there.
    reach = len(content) if chance.random() < 0.5 else min(len(content), 600)
    at, length = chance.randrange(max(1, reach)), chance.choice((1, 2, 4, 8, 60, 1_000))
    way = chance.randrange(7)
    if way == 0:
        del content[at:]
    elif way == 1:
        del content[at : at + length]
    elif way == 2:
        content[at : at + length] = bytes(length)
    elif way == 3:
        content[at : at + length] = chance.randbytes(length)
    elif way == 4:
        width = chance.choice((2, 4, 8))
        number = chance.choice(_NUMBERS) & ((1 << 8 * width) - 1)
        content[at : at + width] = number.to_bytes(width, chance.choice(("big", "little")))
    elif way == 5:
        start = chance.randrange(len(other))
        content[at:at] = other[start : start + length]
    else:
        content[at:at] = content[max(0, at - length) : at]


@dataclass
class Run:
    """A run of the fuzzer.

    Attributes:
        ends: how often it ended how.
    """

    folder: Path
    ffmpeg: Ffmpeg = field(default_factory=new_ffmpeg)
    ends: Counter[str] = field(default_factory=Counter)

    def try_one(self, content: bytes, *, ending: str) -> str:
        """Carry a damaged file as far as it goes, and say how it ended.

        Raises:
            AssertionError: it left its bounds.
            Exception: something came out that may not.
        """
        path, target = self.folder / f"damaged.{ending}", self.folder / "chunk"
        path.write_bytes(content)
        began_s = time.monotonic()
        try:
            source = probe(path, ffmpeg=self.ffmpeg)
            measure(source, ffmpeg=self.ffmpeg, stop=Stop())
            span = Span(start_ms=0, end_ms=SPAN_MS)
            encode_chunk(
                source, span, target=target, is_last=True, bitrate_kbps=48, sample_rate_hz=16_000, ffmpeg=self.ffmpeg
            )
            end = "chunk"
            assert target.stat().st_size <= MOST_BYTES
        except EmptySpanError:
            end = "nothing there"
        except RecordingError as error:
            end = str(error.reason) if error.hint else "no advice"
        assert end != "no advice"
        assert time.monotonic() - began_s <= MOST_S
        target.unlink(missing_ok=True)
        self.ends[end] += 1
        return end


def seeds(folder: Path) -> dict[str, bytes]:
    """Make the files that are damaged: two seconds of the talk in every format."""
    kit = Kit(folder, 9)
    return {ending: kit.talk(ending, "-t", "2", *options) for ending, options in SEEDS.items()}


def fuzz(run: Run, *, seed: int, minutes: float) -> int:
    """Damage files until the time is over; give how many broke a promise, and keep these."""
    chance, made, broken = random.Random(seed), seeds(run.folder), 0
    until_s = time.monotonic() + minutes * 60
    while time.monotonic() < until_s:
        ending, other = chance.choice(list(made)), chance.choice(list(made.values()))
        content = mutate(made[ending], other=other, chance=chance)
        try:
            run.try_one(content, ending=ending)
        except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
            broken += 1
            kept = Path(f"broken-{seed}-{run.ends.total() + broken}.{ending}")
            kept.write_bytes(content)
            print(f"{kept}: {error!r}")
        assert children() == []
    return broken


def main() -> int:
    """Fuzz for as long as was asked, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder=Path(folder))
        broken = fuzz(run, seed=asked.seed, minutes=asked.minutes)
    print(f"seed {asked.seed}: {run.ends.total()} files, {broken} broke a promise; {dict(run.ends.most_common())}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
