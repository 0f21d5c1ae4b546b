"""Recordings as samples, for tests that look at sound."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np


def decoded(path: Path, rate_hz: int) -> np.ndarray:
    """Decode a recording to mono int16 samples."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(path)]
    form = ["-ac", "1", "-ar", str(rate_hz), "-f", "s16le", "pipe:1"]
    return np.frombuffer(subprocess.run([*ffmpeg, *form], check=True, capture_output=True).stdout, "<i2")
