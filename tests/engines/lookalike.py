"""A server with OpenAI's transcription interface that behaves like a given program and hears tone-coded speech."""

from __future__ import annotations

import http.server
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.flavours import KEY, MODEL, Flavour, Refusing
from tests.sound.speech import PlacedWord
from tests.standin.multipart import Form, read_form
from tests.standin.transcribing import Ears, Heard

_WORDS_PER_SEGMENT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: where, with which plain fields, from which of the client's ports, and what came of it."""

    method: str
    path: str
    status: int
    fields: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    port: int = 0

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(value for key, value in self.fields if key == name)


class Lookalike(http.server.ThreadingHTTPServer):
    """The server. `changed` answers come before the true ones: path to status and body, each used once.

    While `open` is not set, transcriptions wait.
    """

    daemon_threads = True

    def __init__(self, flavour: Flavour, folder: Path) -> None:
        self.flavour = flavour
        self.folder = folder
        self.ears = Ears()
        self.asked: list[Asked] = []
        self.changed: dict[str, list[tuple[int, Any]]] = {}
        self.failures: list[BaseException] = []
        self.open = threading.Event()
        self.open.set()
        self.waiting = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Keep a fault of the lookalike itself, for `playing` to raise."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def transcriptions(self) -> list[Asked]:
        """The requests that carried audio."""
        return [asked for asked in self.asked if asked.method == "POST"]


@contextmanager
def playing(flavour: Flavour) -> Iterator[Lookalike]:
    """Run a server while inside."""
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        server = Lookalike(flavour, Path(folder))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.open.set()
            server.shutdown()
            thread.join()
            server.server_close()
        if server.failures:
            raise BaseExceptionGroup("the lookalike itself failed", server.failures)


class _Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Lookalike

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def version_string(self) -> str:
        """Name the program."""
        return self.server.flavour.header

    def do_GET(self) -> None:
        """Tell who this is."""
        self._send(*(self._changed() or self._describe()))

    def do_POST(self) -> None:
        """Transcribe."""
        length = int(self.headers["Content-Length"])
        kind = self.headers.get("Content-Type") or ""
        form = read_form(self.rfile.read1, content_type=kind, length=length, folder=self.server.folder)
        self._wait()
        self._send(*(self._changed() or self._refuse(form) or self._transcribe(form)), form=form)

    def _wait(self) -> None:
        self.server.waiting += 1
        self.server.open.wait()
        self.server.waiting -= 1

    def _changed(self) -> tuple[int, Any] | None:
        with self.server.lock:
            waiting = self.server.changed.get(self.path)
            return waiting.pop(0) if waiting else None

    def _describe(self) -> tuple[int, Any]:
        flavour = self.server.flavour
        if self.path == "/v1/models" and flavour.models is not None:
            return self._denied() or (200, flavour.models)
        if self.path == "/openapi.json" and flavour.title is not None:
            return 200, {"openapi": "3.1.0", "info": {"title": flavour.title, "version": "1"}}
        if self.path == "/":
            return 200, flavour.page
        return 404, {"detail": "Not Found"}

    def _denied(self) -> tuple[int, Any] | None:
        wrong = self.server.flavour.wrong_key
        if wrong is None or self.headers.get("Authorization") == f"Bearer {KEY}":
            return None
        return wrong.status, wrong.body

    def _refuse(self, form: Form) -> tuple[int, Any] | None:
        flavour = self.server.flavour
        if self.path != flavour.path:
            return 404, {"detail": "Not Found"}
        denied = self._denied()
        if denied is not None:
            return denied
        if flavour.unknown_model is not None and form.get("model") != MODEL:
            return _refused(flavour.unknown_model, form.get("model"))
        asked = form.get("response_format")
        if flavour.unknown_format is not None and asked is not None and asked not in flavour.formats:
            return _refused(flavour.unknown_format, asked)
        return None

    def _transcribe(self, form: Form) -> tuple[int, Any]:
        flavour = self.server.flavour
        part = form.files[0]
        heard = None
        if part.path.read_bytes()[:4].startswith(flavour.decodes):
            heard = self.server.ears.listen(part.path, part.sha256)
        if heard is None:
            return _refused(flavour.undecodable, "")
        asked = form.get("response_format")
        return 200, _write(flavour, heard, form, format_name=asked if asked in flavour.formats else flavour.formats[0])

    def _send(self, status: int, body: Any, *, form: Form | None = None) -> None:
        for part in form.files if form else ():
            part.path.unlink()
        asked = Asked(
            method=self.command,
            path=self.path,
            status=status,
            fields=form.fields if form else (),
            authorization=self.headers.get("Authorization"),
            port=self.client_address[1],
        )
        with self.server.lock:
            self.server.asked.append(asked)
        is_text = isinstance(body, str)
        whole = body.encode() if is_text else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if is_text else "application/json")
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole)


def _refused(refusing: Refusing, what: str | None) -> tuple[int, Any]:
    return refusing.status, refusing.about(what or "")


def _write(flavour: Flavour, heard: Heard, form: Form, *, format_name: str) -> Any:
    """Write what was heard in one of OpenAI's formats."""
    wanted = form.values(flavour.granularities)
    text = " ".join(word.text for word in heard.words)
    if format_name == "text":
        return text
    if format_name == "json":
        return {"text": text, "usage": {"type": "duration", "seconds": heard.billed_s}}
    named = {"code": "en", "name": "english", None: None}[flavour.language]
    return {
        "task": "transcribe",
        "text": text,
        "duration": heard.audio_s,
        **({"language": named} if named else {}),
        **(
            {"words": [_entry(flavour, [word], name="word") for word in heard.words]}
            if _has_words(flavour, wanted)
            else {}
        ),
        **({"segments": _segments(flavour, heard, form)} if not wanted or "segment" in wanted else {}),
    }


def _has_words(flavour: Flavour, wanted: tuple[str, ...]) -> bool:
    return flavour.words and "word" in wanted


def _segments(flavour: Flavour, heard: Heard, form: Form) -> list[dict[str, Any]]:
    lines = [heard.words[at : at + _WORDS_PER_SEGMENT] for at in range(0, len(heard.words), _WORDS_PER_SEGMENT)]
    said = form.get(flavour.speakers) if flavour.speakers else None
    has_speakers = flavour.speakers is not None and said != flavour.speakers_unless
    return [
        {"id": index, **_entry(flavour, line, name="text"), **({"speaker": "speaker_1"} if has_speakers else {})}
        for index, line in enumerate(lines)
    ]


def _entry(flavour: Flavour, words: Sequence[PlacedWord], *, name: str) -> dict[str, Any]:
    times = (words[0].start_ms / 1000 * flavour.per_second, words[-1].end_ms / 1000 * flavour.per_second)
    start, end = times if flavour.per_second == 1.0 else map(round, times)
    return {name: "".join(f" {word.text}" for word in words), "start": start, "end": end}
