"""What the service answers: one method for each operation of the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.standin.answers import (
    Answer,
    error_answer,
    json_answer,
    not_fetchable,
    not_found,
    undecodable,
    validation,
)
from tests.standin.models import MODELS, RETIRED, Model
from tests.standin.multipart import FilePart, Form
from tests.standin.records import Records
from tests.standin.rules import Refusal, is_accepted, judge, read_voices
from tests.standin.script import Script
from tests.standin.shelf import Shelf
from tests.standin.speakers import Company, clip_problem
from tests.standin.transcribing import Ears, Heard, write_transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that keeps the contract.

    Attributes:
        template: the contract's path, such as `/v1/files/{file_id}`.
        url: the whole address, with the query.
    """

    method: str
    path: str
    template: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=lambda: Form(fields=(), files=()))

    @property
    def file_id(self) -> str:
        """The id in the path."""
        return self.path.split("/")[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The audio a transcription request means."""

    path: Path
    filename: str
    sha256: str
    forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The operations and what they share.

    Attributes:
        max_bytes: the largest file it takes (docs.mistral.ai, known limitations: 512 MB).
        linger: waits as long as a transcription of so many seconds of audio is supposed to take.
        elsewhere: what lies at addresses of other servers, or None where the service finds nothing there; a client
            that names any others has not kept the contract.
    """

    shelf: Shelf
    ears: Ears
    records: Records
    script: Script
    max_bytes: int
    linger: Callable[[float], None]
    elsewhere: dict[str, Path | None] = field(default_factory=dict)

    def answer(self, visit: Visit) -> Answer:
        """Work out the true answer."""
        operations: Mapping[tuple[str, str], Callable[[Visit], Answer]] = {
            ("GET", "/v1/models"): self._list_models,
            ("POST", "/v1/files"): self._upload,
            ("GET", "/v1/files"): self._list_files,
            ("GET", "/v1/files/{file_id}"): self._describe,
            ("DELETE", "/v1/files/{file_id}"): self._delete,
            ("GET", "/v1/files/{file_id}/url"): self._sign,
            ("GET", "/blob/audio/{file_id}"): self._read_signed,
            ("POST", "/v1/audio/transcriptions"): self._transcribe,
        }
        return operations[visit.method, visit.template](visit)

    def audio_of(self, form: Form) -> Audio | None:
        """Find the audio a form means: sent along, uploaded earlier, or behind a signed address."""
        sent = next((part for part in form.files if part.name == "file"), None)
        if sent is not None:
            return Audio(path=sent.path, filename=sent.filename, sha256=sent.sha256)
        url, file_id = form.get("file_url"), form.get("file_id")
        if path := self.elsewhere.get(url or ""):
            return Audio(path=path, filename=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        stored = self.shelf.open_url(url) if url is not None else self.shelf.find(file_id or "")
        if stored is None:
            return None
        return Audio(path=stored.path, filename=stored.filename, sha256=stored.sha256, forgotten=stored.forgotten)

    def _list_models(self, _: Visit) -> Answer:
        return json_answer({"object": "list", "data": [model.card() for model in (*MODELS, RETIRED)]})

    def _upload(self, visit: Visit) -> Answer:
        part = visit.form.files[0]
        refusal = self._refuse_upload(part)
        if refusal is not None:
            part.path.unlink()
            return refusal
        stored = self.shelf.keep(
            part,
            purpose=visit.form.get("purpose") or "fine-tune",
            visibility=visit.form.get("visibility") or "workspace",
            forgotten=self.script.take_forgetting(),
        )
        return json_answer(stored.describe())

    def _refuse_upload(self, part: FilePart) -> Answer | None:
        if part.size_bytes > self.max_bytes:
            return error_answer(413, "The file is too large.", kind="invalid_request_file")
        with part.path.open("rb") as file:
            if is_accepted(file.read(12)):
                return None
        return json_answer(validation("Invalid file format.", loc=("body", "file")), status=422)

    def _list_files(self, visit: Visit) -> Answer:
        page, size = int(visit.query.get("page", "0")), int(visit.query.get("page_size", "100"))
        search, purpose = visit.query.get("search", ""), visit.query.get("purpose")
        found = [
            stored.describe()
            for stored in self.shelf.all()
            if search in stored.filename and purpose in (None, stored.purpose) and not stored.forgotten
        ]
        total = len(found) if visit.query.get("include_total") != "false" else None
        return json_answer({"object": "list", "data": found[page * size : (page + 1) * size], "total": total})

    def _describe(self, visit: Visit) -> Answer:
        stored = self.shelf.find(visit.file_id)
        if stored is None or stored.forgotten:
            return not_found()
        return json_answer(stored.describe() | {"deleted": False})

    def _delete(self, visit: Visit) -> Answer:
        stored = self.shelf.find(visit.file_id)
        if stored is None or not self.shelf.remove(visit.file_id) or stored.forgotten:
            return not_found()
        return json_answer({"id": visit.file_id, "object": "file", "deleted": True})

    def _sign(self, visit: Visit) -> Answer:
        if self.shelf.find(visit.file_id) is None:
            return not_found()
        hours = int(visit.query.get("expiry", "24"))
        return json_answer({"url": self.shelf.sign(visit.file_id, hours=hours)})

    def _read_signed(self, visit: Visit) -> Answer:
        stored = self.shelf.open_url(visit.url)
        if stored is None:
            body = b'<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code></Error>'
            return Answer(status=403, body=body, content_type="application/xml")
        return Answer(status=200, body=stored.path.read_bytes(), content_type="application/octet-stream")

    def _transcribe(self, visit: Visit) -> Answer:
        model = judge(visit.form)
        if isinstance(model, Refusal):
            if model.violation:
                self.records.violate(model.violation)
            return model.answer
        audio = self.audio_of(visit.form)
        if audio is None:
            url = visit.form.get("file_url")
            self._blame_foreign(url)
            return not_fetchable(url) if url is not None else not_found()
        problem = next(filter(None, (clip_problem(*clip) for clip in self._lengths(visit.form))), None)
        if problem is not None:
            self.records.violate(problem)
            return error_answer(400, problem)
        return not_found() if audio.forgotten else self._listen(visit.form, model, audio)

    def _lengths(self, form: Form) -> Iterator[tuple[str, float | None]]:
        """Tell how many seconds each clip of a voice has."""
        for name, content in read_voices(form).items():
            heard = self.ears.listen_to(content)
            yield name, heard.audio_s if heard else None

    def _company(self, form: Form) -> Company | None:
        """Meet the speakers of the clips, where speakers are to be told apart."""
        if form.get("diarize") != "true":
            return None
        heard = {name: self.ears.listen_to(content) for name, content in read_voices(form).items()}
        return Company.introduced({name: clip.words if clip else () for name, clip in heard.items()})

    def _blame_foreign(self, url: str | None) -> None:
        if url is not None and url not in self.elsewhere and not self.shelf.is_ours(url):
            self.records.violate("file_url points to another server")

    def _listen(self, form: Form, model: Model, audio: Audio) -> Answer:
        try:
            heard = self._hear(audio)
        except FileNotFoundError:  # deleted in the meantime
            return not_fetchable(form.get("file_url") or "")
        if heard is None:
            return undecodable()
        if heard.audio_s > model.most_audio_s:
            return error_answer(400, "The audio does not fit into the model's context window.")
        self.linger(heard.audio_s)
        self.records.pay(audio.sha256, heard.billed_s)
        transcript = write_transcript(
            heard,
            model=form.get("model") or model.name,
            granularities=form.values("timestamp_granularities"),
            speakers=self._company(form),
            language=_language(form, model),
        )
        return json_answer(transcript)

    def _hear(self, audio: Audio) -> Heard | None:
        with audio.path.open("rb") as file:
            if not is_accepted(file.read(12)):
                return None
        return self.ears.listen(audio.path, audio.sha256)


def _language(form: Form, model: Model) -> str | None:
    """What the answer says about the language: nothing where it was given, or where times were asked for."""
    if form.get("return_language") == "true":
        return "en"
    told = model.tells_language and not form.get("language") and not form.values("timestamp_granularities")
    return "en" if told else None
