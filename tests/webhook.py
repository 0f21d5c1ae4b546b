"""A web hook: an HTTP server that keeps what is posted to it and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Keeps every JSON object posted to it; `answers` are the statuses of the next ones, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.answers: list[int] = []
        self.posts: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()

    def url(self, secret: str = "") -> str:
        """Give the address as Apprise writes it, with a password where one is given."""
        user = f"user:{secret}@" if secret else ""
        return f"json://{user}127.0.0.1:{self.server_port}/"

    def titles(self) -> list[str]:
        """Give the titles of the posts that were answered with 200."""
        return [post["title"] for post in self.posts if post["answer"] == 200]


class _Post(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.gate.wait(30)
        answer = self.server.answers.pop(0) if self.server.answers else 200
        self.server.posts.append({**post, "answer": answer, "authorization": self.headers.get("Authorization")})
        self.send_response(answer)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Run a web hook while the block lasts."""
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()
