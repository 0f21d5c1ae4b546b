"""Recordings in every container and codec that people drop into an inbox, made by the static ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import imageio_ffmpeg

_PICTURE = ("-f", "lavfi", "-i", "color=c=black:s=64x36:r=5")
_SILENCE = ("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How to make a file of one kind.

    Attributes:
        extension: without the dot.
        inputs: further inputs beside the speech, as ffmpeg arguments.
        arguments: ffmpeg's output arguments.
    """

    extension: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...] = ()

    def write(self, source_wav: Path, stem: Path) -> Path:
        """Convert a WAV file to `stem` plus this extension, and return the path."""
        target = stem.with_name(f"{stem.name}.{self.extension}")
        return convert(source_wav, target, *self.arguments, inputs=self.inputs)


def _format(extension: str, *arguments: str, inputs: tuple[str, ...] = ()) -> Format:
    return Format(extension=extension, arguments=arguments, inputs=inputs)


_STEREO = ("-ar", "44100", "-ac", "2")
_AAC = (*_STEREO, "-c:a", "aac", "-b:a", "96k", "-aac_coder", "fast")
_OPUS = ("-c:a", "libopus", "-application", "lowdelay")  # its speech mode takes a few of our tones for noise

# A decoder gives what was said up to 25 ms late for mp3-no-xing and 47 ms early for wma: they do not tell their delay.
FORMATS: Final[Mapping[str, Format]] = {
    "wav": _format("wav", "-c:a", "pcm_s16le"),
    "mp3-cbr": _format("mp3", *_STEREO, "-c:a", "libmp3lame", "-b:a", "128k"),
    "mp3-vbr": _format("mp3", *_STEREO, "-c:a", "libmp3lame", "-q:a", "5"),
    "mp3-no-xing": _format("mp3", *_STEREO, "-c:a", "libmp3lame", "-q:a", "5", "-write_xing", "0"),
    "mp3-lean": _format("mp3", "-c:a", "libmp3lame", "-b:a", "48k"),
    "m4a-faststart": _format("m4a", *_AAC, "-movflags", "+faststart"),
    "m4a-moov-last": _format("m4a", *_AAC),
    "mp4-video": _format("mp4", *_AAC, "-c:v", "mpeg4", "-shortest", inputs=_PICTURE),
    "mov": _format("mov", *_AAC),
    "mkv": _format("mkv", *_AAC),
    "mkv-second-track": _format(  # the first track is silent; the second one is the default and speaks
        "mkv",
        *("-map", "1:a", "-map", "0:a", "-c:a", "aac", "-b:a", "64k", "-shortest"),
        *("-disposition:a:0", "0", "-disposition:a:1", "default"),
        inputs=_SILENCE,
    ),
    "webm": _format("webm", *_OPUS, "-b:a", "32k"),
    "ogg": _format("ogg", *_STEREO, "-c:a", "libvorbis", "-q:a", "3"),
    "opus": _format("opus", *_OPUS, "-b:a", "24k"),
    "flac": _format("flac", "-c:a", "flac"),
    "wma": _format("wma", *_STEREO, "-c:a", "wmav2", "-b:a", "96k"),
    "amr": _format("amr", "-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb", "-b:a", "12.2k"),
    "aiff": _format("aiff", "-c:a", "pcm_s16be"),
    "caf": _format("caf", "-c:a", "pcm_s16le"),
}


def convert(source: Path, target: Path, *arguments: str, inputs: Sequence[str] = ()) -> Path:
    """Run ffmpeg from `source` to `target` with output arguments, and return `target`.

    Raises:
        AssertionError: ffmpeg failed; the message is its own.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", "-i", str(source)]
    finished = subprocess.run(
        [*command, *inputs, *arguments, f"file:{target}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return target
