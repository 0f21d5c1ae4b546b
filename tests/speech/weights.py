"""Where the tests find weights for a local recogniser. Tests never fetch any: `make local` does."""

from __future__ import annotations

import os
from pathlib import Path

from voxtrald.demonstration.weights import TINY_EN, cache_folder, is_whole

NEEDS = "needs faster-whisper and weights for it: `make local` installs both, or name a folder in VOXTRALD_TEST_MODEL"

# Read at import: the test suite scrubs the environment before each test.
_NAMED = os.environ.get("VOXTRALD_TEST_MODEL")


def model_folder() -> Path | None:
    """Give a folder with weights that faster-whisper reads, or None where there is none."""
    if _NAMED:
        return Path(_NAMED)
    folder = cache_folder(os.environ) / TINY_EN.name
    return folder if is_whole(folder, TINY_EN) else None
