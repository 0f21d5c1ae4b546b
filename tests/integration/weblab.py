"""A small web server whose answers a test writes byte by byte, for what must cope with any of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]


def said(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> Answer:
    """Answer with a status, headers (underscores for hyphens) and a body; its length is told unless they do."""
    told = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"HTTP/1.1 {status}", "connection: close", *(f"{name}: {value}" for name, value in told.items() if value)]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def moved(location: str) -> Answer:
    """Answer with a redirect."""
    return said(status="302 Found", location=location)


def raw(answer: bytes) -> Answer:
    """Answer with these bytes and hang up."""
    return lambda peer: peer.sendall(answer)


@dataclass(slots=True, kw_only=True)
class Web:
    """A running server.

    Attributes:
        pages: what it says, by path; a list is said in turn, its last entry for ever.
        asked: the requests that came, whole, without bodies.
        encrypt: makes an encrypted connection of an accepted one, or gives it back.
        closing: is set when it is told to end; answers that wait should hear it.
    """

    port: int
    pages: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)
    encrypt: Callable[[socket.socket], socket.socket] = lambda peer: peer
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/talk.mp3", *, host: str = "media.example") -> str:
        """Give an address at this server."""
        return f"http://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """Give the paths that were asked for."""
        return [request.split(b" ")[1].decode() for request in self.asked]

    def serve(self, accepted: socket.socket) -> None:
        """Answer one request."""
        with suppress(OSError), self.encrypt(accepted) as peer:
            request = b""
            while b"\r\n\r\n" not in request and (more := peer.recv(65536)):
                request += more
            if not request:
                return
            self.asked.append(request)
            self._answer_to(self.paths()[-1].partition("?")[0])(peer)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):  # or the rest of what was sent would be lost in a reset
                pass

    def _answer_to(self, path: str) -> Answer:
        answer = self.pages.get(path, said(status="404 Not Found"))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


@contextmanager
def serving(
    pages: Mapping[str, Answer | list[Answer]],
    *,
    place: str = "127.0.0.1",
    port: int = 0,
    encrypt: Callable[[socket.socket], socket.socket] = lambda peer: peer,
) -> Iterator[Web]:
    """Serve pages until the block ends; each connection in a thread of its own."""
    with socket.create_server((place, port)) as listener:
        web = Web(port=listener.getsockname()[1], pages=dict(pages), encrypt=encrypt)
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    threads.append(threading.Thread(target=web.serve, args=(peer,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield web
        finally:
            web.closing.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(10)
