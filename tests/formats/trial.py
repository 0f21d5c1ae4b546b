"""Takes a recording through probing, planning and preparing, and hears what would be sent."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np

from tests.ffmpegs import new_ffmpeg
from tests.formats.kinds import Kind
from tests.formats.saying import spoken
from tests.formats.workshop import Workshop
from tests.sound.hearing import BROKEN, hear
from tests.sound.speech import RATE, PlacedWord
from voxtrald.audio import prepare
from voxtrald.audio.copying import copy_chunk
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.measuring import measure
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.audio.probe import AudioSource, probe
from voxtrald.audio.quiet import find_cut
from voxtrald.audio.recasting import recast
from voxtrald.config.sections import AudioSettings
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Span
from voxtrald.transcript.planning import ChunkLimits, first_window, plan_spans, search_windows

AUDIO: Final = AudioSettings()
ACCEPTED: Final = ("mp3", "wav", "flac", "ogg")
ENOUGH_MS: Final = 50
"""How far a word may be from when it was said."""

_LONGEST_MS: Final = 30 * 3_600_000
_STOP: Final = Stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of one recording.

    Attributes:
        wrong: the words that are not as they were said, each way that was tried; empty where all are right.
        errors_ms: how far each word is from its time; the last ones are those close to the end.
        is_complete: whether the last word lies in the last chunk.
        measured_ms: how long the recording was found to be.
        ways: how it is sent by default where it is short, and where it is long.
    """

    wrong: tuple[str, ...]
    errors_ms: tuple[int, ...]
    is_complete: bool
    measured_ms: int
    ways: tuple[str, ...]


def limits(length_ms: int) -> ChunkLimits:
    """Cut a recording of two hours as by default, and a shorter one into a few pieces."""
    max_ms = min(14 * 60_000, length_ms // 3)
    return ChunkLimits(
        max_ms=max_ms, first_ms=max_ms // 7, search_ms=min(20_000, max_ms // 20), overlap_ms=min(3_000, max_ms // 60)
    )


def ffmpeg_of_tests() -> Ffmpeg:
    """Make the real thing, which nobody stops."""
    return new_ffmpeg(slots=2, stop=_STOP)


def try_kind(kind: Kind, shop: Workshop, *, work: Path, ffmpeg: Ffmpeg) -> Heard:
    """Make a recording of a kind, and hear its chunks that hold something."""
    path = work / kind.file_name
    kind.make(shop, path)
    try:
        words = kind.truth(spoken(shop.length_ms))
        return hear_recording(path, words, is_rough=kind.is_rough, work=work, ffmpeg=ffmpeg)
    finally:
        path.unlink()


def hear_recording(path: Path, words: Sequence[PlacedWord], *, is_rough: bool, work: Path, ffmpeg: Ffmpeg) -> Heard:
    """Probe, plan and prepare a recording in every way that there is for it, and hear the chunks with words."""
    found = probe(path, ffmpeg=ffmpeg)
    rate_hz = AUDIO.sample_rate_hz
    source = recast(found, work=work, sample_rate_hz=rate_hz, longest_ms=_LONGEST_MS, ffmpeg=ffmpeg)
    extent = measure(source, ffmpeg=ffmpeg, stop=_STOP)
    source = replace(source, layout=extent.layout)
    spans = plan(source, measured_ms=extent.duration_ms, ffmpeg=ffmpeg)
    with_words = [span for span in spans if any(is_in(word, span) for word in words)]
    chunks = [encode(source, span, spans=spans, work=work, ffmpeg=ffmpeg) for span in with_words]
    if is_copied(source):
        chunks += [copy_chunk(source, span, target=work / f"copy-{span.start_ms}", stop=_STOP) for span in with_words]
    tried = [judge(chunk, [word for word in words if is_in(word, chunk.span)], is_rough=is_rough) for chunk in chunks]
    return Heard(
        wrong=tuple(wrong for wrong, _ in tried if wrong),
        errors_ms=tuple(error_ms for _, errors_ms in tried for error_ms in errors_ms),
        is_complete=is_in(words[-1], spans[-1]),
        measured_ms=extent.duration_ms,
        ways=ways(source, is_recast=source.path != path),
    )


def judge(chunk: PreparedChunk, said: Sequence[PlacedWord], *, is_rough: bool) -> tuple[str, list[int]]:
    """Hear a chunk; say what is wrong with its words, or how far each is from its time."""
    heard = hear_chunk(chunk)
    damaged = {BROKEN} if is_rough else set()
    if len(heard) != len(said) or any(
        one.text not in {two.text, *damaged} for one, two in zip(heard, said, strict=True)
    ):
        return f"{chunk.how} from {chunk.span.start_ms} ms: said {said}, heard {heard}", []
    return "", [one.start_ms - two.start_ms for one, two in zip(heard, said, strict=True)]


def ways(source: AudioSource, *, is_recast: bool) -> tuple[str, ...]:
    """Say how a recording of this kind may be sent by default: short, and long."""
    short = replace(source, duration_ms=1_000, size_bytes=1)
    whole = prepare.fits_whole(short, accepted=ACCEPTED, max_ms=60_000, max_bytes=1_000) and not is_recast
    long = "copied or encoded" if is_copied(source) else "encoded"
    return ("whole" if whole else "encoded", "decoded once, then encoded" if is_recast else long)


def is_copied(source: AudioSource) -> bool:
    """Whether pieces of the file itself may be sent."""
    return prepare.is_copyable(source) and prepare.is_accepted(source, ACCEPTED)


def is_in(word: PlacedWord, span: Span) -> bool:
    """Whether a word begins in a span."""
    return span.start_ms <= word.start_ms < span.end_ms


def plan(source: AudioSource, *, measured_ms: int, ffmpeg: Ffmpeg) -> tuple[Span, ...]:
    """Cut a recording as the pipeline does."""
    rules = limits(measured_ms)
    first = find_cut(source, window=first_window(rules), ffmpeg=ffmpeg)
    windows = search_windows(measured_ms, first_cut=first, limits=rules)
    cuts = [first, *(find_cut(source, window=window, ffmpeg=ffmpeg) for window in windows)]
    return plan_spans(measured_ms, cuts, limits=rules)


def encode(source: AudioSource, span: Span, *, spans: Sequence[Span], work: Path, ffmpeg: Ffmpeg) -> PreparedChunk:
    """Encode a chunk with the default settings."""
    return prepare.encode_chunk(
        source,
        span,
        target=work / f"{span.start_ms}.mp3",
        is_last=span == spans[-1],
        bitrate_kbps=AUDIO.bitrate_kbps,
        sample_rate_hz=AUDIO.sample_rate_hz,
        ffmpeg=ffmpeg,
    )


def hear_chunk(chunk: PreparedChunk) -> list[PlacedWord]:
    """Hear a chunk as the far side does, in recording time, and remove it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", f"file:{chunk.path}"]
    pcm = subprocess.run([*command, "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"], check=True, capture_output=True)
    chunk.path.unlink()
    return [
        replace(word, start_ms=word.start_ms + chunk.offset_ms, end_ms=word.end_ms + chunk.offset_ms)
        for word in hear(np.frombuffer(pcm.stdout, "<i2"), RATE)
    ]
