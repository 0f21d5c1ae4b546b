"""The fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.daemon import Place, has_recogniser, opened
from tests.sound.formats import FORMATS
from tests.sound.speech import PlacedWord, compose, speak, write_wav
from tests.speech.weights import NEEDS, model_folder
from tests.standin.server import Standin


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A recording and what is said in it."""

    path: Path
    placed: tuple[PlacedWord, ...]
    duration_ms: int

    @property
    def words(self) -> list[str]:
        """The words, in order."""
        return [word.text for word in self.placed]


class Recordings:
    """Makes recordings, each kind once per test process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.make = cache(self._make)

    def _make(self, kind: str = "wav", seconds: float = 4.0, *, seed: int = 1, never_quiet: bool = False) -> Spoken:
        duration_ms = round(seconds * 1000)
        placed = compose(duration_ms, seed=seed, start_index=seed * 1000)
        stem = self._folder / f"{kind}-{seconds:g}-{seed}-{never_quiet}"
        wav = write_wav(stem.with_suffix(".source"), speak(placed, duration_ms, never_quiet=never_quiet))
        try:
            path = FORMATS[kind].write(wav, stem)
        finally:
            wav.unlink()
        return Spoken(path=path, placed=placed, duration_ms=duration_ms)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Make recordings in which every word is known."""
    return Recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def weights() -> Path:
    """Give weights for the recogniser on this machine; skip where there are none."""
    folder = model_folder()
    if folder is None or not has_recogniser():
        pytest.skip(NEEDS)
    return folder


@pytest.fixture
def place(tmp_path: Path, standin: Standin) -> Iterator[Place]:
    """Give folders, a stand-in for the service, and the installed command to run on them."""
    with opened(tmp_path, standin) as opened_place:
        yield opened_place
