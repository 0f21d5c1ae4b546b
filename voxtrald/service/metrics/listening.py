"""A small HTTP server for monitoring: /metrics, /health and /ready, and nothing else.

It answers GET and HEAD, one request per connection. A client that is slow has little time, and where too many are
connected, the oldest is let go for the newest: nobody can keep the others out.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final, Self

import structlog

from voxtrald.config import listen_place
from voxtrald.errors import ConfigError, Problem

SLOW_S: Final = 5.0
MOST_CLIENTS: Final = 16
_LONGEST_ACCEPT: Final = 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"

    @classmethod
    def of(cls, status: HTTPStatus, content: Mapping[str, Any]) -> Self:
        """Answer with JSON."""
        return cls(status=status, body=json.dumps(content).encode() + b"\n")


Answer = Callable[[str], Page]
"""Makes a page; it is given the request's Accept header."""


class Server:
    """Listens at one address until it is closed.

    Args:
        listen: address and port, such as `127.0.0.1:8643`.
        key: of the setting that says so, for the message where it cannot be.
        pages: how to answer, by path.
    """

    def __init__(self, listen: str, *, key: str, pages: Mapping[str, Answer], slow_s: float = SLOW_S) -> None:
        """Listen.

        Raises:
            ConfigError: nothing can listen there.
        """
        try:
            self._server = _Listener(_place(listen), pages=pages, slow_s=slow_s)
        except (OSError, ValueError, UnicodeError) as error:
            raise ConfigError((_not_there(listen, key=key, error=error),)) from error
        self._thread = threading.Thread(target=self._server.serve, name="listener", daemon=True)
        self._thread.start()
        log.info("metrics_served", address=self.address)

    @property
    def address(self) -> str:
        """Where it listens; the port is the real one also where any was asked for."""
        host, port, *_ = self._server.socket.getsockname()
        return f"[{host}]:{port}" if self._server.address_family == socket.AF_INET6 else f"{host}:{port}"

    def close(self) -> None:
        """Stop listening and let every client go."""
        self._server.end()
        self._thread.join()
        self._server.server_close()


def _place(listen: str) -> tuple[socket.AddressFamily, Any]:
    place = listen_place(listen)
    if place is None:
        raise ValueError("it is no address with a port")
    host, port = place
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return family, address


def _not_there(listen: str, *, key: str, error: Exception) -> Problem:
    reason = getattr(error, "strerror", None) or str(error)
    hint = "another program may use this port; choose another one, or null for none"
    return Problem(key=key, what=f"cannot listen at {listen}: {reason[:1].lower()}{reason[1:]}", hint=hint)


class _Listener(ThreadingTCPServer):
    """Not HTTPServer, which looks its own name up at the start, and waits for a name server that is not there."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * MOST_CLIENTS

    def __init__(self, place: tuple[socket.AddressFamily, Any], *, pages: Mapping[str, Answer], slow_s: float) -> None:
        self.address_family, address = place
        self.pages = pages
        self.slow_s = slow_s
        self._clients: dict[socket.socket, None] = {}
        self._changing = threading.Lock()
        self._ending, self._ended = socket.socketpair()
        super().__init__(address, _Request)

    def serve(self) -> None:
        """Serve until the end; not `serve_forever`, which looks twice a second whether it is there."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while self._ended not in {key.fileobj for key, _ in selector.select()}:
                self.handle_request()

    def end(self) -> None:
        """Stop serving, and let every client go."""
        self._ending.send(b"x")
        with self._changing:
            clients = tuple(self._clients)
        for client in clients:
            _hang_up(client)

    def server_close(self) -> None:
        """Give all sockets back; also called where there is nothing to listen at."""
        super().server_close()
        self._ending.close()
        self._ended.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a client in a thread of its own, and let the oldest go where there are too many."""
        with self._changing:
            self._clients[request] = None
            over = next(iter(self._clients)) if len(self._clients) > MOST_CLIENTS else None
        if over is not None:
            _hang_up(over)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._changing:
            self._clients.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is its own business."""


def _hang_up(client: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may have gone by itself
        client.shutdown(socket.SHUT_RDWR)


class _Request(BaseHTTPRequestHandler):
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.slow_s)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def _answer(self, *, has_body: bool) -> None:
        answer = self.server.pages.get(self.path.partition("?")[0])
        page = answer(self.headers.get("Accept", "")[:_LONGEST_ACCEPT]) if answer else _NOWHERE
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if has_body:
            self.wfile.write(page.body)

    def version_string(self) -> str:
        """Name the program, and not the version of what it is made with."""
        return "voxtrald"

    def log_message(self, *_: Any) -> None:
        """Write nothing: a line every few seconds tells nobody anything."""


_NOWHERE: Final = Page.of(HTTPStatus.NOT_FOUND, {"error": "there are /metrics, /health and /ready"})
