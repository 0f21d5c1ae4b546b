"""Finds the ffmpeg to use, and makes sure that it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from voxtrald.errors import DependencyError

HINT: Final = "set audio.ffmpeg or $VOXTRALD_FFMPEG to an ffmpeg program of version 5 or newer"
NO_WRAPPER: Final = (
    "set audio.ffmpeg or $VOXTRALD_FFMPEG to ffmpeg's own program: in its jail, a script or another wrapper around it "
    "cannot start anything"
)


def find_ffmpeg(configured: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Find the ffmpeg to use: the configured one, else `$VOXTRALD_FFMPEG`, else the one of imageio-ffmpeg.

    Raises:
        DependencyError: there is none, or it does not run.
    """
    wish = str(configured or environ.get("VOXTRALD_FFMPEG") or "")
    binary = _resolve(wish) if wish else _bundled()
    try:
        said = subprocess.run(
            [binary, "-hide_banner", "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise DependencyError(f"{binary} does not run: {error}", hint=HINT) from error
    if not said.startswith(b"ffmpeg version"):
        raise DependencyError(f"{binary} is not an ffmpeg", hint=HINT)
    return binary


def _resolve(wish: str) -> Path:
    found = wish if os.sep in wish else shutil.which(wish)
    if found is None:
        raise DependencyError(f"there is no program called {wish}", hint=HINT)
    # Absolute, because children run in a folder of their own.
    return Path(found).absolute()


def _bundled() -> Path:
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()
    except RuntimeError as error:
        raise DependencyError("imageio-ffmpeg brought no ffmpeg for this machine", hint=HINT) from error
