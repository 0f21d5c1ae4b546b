"""The engine on this machine, asked in a manner that a file beside a recording wants."""

from __future__ import annotations

import pytest

from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Surroundings
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.kinds.local import LocalEngine
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.errors import ApiDenied, ApiRefused
from voxtrald.stopping import Stop

SETTINGS = EngineSettings(kind="local", model="tiny.en")


class KnowsNoLatvian:
    """A recogniser that is asked for a language its model does not know."""

    facts = None

    def ask(self, request, *, patience_s):
        """Say so."""
        del request, patience_s
        raise ApiDenied("the model does not know the language lv, only en")


@pytest.fixture
def engine(tmp_path):
    """Give an engine with an English model."""
    stop = Stop()
    made = LocalEngine(
        settings=SETTINGS,
        surroundings=Surroundings(
            api_key=None,
            environ={},
            journal=None,
            remote_prefix="",
            slots=RequestSlots(1, stop=stop),
            in_use=CopiesInUse(stop=stop),
            state=tmp_path,
            cores=1,
            stop=stop,
        ),
    )
    made._keeper = KnowsNoLatvian()
    return made


def chunk_at(path):
    """Give a chunk that can be opened."""
    path.write_bytes(b"sound")
    return AudioChunk(path=path, extension="wav", duration_ms=1000, size_bytes=5, key="0" * 64)


def test_one_recordings_language_holds_nobody_elses(engine, tmp_path):
    """A language that a model does not know holds all where the settings name it, and fails one where a file does."""
    chunk = chunk_at(tmp_path / "chunk.wav")
    varied = engine.varied(SETTINGS.replaced({"language": "lv"}))

    with pytest.raises(ApiRefused, match="language lv"):
        varied.deliver(chunk).attempt()
    with pytest.raises(ApiDenied):
        engine.deliver(chunk).attempt()


def test_a_known_language_with_a_broken_model_is_still_a_denial(engine, tmp_path):
    """What keeps everybody from being heard is not put down to the file beside a recording."""
    varied = engine.varied(SETTINGS.replaced({"language": "en"}))

    with pytest.raises(ApiDenied):
        varied.deliver(chunk_at(tmp_path / "chunk.wav")).attempt()
