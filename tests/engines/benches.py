"""Every engine there is, each with a far side that a test can have."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from tests.engines import flavours, lookalike, open_asr
from tests.sound.speech import RATE, compose, speak, write_wav
from tests.speech import sample, word_error_rate
from tests.speech.weights import NEEDS, model_folder
from tests.standin.server import Standin
from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Engine, Surroundings
from voxtrald.engines.finding import build_engine
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.stopping import Stop

DEAD_ADDRESS = "http://127.0.0.1:9"
WORDS = compose(6_000, seed=3)
_MOST_WRONG = 0.2  # Whisper's smallest model gets about one word in thirty of the sample wrong


class ForgetfulJournal:
    """A journal for engines whose copies are nobody's business here."""

    def intend_upload(self, *, name: str, key: str) -> None:
        """Forget it."""

    def record_upload(self, *, name: str, remote_id: str) -> None:
        """Forget it."""

    def record_deletion(self, *, remote_id: str) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarSide:
    """A running far side: the settings that lead to it, its key, and a key and a model that it does not know."""

    settings: Mapping[str, Any]
    key: str | None = None
    wrong_key: str | None = None
    wrong_model: str = "no-such-model"
    look_at: Any = None


@dataclass(slots=True)
class Bench:
    """One engine kind, ready to be tried.

    Attributes:
        hears_tones: whether it hears exactly; else it is a recogniser and takes speech.
    """

    name: str
    far_side: FarSide
    hears_tones: bool
    folder: Path
    stop: Stop = field(default_factory=Stop)
    engines: list[Engine] = field(default_factory=list)

    def settings(self, **changed: Any) -> EngineSettings:
        """Give the settings of an engine."""
        chosen = {"connect_timeout_s": 5, "read_timeout_s": 120, **self.far_side.settings, **changed}
        return EngineSettings(**chosen)

    def engine(self, *, key: str | None = None, **changed: Any) -> Engine:
        """Make an engine; it is closed in the end."""
        surroundings = Surroundings(
            api_key=key or self.far_side.key,
            environ={},
            journal=ForgetfulJournal(),
            remote_prefix="voxtrald-bench",
            slots=RequestSlots(8, stop=self.stop),
            in_use=CopiesInUse(stop=self.stop),
            state=self.folder,
            cores=2,
            stop=self.stop,
        )
        engine = build_engine(self.settings(**changed), surroundings)
        self.engines.append(engine)
        return engine

    def speech(self) -> AudioChunk:
        """Give a chunk with speech that this engine understands."""
        path = self.folder / "speech.wav"
        if not path.exists():
            _write_tones(path) if self.hears_tones else _write_speech(path)
        return chunk_at(path)

    def silence(self) -> AudioChunk:
        """Give a chunk with nothing in it."""
        return chunk_at(write_wav(self.folder / "silence.wav", np.zeros(5 * RATE, np.int16), RATE))

    def rubbish(self) -> AudioChunk:
        """Give a chunk that claims to be audio."""
        path = self.folder / "rubbish.mp3"
        path.write_bytes(b"ID3" + bytes(5_000))
        return chunk_at(path)

    def is_right(self, text: str) -> bool:
        """Whether a text is what the speech says: exactly, or with few words wrong for a recogniser."""
        if self.hears_tones:
            return text.split() == [word.text for word in WORDS]
        return word_error_rate(sample()[1], text) < _MOST_WRONG


def chunk_at(path: Path, *, key: str = "0123456789abcdef" * 4) -> AudioChunk:
    """Describe a file as a chunk; a WAV file's length is read from its size."""
    size_bytes = path.stat().st_size
    return AudioChunk(
        key=key,
        path=path,
        extension=path.suffix.removeprefix("."),
        size_bytes=size_bytes,
        duration_ms=(size_bytes - 44) // 2 * 1000 // RATE,
    )


def _write_tones(path: Path) -> None:
    write_wav(path, speak(WORDS, 6_000), RATE)


def _write_speech(path: Path) -> None:
    """Write the sample as the recognisers' windows of 30 s take it: to less than a second of rest they invent words."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(sample()[0])]
    subprocess.run([*command, "-t", "60", "-ac", "1", "-ar", str(RATE), "-bitexact", str(path)], check=True)


# --- the far sides ---------------------------------------------------------------------------------------


@contextmanager
def _mistral(delivery: str) -> Iterator[FarSide]:
    with Standin() as standin:
        settings = {"kind": "mistral", "base_url": standin.url, "delivery": delivery}
        yield FarSide(settings=settings, key="test-key", wrong_key="other-key", look_at=standin)
        assert standin.files == ()


@contextmanager
def _lookalike(name: str) -> Iterator[FarSide]:
    flavour = flavours.FLAVOURS[name]
    with lookalike.playing(flavour) as server:
        named = {"server": "openai"} if flavour.recognised == "openai" else {}
        settings = {"kind": "openai", "base_url": server.url, "model": flavours.MODEL, **named}
        yield FarSide(settings=settings, key=flavours.KEY, wrong_key="sk-other", look_at=server)


@contextmanager
def _open_asr() -> Iterator[FarSide]:
    with open_asr.running() as server:
        settings = {"kind": "openai", "base_url": server.url, "model": server.model}
        yield FarSide(settings=settings, key=open_asr.KEY, wrong_key="sk-other")


@contextmanager
def _local() -> Iterator[FarSide]:
    yield FarSide(settings={"kind": "local", "model": str(model_folder())}, wrong_model="/nowhere/no-such-model")


def _missing_local() -> str | None:
    try:
        import faster_whisper  # noqa: F401, PLC0415
    except ImportError:
        return NEEDS
    return None if model_folder() else NEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An engine to be tried: how its far side is started, and what is missing for it, if anything."""

    start: Callable[[], Any]
    hears_tones: bool = True
    missing: Callable[[], str | None] = lambda: None


KINDS: Mapping[str, Kind] = {
    "mistral, upload": Kind(start=partial(_mistral, "upload")),
    "mistral, direct": Kind(start=partial(_mistral, "direct")),
    **{f"openai: {name}": Kind(start=partial(_lookalike, name)) for name in flavours.FLAVOURS},
    "openai: real open-asr-server": Kind(
        start=_open_asr, hears_tones=False, missing=lambda: None if open_asr.is_there() else open_asr.NEEDS
    ),
    "local": Kind(start=_local, hears_tones=False, missing=_missing_local),
}


@contextmanager
def bench_for(name: str, folder: Path) -> Iterator[Bench]:
    """Have a bench while inside."""
    kind = KINDS[name]
    with ExitStack() as open_things:
        far_side = open_things.enter_context(kind.start())
        bench = Bench(name=name, far_side=far_side, hears_tones=kind.hears_tones, folder=folder)
        yield bench
        for engine in bench.engines:
            engine.close()


def fresh(bench: Bench) -> Bench:
    """Give the same bench with a stop of its own."""
    return replace(bench, stop=Stop(), engines=bench.engines)
