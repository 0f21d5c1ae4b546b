"""Makes recordings of one length: each sound is encoded once, then put into its containers packet by packet."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from tests.formats.saying import places_ms, write_base

_44K: Final = ("-ar", "44100")

CODINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "aac.m4a": (*_44K, "-c:a", "aac", "-aac_coder", "fast", "-b:a", "64k"),
    "alac.m4a": ("-c:a", "alac"),
    # Opus' speech mode takes a few of our tones for noise.
    "opus.ogg": ("-c:a", "libopus", "-application", "lowdelay", "-b:a", "24k", "-compression_level", "0"),
    "vorbis.ogg": ("-c:a", "libvorbis", "-q:a", "3"),
    "flac.flac": ("-c:a", "flac"),
    "vbr.mp3": (*_44K, "-c:a", "libmp3lame", "-q:a", "6", "-compression_level", "9"),
    "cbr.mp3": (*_44K, "-c:a", "libmp3lame", "-b:a", "128k", "-compression_level", "9"),
    "ac3.ac3": ("-ar", "48000", "-c:a", "ac3", "-b:a", "96k"),
    "mp2.mp2": ("-ar", "48000", "-c:a", "mp2", "-b:a", "64k"),
    "amr.amr": ("-ar", "8000", "-c:a", "libopencore_amrnb", "-b:a", "12.2k"),
    "wma.wma": (*_44K, "-c:a", "wmav2", "-b:a", "64k"),
}
"""What is encoded once, by the name of the file that it is kept in."""


class Workshop:
    """Keeps what several recordings are made from, in a folder."""

    def __init__(self, folder: Path, *, length_ms: int) -> None:
        self.folder = folder
        self.length_ms = length_ms

    @property
    def middle_ms(self) -> int:
        """Where the saying in the middle begins."""
        return places_ms(self.length_ms)[1]

    @cached_property
    def base(self) -> Path:
        """The recording that all others are made from."""
        return write_base(self.folder / "base.wav", length_ms=self.length_ms)

    def coded(self, name: str) -> Path:
        """Give the base in one of `CODINGS`."""
        path = self.folder / name
        return path if path.exists() else run("-i", self.base, *CODINGS[name], path)

    @cached_property
    def film(self) -> Path:
        """A black picture of the same length, as DVDs and cameras hold it."""
        coding = ("-c:v", "mpeg2video", "-g", "100", "-q:v", "31")
        return run(*self._black(rate=25), *coding, self.folder / "film.mkv")

    @cached_property
    def slides(self) -> Path:
        """A black picture of the same length, as one who records a screen has it."""
        return run(*self._black(rate=1), "-c:v", "mpeg4", "-g", "10", self.folder / "slides.mp4")

    @cached_property
    def cover(self) -> Path:
        """A picture for the front of a podcast: 2 MB."""
        noise = "nullsrc=s=800x800:d=1:r=1,format=rgb24,geq=random(1)*255:random(2)*255:random(3)*255"
        return run("-f", "lavfi", "-i", noise, "-frames:v", "1", self.folder / "cover.png")

    def _black(self, *, rate: int) -> tuple[str, ...]:
        return ("-f", "lavfi", "-i", f"color=c=black:s=32x32:r={rate}:d={self.length_ms / 1000}")


def run(*arguments: str | Path) -> Path:
    """Run ffmpeg to the file that is the last argument, and return it.

    Raises:
        AssertionError: ffmpeg failed; the message is its own.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", "-threads", "1", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return Path(arguments[-1])
