"""The engine that listens on this machine: faster-whisper in a process of its own. Nothing is sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Capabilities, Delivery, Engine, Surroundings
from voxtrald.engines.sharing import fingerprint
from voxtrald.engines.vocabulary import WHISPER_BYTES, Vocabulary, fit_vocabulary
from voxtrald.engines.whisper.choosing import Pace, child_environment, choose_pace
from voxtrald.engines.whisper.keeper import Keeper, Launch
from voxtrald.engines.whisper.protocol import Answered, Opening, Request, pack_path
from voxtrald.errors import ApiDenied, ApiRefused
from voxtrald.stopping import Stop
from voxtrald.storage import storage_errors
from voxtrald.transcript.model import Answer, AnswerSegment, RemoteFile

DEFAULT_MODEL = "small"

_MINUTE_MS = 60_000
_FORMATS = ("wav", "flac", "mp3", "ogg", "m4a")  # wav first: nothing is lost, and nothing has to travel
_LONGEST_MS = 60 * _MINUTE_MS  # a decoded hour takes some 230 MB
_USUAL_MS = 5 * _MINUTE_MS  # a stop or a crash costs the work on a chunk, so chunks are short
_MOST_BYTES = 4 << 30
_ENGLISH_ONLY = ".en"  # how Whisper's English models are called

# Engines that differ in language or vocabulary only, as rules make them, share one model in memory.
_KEEPERS: WeakValueDictionary[tuple[Stop, Launch], Keeper] = WeakValueDictionary()


def build(settings: EngineSettings, surroundings: Surroundings) -> Engine:
    """Make the engine. The model is loaded when it is first needed."""
    return LocalEngine(settings=settings, surroundings=surroundings)


class LocalEngine(Engine):
    """Transcribe chunks with a Whisper model on this machine.

    Whatever keeps the model from being used is a denial: recordings wait, and none of them goes another way.
    """

    kind = "local"

    def __init__(self, *, settings: EngineSettings, surroundings: Surroundings) -> None:
        named = settings.model or DEFAULT_MODEL
        self._folder = Path(named).absolute() if os.sep in named else None
        self._settings = settings
        self._is_varied = False
        self._stop = surroundings.stop
        self._pace = choose_pace(cores=surroundings.cores)
        self._keeper = _keeper_for(self._launch(named), surroundings=surroundings)
        self.model: str = self._folder.name if self._folder else named
        self.service: str = f"local recogniser ({self._folder or named})"

    def _launch(self, named: str) -> Launch:
        opening = Opening(
            model=pack_path(os.fsencode(self._folder)) if self._folder else named,
            is_folder=self._folder is not None,
            may_fetch=True,
            workers=self._pace.workers,
            threads=self._pace.threads,
        )
        return Launch(opening=opening, idle_s=self._settings.idle_s)

    def adopt(self, settings: EngineSettings) -> None:
        """Ask in the manner of these settings. A language the model does not know is no reason to hold others' work."""
        self._settings = settings
        self._is_varied = True

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take; the languages are known once it was loaded."""
        return Capabilities(
            formats=_FORMATS,
            max_chunk_ms=_LONGEST_MS,
            usual_chunk_ms=_USUAL_MS,
            max_bytes=_MOST_BYTES,
            timestamps=frozenset({"segment", "word"}),
            diarize=False,
            vocabulary=True,
            languages=self._languages(),
            parallel=self._pace.workers,
            price_per_minute=0.0,
        )

    def _languages(self) -> frozenset[str] | None:
        if self._keeper.facts is not None:
            return frozenset(self._keeper.facts.languages)
        return frozenset({"en"}) if self.model.endswith(_ENGLISH_ONLY) else None

    @property
    def parameters(self) -> Mapping[str, object]:
        """What can change the text. Of a model in a folder its content counts, and not where it lies."""
        asked = {
            "language": self._settings.language,
            "timestamps": self._settings.timestamps,
            "vocabulary": list(self._settings.context_bias),
            "weights": self._weights(),
        }
        given = {name: value for name, value in asked.items() if value}
        return {"kind": self.kind, "model": self.model, **given}

    def _weights(self) -> str | None:
        weights = self._folder / "model.bin" if self._folder else None
        if weights is None or not weights.is_file():
            return None
        return fingerprint(weights, size_bytes=weights.stat().st_size)

    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin with one chunk. Does not start the recogniser yet."""
        return _LocalDelivery(engine=self, chunk=chunk)

    def transcribe(self, chunk: AudioChunk) -> Answer:
        """Have one chunk transcribed.

        Raises:
            ApiError: what came instead.
            StorageUnavailable: the chunk cannot be read.
            StopRequested: stop was asked for. Nothing was paid, so the work is given up at once.
        """
        with storage_errors(chunk.path), chunk.path.open("rb"):
            pass  # in here, because the recogniser could not tell our disk's trouble from the recording's
        request = Request(
            id=0,
            path=pack_path(os.fsencode(chunk.path.absolute())),
            language=self._settings.language,
            timestamps=self._settings.timestamps,
            vocabulary=self._vocabulary.kept,
        )
        try:
            answered = self._keeper.ask(request, patience_s=self._settings.read_timeout_s)
        except ApiDenied as error:
            if self._is_varied and self._asks_for_unknown_language():
                raise ApiRefused(error.message) from error
            raise
        return _answer(answered, model=self.model, dropped=self._dropped())

    def _asks_for_unknown_language(self) -> bool:
        known, asked = self._languages(), self._settings.language
        return known is not None and asked is not None and asked not in known

    @property
    def _vocabulary(self) -> Vocabulary:
        return fit_vocabulary(self._settings.context_bias, most_bytes=WHISPER_BYTES)

    def _dropped(self) -> tuple[str, ...]:
        """Name what was asked for and cannot be had: no voice is told from another here."""
        wishes = {"diarize": self._settings.diarize, "speaker_references": self._settings.speaker_references}
        return (*(name for name, wish in wishes.items() if wish), *self._vocabulary.dropped)

    def check(self) -> str:
        """Load the model and say where it computes; of a named model that is not here yet, only that.

        Raises:
            ApiError: it cannot be used.
        """
        facts = self._keeper.look()
        if facts is None:
            return f"faster-whisper is installed; the model {self.model} is downloaded at its first use"
        place = f"{facts.device}, {facts.compute_type}"
        return f"faster-whisper {facts.library} has loaded {self.model} ({place}), {_pace_in_words(self._pace)}"

    def abort(self) -> None:
        """End the recogniser."""
        self._keeper.kill()

    def close(self) -> None:
        """Release the model, unless another engine is using it."""
        self._keeper.close()


class _LocalDelivery:
    """One chunk, of which nothing is ever anywhere else."""

    remote_files: tuple[RemoteFile, ...] = ()

    def __init__(self, *, engine: LocalEngine, chunk: AudioChunk) -> None:
        self._engine = engine
        self._chunk = chunk

    def attempt(self) -> Answer:
        return self._engine.transcribe(self._chunk)

    def close(self) -> None:
        """There is no far side."""


def _keeper_for(launch: Launch, *, surroundings: Surroundings) -> Keeper:
    """Give the keeper of this very model, if this run of the program has one already."""
    key = (surroundings.stop, launch)
    keeper = _KEEPERS.get(key)
    if keeper is None:
        environment = child_environment(
            surroundings.environ, is_folder=launch.opening.is_folder, threads=launch.opening.threads
        )
        keeper = Keeper(launch, environment=environment, stop=surroundings.stop, clock=surroundings.clock)
        _KEEPERS[key] = keeper
    return keeper


def _answer(answered: Answered, *, model: str, dropped: tuple[str, ...]) -> Answer:
    segments = (
        AnswerSegment(text=text, start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms, text in answered.segments
    )
    return Answer(
        text=answered.text,
        language=answered.language,
        segments=tuple(segments),
        billed_s=0.0,
        model=model,
        dropped=dropped,
    )


def _pace_in_words(pace: Pace) -> str:
    files = "one file" if pace.workers == 1 else f"{pace.workers} files"
    threads = "1 thread" if pace.threads == 1 else f"{pace.threads} threads"
    return f"{files} at a time with {threads}"
