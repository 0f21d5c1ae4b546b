"""HTTP to one service: sessions, time-outs, bodies streamed from disk.

A request cannot be interrupted from Python, so its thread hears `stop` only between requests. Therefore
senders are daemon threads, and `abort` shuts their sockets down when the grace for stopping is over.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests_toolbelt.multipart.encoder import MultipartEncoder
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from voxtrald import __version__
from voxtrald.clock import Clock
from voxtrald.engines.http.pooling import PoolAdapter, shut_down
from voxtrald.engines.http.refusals import read_error
from voxtrald.engines.http.replies import Errand, Reply
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.http.unreachable import unreachable
from voxtrald.engines.http.uplink import Uplink
from voxtrald.errors import ApiGarbled, ApiUnreachable
from voxtrald.storage import storage_errors

_MOST_BYTES = 64 * 1024 * 1024  # a transcript of hours has a few; nothing may fill the memory
_PIECE_BYTES = 64 * 1024
_MOST_REDIRECTS = 5
_SERVER_ERROR = 500
_MEDIA_TYPES: Mapping[str, str] = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file to be sent under a name of our choosing; the far side never learns what it is called here.

    Attributes:
        answered_on_receipt: the answer comes when the body has arrived, so that its time tells the speed.
    """

    path: Path
    name: str
    answered_on_receipt: bool

    @property
    def media_type(self) -> str:
        """The type that belongs to the name's extension."""
        return _MEDIA_TYPES.get(self.name.rpartition(".")[2].lower(), "application/octet-stream")


class Transport:
    """Requests to one base address with one key or none; each thread has a session with connections of its own."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        connect_timeout_s: float,
        read_timeout_s: float,
        slots: RequestSlots,
        clock: Clock,
    ) -> None:
        self.uplink = Uplink()
        self._slots = slots
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname or base_url
        self._auth = _Bearer(api_key)
        self._secrets: tuple[str, ...] = (api_key,) if api_key else ()
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._monotonic_s = clock.monotonic_s
        self._sockets = _Sockets()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._own = threading.local()

    def get(self, path: str, *, query: Mapping[str, str | int], timeout_s: float) -> Reply:
        """Ask for something; redirects are followed, but the key stays with this host.

        Raises:
            ApiUnreachable: where no whole answer came.
            ApiGarbled: where the answer is too long to be one.
        """
        return self._exchange("GET", path, timeout_s=timeout_s, params=query, allow_redirects=True)

    def delete(self, path: str, *, timeout_s: float) -> Reply:
        """Ask for a deletion.

        Raises:
            ApiUnreachable: where no whole answer came.
            ApiGarbled: where the answer is too long to be one.
        """
        return self._exchange("DELETE", path, timeout_s=timeout_s)

    def post(
        self,
        path: str,
        *,
        fields: Sequence[tuple[str, str]],
        json_fields: Sequence[tuple[str, str]] = (),
        file: FilePart | None = None,
    ) -> Reply:
        """Send a multipart form, the file streamed from disk. Redirects are not followed.

        Texts in `json_fields` are JSON, and are labelled so.

        Raises:
            ApiUnreachable: where no whole answer came.
            ApiGarbled: where the answer is too long to be one.
            StorageUnavailable: where the file cannot be opened.
        """
        with ExitStack() as opened:
            parts: list[tuple[str, object]] = list(fields)
            parts += [(name, (None, text, "application/json")) for name, text in json_fields]
            if file is not None:
                parts.append(("file", (file.name, opened.enter_context(_open(file.path)), file.media_type)))
            form = MultipartEncoder(fields=parts)
            body = _TimedBody(form, monotonic_s=self._monotonic_s)
            reply = self._exchange(
                "POST",
                path,
                timeout_s=self._read_timeout_s,
                data=body,
                headers={"Content-Type": form.content_type},
            )
            if file is not None and reply.succeeded:
                ended_s = self._monotonic_s() if file.answered_on_receipt else body.ended_s
                self.uplink.observe(sent_bytes=body.len, seconds=ended_s - body.began_s)
        return reply

    def require_success(self, reply: Reply, errand: Errand) -> None:
        """Raise the `ApiError` that a reply means, unless it is a success."""
        if not reply.succeeded:
            raise read_error(reply, errand, secrets=self._secrets)

    def close(self) -> None:
        """Close idle connections; requests on their way go on."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    def abort(self) -> None:
        """Break off what is on its way, as well as it can be done; each request ends in `ApiUnreachable`."""
        self._sockets.shut_down()

    def _exchange(self, method: str, path: str, *, timeout_s: float, **options: Any) -> Reply:
        session = self._session()
        try:
            with (
                self._slots.one(),
                session.request(
                    method,
                    self._base_url + path,
                    timeout=(self._connect_timeout_s, timeout_s),
                    stream=True,
                    **{"allow_redirects": False, **options},
                ) as response,
            ):
                reply = self._read(response, deadline_s=self._monotonic_s() + timeout_s)
        except (requests.RequestException, HTTPError) as error:
            raise unreachable(error, host=self._host, secrets=self._secrets) from error
        if reply.status >= _SERVER_ERROR:
            # Servers hang up after a failure of theirs, some a moment later: the next request would meet that.
            session.close()
        return reply

    def _read(self, response: requests.Response, *, deadline_s: float) -> Reply:
        """Read the body, but neither for ever (a server can send a byte a minute) nor without a bound.

        `read1` takes what has come; the iterators of requests and urllib3 wait until a whole piece has.
        """
        body = bytearray()
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
            body += piece
            if len(body) > _MOST_BYTES:
                raise ApiGarbled(f"the answer has over {_MOST_BYTES} bytes", status=response.status_code)
            if self._monotonic_s() > deadline_s:
                raise ApiUnreachable("the answer takes too long", status=response.status_code)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status_code, headers=headers, body=bytes(body))

    def use_key(self, api_key: str | None) -> None:
        """Authorize with another key, or with none, from the next request on."""
        self._secrets = (*self._secrets, api_key) if api_key else self._secrets
        self._auth.api_key = api_key

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._open_session()
            self._own.session = session
            with self._lock:
                self._sessions.add(session)
        return session

    def _open_session(self) -> requests.Session:
        session = requests.Session()
        session.auth = self._auth
        session.max_redirects = _MOST_REDIRECTS
        session.headers.update({"User-Agent": f"voxtrald/{__version__}", "Accept": "application/json"})
        for scheme in ("https://", "http://"):
            session.mount(scheme, _adapter(self._sockets))
        return session


class _Bearer(requests.auth.AuthBase):
    """Put the key, if any, in the header. Without an auth object requests would take what a ~/.netrc holds."""

    def __init__(self, api_key: str | None) -> None:
        self.api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.api_key is not None:
            request.headers["Authorization"] = f"Bearer {self.api_key}"
        return request


class _TimedBody:
    """A form with a known length that notes when its first and last bytes were taken."""

    def __init__(self, form: MultipartEncoder, *, monotonic_s: Callable[[], float]) -> None:
        self.len: int = form.len
        self.began_s = self.ended_s = monotonic_s()
        self._form = form
        self._monotonic_s = monotonic_s
        self._began = False

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, and note the time."""
        self.ended_s = self._monotonic_s()
        if not self._began:
            self._began, self.began_s = True, self.ended_s
        piece: bytes = self._form.read(size)
        return piece


def _open(path: Path) -> IO[bytes]:
    with storage_errors(path):
        return path.open("rb")


# --- reaching the sockets of requests on their way -------------------------------------------------------


class _Sockets:
    """The sockets that are open; garbage collection removes those that are not."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add(self, opened: socket.socket) -> None:
        """Remember a socket."""
        with self._lock:
            self._open.add(opened)

    def shut_down(self) -> None:
        """Wake up whoever reads from or writes to any of the sockets."""
        with self._lock:
            sockets = list(self._open)
        for each in sockets:
            shut_down(each)


def _adapter(sockets: _Sockets) -> PoolAdapter:
    """Make an adapter whose connections tell which sockets they use."""

    class ObservedHTTP(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class ObservedHTTPS(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return PoolAdapter(http=ObservedHTTP, https=ObservedHTTPS)
