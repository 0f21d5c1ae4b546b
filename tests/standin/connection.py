"""One HTTP/1.1 connection of the stand-in, and the socket that accepts them."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import struct
import sys
import threading
import time
import uuid
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.standin import contract
from tests.standin.answers import Answer, error_answer, json_answer, not_found, unauthorized, validation
from tests.standin.faults import ResetDuringBody
from tests.standin.multipart import Form, NotAForm, drain, read_form
from tests.standin.records import Begun, Request
from tests.standin.script import Call
from tests.standin.service import Audio, Visit

if TYPE_CHECKING:
    from tests.standin.server import Standin

_CONTROL = "/_standin/"
_NOT_MULTIPART = "Invalid request, make sure the request is formatted as a multipart/form-data request."
_PIECES = 20
_KINDS = {("POST", "/v1/audio/transcriptions"): "transcription", ("POST", "/v1/files"): "upload"}
_LINGER_NOT = struct.pack("ii", 1, 0)
_NOTHING = Answer(status=500, reset_after=0)
"""What a client gets that has left already, or when the stand-in itself fails."""


class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Accepts connections; each has a thread of its own, which ends with it."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], handler: type[Connection], *, standin: Standin) -> None:
        self.standin = standin
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread, known before it starts so that `hang_up` misses none."""
        thread = threading.Thread(target=self._attend, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _attend(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[request]

    def hang_up(self) -> None:
        """End every connection and wait for its thread."""
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it has ended by itself
        for thread in threads:
            thread.join()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; a reset one without the polite goodbye."""
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _LINGER_NOT:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Keep what went wrong for `Standin.close`, unless the client has just left."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.standin.records.fail(error)


class Connection(http.server.BaseHTTPRequestHandler):
    """Reads requests, checks them, and sends what the service or the script answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        """Serve a request."""
        self._serve()

    do_POST = do_DELETE = do_PUT = do_PATCH = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    @property
    def _standin(self) -> Standin:
        return self.server.standin

    def _serve(self) -> None:
        self._url = urlsplit(self.path)
        if self._url.path.startswith(_CONTROL):
            self._send(self._control())
            return
        kind = _KINDS.get((self.command, self._url.path), "other")
        begun = self._standin.records.begin(kind)
        self._standin.start_clock()
        self._left = int(self.headers.get("Content-Length") or 0)
        self._form = Form(fields=(), files=())
        self._audio: Audio | None = None
        answer = _NOTHING
        try:
            answer = self._answer(begun)
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001  a bug in the stand-in: the test must hear of it, see Standin.close
            self._standin.records.fail(error)
        # Ended before it is sent: a client that has its answer must find it in the books, and its next
        # request must not be counted beside this one.
        self._tidy()
        self._standin.records.end(kind, self._record(begun, answer))
        self._send(answer)

    def _record(self, begun: Begun, answer: Answer) -> Request:
        audio = self._audio
        return Request(
            method=self.command,
            path=self._url.path,
            status=None if answer.reset_after is not None else answer.status,
            started_s=begun.at_s,
            ended_s=time.monotonic(),
            in_flight=begun.in_flight,
            bytes_in=int(self.headers.get("Content-Length") or 0) - self._left,
            fields=self._form.fields,
            filename=audio.filename if audio else "",
            sha256=audio.sha256 if audio else "",
        )

    def _tidy(self) -> None:
        kept = {stored.path for stored in self._standin.files}
        for part in self._form.files:
            if part.path not in kept:
                part.path.unlink(missing_ok=True)

    # --- one request, step by step ---------------------------------------------------------------------------

    def _answer(self, begun: Begun) -> Answer:
        early = self._standin.script.pick(Call(method=self.command, path=self._url.path), early=True)
        if early is not None:
            if isinstance(early, ResetDuringBody):
                drain(self._pull, min(early.count, self._left))
            self.close_connection = True
            return early.apply(not_found, self._standin.wait)
        refusal = self._read_body() or self._check()
        self._audio = self._find_audio()
        fault = self._standin.script.pick(self._call(), early=False)
        if fault is not None:
            return fault.apply(lambda: refusal or self._true_answer(begun), self._standin.wait)
        return refusal or self._true_answer(begun)

    def _pull(self, count: int) -> bytes:
        piece: bytes = self.rfile.read1(count)
        self._left -= len(piece)
        return piece

    def _read_body(self) -> Answer | None:
        if self.command != "POST":
            drain(self._pull, self._left)
            return None
        if "Content-Length" not in self.headers:
            self.close_connection = True
            self._standin.records.violate("a body without Content-Length")
            return error_answer(411, "Length Required")
        try:
            self._form = read_form(
                self._pull,
                content_type=self.headers.get("Content-Type") or "",
                length=self._left,
                folder=self._standin.folder,
            )
        except NotAForm as error:
            self._standin.records.violate(f"{self.command} {self._url.path}: {error}")
            return error_answer(422, _NOT_MULTIPART)
        return None

    def _check(self) -> Answer | None:
        """Compare the request with the contract; give the refusal where it breaks it."""
        template, method = contract.template_of(self._url.path), self.command.lower()
        if template is None or method not in contract.load_contract()["paths"][template]:
            self._standin.records.violate(f"unknown operation: {self.command} {self._url.path}")
            return not_found()
        if contract.needs_key(template, method) and not self._has_key():
            return unauthorized()
        problems = contract.path_problems(template, self._url.path)
        problems += contract.query_problems(template, method, parse_qsl(self._url.query, keep_blank_values=True))
        if method == "post":
            names = [part.name for part in self._form.files]
            problems += contract.form_problems(template, self._form.fields, names, kinds=self._form.kinds)
        for problem in problems:
            self._standin.records.violate(f"{self.command} {template}: {problem}")
        if not problems:
            return None
        body = validation("; ".join(problems), loc=("body",))
        return error_answer(422, body) if "audio" in template else json_answer(body, status=422)

    def _has_key(self) -> bool:
        scheme, _, key = (self.headers.get("Authorization") or "").partition(" ")
        if scheme != "Bearer":
            self._standin.records.violate(f"{self.command} {self._url.path}: no bearer key")
        return scheme == "Bearer" and key in self._standin.keys

    def _find_audio(self) -> Audio | None:
        if self.command != "POST":
            return None
        return self._standin.service.audio_of(self._form)

    def _call(self) -> Call:
        audio = self._audio
        if audio is None:
            return Call(method=self.command, path=self._url.path, form=self._form)
        return Call(
            method=self.command,
            path=self._url.path,
            form=self._form,
            filename=audio.filename,
            sha256=audio.sha256,
            words=lambda: self._words(audio),
        )

    def _words(self, audio: Audio) -> tuple[Any, ...]:
        heard = self._standin.service.ears.listen(audio.path, audio.sha256)
        return heard.words if heard is not None else ()

    def _true_answer(self, begun: Begun) -> Answer:
        cap = self._standin.concurrency_cap
        if cap is not None and self._url.path == "/v1/audio/transcriptions" and begun.of_kind > cap:
            message = "Service tier capacity exceeded for this model."
            return error_answer(429, message, kind="rate_limited", code="3505", headers={"Retry-After": "1"})
        template = contract.template_of(self._url.path) or ""
        visit = Visit(
            method=self.command,
            path=self._url.path,
            template=template,
            url=self._standin.url + self.path,
            query=dict(parse_qsl(self._url.query)),
            form=self._form,
        )
        answer = self._standin.service.answer(visit)
        if answer.content_type == "application/json":
            value = json.loads(answer.body)
            problems = contract.answer_problems(template, self.command.lower(), answer.status, value)
            if problems:
                raise AssertionError(f"the stand-in breaks its own contract: {problems}")
        return answer

    def _control(self) -> Answer:
        """Serve the control surface that a stand-in in a process of its own is steered by."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._url.path == f"{_CONTROL}script" and self.command == "POST":
            self._standin.follow(json.loads(body))
            return json_answer({})
        match self._url.path.removeprefix(_CONTROL):
            case "stats":
                return json_answer(self._standin.stats())
            case "requests":
                return json_answer([asdict(request) for request in self._standin.requests])
        return not_found()

    # --- the wire --------------------------------------------------------------------------------------------

    def _send(self, answer: Answer) -> None:
        whole = self._head(answer) + answer.body
        if answer.reset_after is not None:
            self.connection.sendall(whole[: answer.reset_after])
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self.close_connection = True
            return
        if answer.cut_short:
            whole = whole[: len(whole) - len(answer.body) // 2]
            self.close_connection = True
        step = -(-len(whole) // _PIECES) if answer.spread_s else len(whole)
        for at in range(0, len(whole), step):
            self.connection.sendall(whole[at : at + step])
            if answer.spread_s and self._standin.closing.wait(answer.spread_s / _PIECES):
                raise ConnectionAbortedError

    def _head(self, answer: Answer) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            f"mistral-correlation-id: {uuid.uuid4()}",
            *(f"{name}: {value}" for name, value in answer.headers),
            *(["Connection: close"] if self.close_connection else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
