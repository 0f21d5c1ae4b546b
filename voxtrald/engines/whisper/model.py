"""faster-whisper, CTranslate2 and PyAV; only ever imported in the recogniser's own process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import av.error
import ctranslate2
import faster_whisper
import huggingface_hub.errors
import numpy as np
import numpy.typing as npt

from voxtrald.engines.whisper.choosing import Device, choose_devices
from voxtrald.engines.whisper.phrasing import Timed, make_phrases, strip_words
from voxtrald.engines.whisper.protocol import Answered, Fault, Loaded, Opening, Request, unpack_path
from voxtrald.engines.whisper.unfit import Unfit

RATE_HZ: Final = 16_000
_BATCHES: Final = {"cuda": 8}  # windows at once; a processor gains a tenth by it, and needs much more memory
_FULL_SCALE: Final = 32_768.0
_NEEDED: Final = ("model.bin", "tokenizer.json")
_OUR_CODES: Final = {"jw": "jv"}  # Whisper's own name for Javanese is not the one of ISO 639-1

# The formats the engine says it takes, and no other file than the one named: a playlist under the name of a sound
# would make the decoder open what it lists.
_ONE_FILE: Final = {"format_whitelist": "wav,w64,flac,mp3,ogg,mov,mp4,m4a", "protocol_whitelist": "file"}

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded model; threads may share it."""

    whisper: Any
    device: Device

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes it knows, as Whisper names them."""
        return tuple(self.whisper.supported_languages)

    def describe(self) -> Loaded:
        """Say what was loaded."""
        return Loaded(
            library=faster_whisper.__version__,
            device=self.device.name,
            compute_type=self.device.compute_type,
            languages=self.languages,
        )

    def listen(self, request: Request, *, heard: Callable[[int], None]) -> Answered:
        """Transcribe one file; `heard` is told up to which millisecond, now and then.

        Silence is left out before the model hears it: Whisper finds words in it that nobody said. The rest is cut
        in pauses into windows of at most 30 s, each of them heard to its end and for itself. The other way, where
        the model's own timestamps say how far a window got, loses up to half a minute of speech when one of them is
        wrong, which a vocabulary makes likely. Times are taken from the words, which costs little.

        Raises:
            Unfit: the file or the request cannot be dealt with.
        """
        self._require_language(request.language)
        samples = read_samples(unpack_path(request.path))
        listener = faster_whisper.BatchedInferencePipeline(self.whisper)  # holds a state: one for each file
        segments, about = listener.transcribe(
            samples,
            language=request.language,
            batch_size=_BATCHES.get(self.device.name, 1),
            beam_size=5,
            word_timestamps=True,
            hotwords=", ".join(request.vocabulary) or None,
        )
        found = list(_reporting(segments, heard))
        text = "".join(segment.text for segment in found).strip()
        language = request.language or (_OUR_CODES.get(about.language, about.language) if text else None)
        return Answered(id=request.id, text=text, language=language, segments=_timed(found, request.timestamps))

    def _require_language(self, language: str | None) -> None:
        """An English model asked for Latvian would make up English text: say so instead."""
        if language is not None and language not in self.languages:
            known = self.languages[0] if len(self.languages) == 1 else f"{len(self.languages)} others"
            raise Unfit(Fault.LANGUAGE, f"the model does not know the language {language}, only {known}")


def load(opening: Opening) -> Model:
    """Load a model onto the best device that takes it.

    Raises:
        Unfit: there is none, or it cannot be loaded.
    """
    folder = _find(opening)
    *better, last = choose_devices(cuda=_compute_types("cuda"), cpu=_compute_types("cpu"))
    for device in better:
        try:
            return _load_onto(device, folder, opening)
        except RuntimeError:  # a card without its libraries, or without enough memory: the processor will do
            continue
    try:
        return _load_onto(last, folder, opening)
    except MemoryError as error:
        raise Unfit(Fault.NO_MEMORY, f"there is not enough memory to load the model {folder.name}") from error
    except (RuntimeError, ValueError, json.JSONDecodeError) as error:
        raise Unfit(Fault.BROKEN_MODEL, f"the model in {folder} cannot be loaded: {error}") from error


def _load_onto(device: Device, folder: Path, opening: Opening) -> Model:
    whisper = faster_whisper.WhisperModel(
        str(folder),
        device=device.name,
        compute_type=device.compute_type,
        cpu_threads=opening.threads,
        num_workers=opening.workers,
    )
    if device.name != "cpu":
        # A card's libraries are only looked for at the first use, and a missing one ends the process: do it now,
        # where that is not the fault of a recording.
        list(whisper.transcribe(np.zeros(RATE_HZ, np.float32), language="en")[0])
    return Model(whisper=whisper, device=device)


def _compute_types(device: str) -> set[str]:
    if device == "cuda" and not ctranslate2.get_cuda_device_count():
        return set()
    return set(ctranslate2.get_supported_compute_types(device))


# --- finding ----------------------------------------------------------------------------------------------------


def _find(opening: Opening) -> Path:
    if not opening.is_folder:
        return Path(_fetched(opening.model, may_fetch=opening.may_fetch))
    folder = Path(os.fsdecode(unpack_path(opening.model)))
    if not folder.is_dir():
        raise Unfit(Fault.NO_MODEL, f"there is no folder {folder}")
    absent = [name for name in _NEEDED if not (folder / name).is_file()]
    if absent:
        raise Unfit(Fault.NO_MODEL, f"there is no {absent[0]} in {folder}, so it holds no model")
    return folder


def _fetched(name: str, *, may_fetch: bool) -> str:
    """Find a named model on this machine; only where it is not there, ask the network, if that is wanted."""
    try:
        return str(faster_whisper.download_model(name, local_files_only=True))
    except ValueError as error:
        raise Unfit(Fault.UNKNOWN_MODEL, f"faster-whisper knows no model {name}") from error
    except huggingface_hub.errors.LocalEntryNotFoundError as error:
        if not may_fetch:
            raise Unfit(Fault.NOT_FETCHED, f"the model {name} is not on this machine yet") from error
    try:
        return str(faster_whisper.download_model(name))
    except (OSError, huggingface_hub.errors.LocalEntryNotFoundError, huggingface_hub.errors.HfHubHTTPError) as error:
        what = f"the model {name} is not on this machine and cannot be fetched ({type(error).__name__})"
        raise Unfit(Fault.NOT_FETCHED, what) from error


# --- decoding ---------------------------------------------------------------------------------------------------


def read_samples(path: bytes) -> Samples:
    """Decode a file to mono at 16 kHz.

    A packet that cannot be decoded is left out, and what follows it is heard all the same; faster-whisper's own
    reader would end there and nobody would know.

    Raises:
        Unfit: there is nothing in it that can be decoded.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    pieces = []
    try:
        with av.open(os.fsdecode(path), metadata_errors="ignore", options=_ONE_FILE) as container:
            for frame in _frames(container):
                pieces += [piece.to_ndarray().ravel() for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray().ravel() for piece in resampler.resample(None)]
    except (av.error.FFmpegError, ValueError) as error:
        raise Unfit(Fault.UNDECODABLE, f"the sound cannot be decoded: {type(error).__name__}") from error
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    if not samples.size:
        raise Unfit(Fault.UNDECODABLE, "there is no sound that can be decoded")
    return samples.astype(np.float32) / _FULL_SCALE


def _frames(container: Any) -> Iterator[Any]:
    if not container.streams.audio:
        raise Unfit(Fault.UNDECODABLE, "there is no sound in the file")
    for packet in container.demux(audio=0):
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in decoded:
            frame.pts = None  # gaps in the timestamps must not stop the resampler
            yield frame


# --- answering --------------------------------------------------------------------------------------------------


def _reporting(segments: Iterator[Any], heard: Callable[[int], None]) -> Iterator[Any]:
    """Pass on what is heard while it is being heard."""
    for segment in segments:
        heard(_ms(segment.end))
        yield segment


def _timed(segments: list[Any], timestamps: str) -> tuple[Timed, ...]:
    words = [
        (_ms(word.start), _ms(word.end), str(word.word))
        for word in chain.from_iterable(segment.words or () for segment in segments)
    ]
    match timestamps:
        case "none":
            return ()
        case "word":
            return strip_words(words)
        case _:
            return make_phrases(words)


def _ms(seconds: float) -> int:
    return max(0, round(float(seconds) * 1000))
