"""The ffmpegs of a test: each has a warden, which ends with the test that started it.

Left to the garbage collector, it would end whenever and in whatever thread that runs: in the middle of another test,
which looks for processes that somebody has left behind, and finds one.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from voxtrald.audio.ffmpeg import Ffmpeg

BINARY: Final = Path(imageio_ffmpeg.get_ffmpeg_exe())

_opened: list[Ffmpeg] = []


def new_ffmpeg(binary: Path = BINARY, *, slots: int = 2, stop=None, **options) -> Ffmpeg:
    """Make the real thing, which nobody stops unless told."""
    _opened.append(Ffmpeg(binary, slots=slots, stop=stop or threading.Event(), **options))
    return _opened[-1]


def close_ffmpegs() -> None:
    """End all wardens."""
    while _opened:
        _opened.pop().close()
