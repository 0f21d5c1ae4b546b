"""A local recogniser for benchmarks: what it said about a sound is kept, so that the next run is quick."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.speech_material import RATE_HZ, Samples
from tests.sound.speech import write_wav
from voxtrald.transcript.model import Answer, AnswerSegment


@dataclass(slots=True, kw_only=True)
class Recogniser:
    """Whisper from a folder, loaded when it is first needed."""

    folder: Path
    cache: Path
    _model: Any = field(default=None)

    def answer(self, sound: Samples, *, language: str | None = None) -> Answer:
        """Transcribe a sound at 16 kHz."""
        about = f"{self.folder.name} {language}".encode()
        kept = self.cache / f"heard-{hashlib.sha256(about + sound.tobytes()).hexdigest()[:24]}.json"
        if not kept.exists():
            kept.write_text(json.dumps(self._hear(sound, language=language)), "utf-8")
        told = json.loads(kept.read_text("utf-8"))
        segments = tuple(AnswerSegment(start_ms=start, end_ms=end, text=text) for start, end, text in told["segments"])
        return Answer(text=told["text"], language=told["language"], segments=segments)

    def _hear(self, sound: Samples, *, language: str | None) -> dict[str, Any]:
        from voxtrald.engines.whisper.model import load  # noqa: PLC0415 - only where something is not kept yet
        from voxtrald.engines.whisper.protocol import Opening, Request, pack_path  # noqa: PLC0415

        if self._model is None:
            name = pack_path(os.fsencode(self.folder))
            cores = os.cpu_count() or 1
            self._model = load(Opening(model=name, is_folder=True, may_fetch=False, workers=1, threads=cores))
        with tempfile.TemporaryDirectory() as folder:
            wav = write_wav(Path(folder) / "sound.wav", sound, RATE_HZ)
            request = Request(id=1, path=pack_path(os.fsencode(wav)), language=language)
            said = self._model.listen(request, heard=lambda _: None)
        return {"text": said.text, "language": said.language, "segments": [list(segment) for segment in said.segments]}
