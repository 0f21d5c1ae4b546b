"""Fetches what lies at the address in a link file, for engines that do not do so themselves.

The hosts are those that the settings list, also after each redirect; see `dialling` for where they may lead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from voxtrald import __version__
from voxtrald.engines.http.dialling import Guard, Line
from voxtrald.engines.http.refusals import parse_retry_after
from voxtrald.engines.http.unreachable import unreachable
from voxtrald.errors import ApiBusy, ApiUnreachable, Reason, RecordingError
from voxtrald.links import Address, read_address
from voxtrald.stopping import Stop
from voxtrald.storage import storage_errors

_PIECE_BYTES = 256 * 1024
_OK, _NO_CONTENT, _SERVER_ERROR = 200, 204, 500
_WAIT_AND_SEE = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_HEADERS = {
    "User-Agent": f"voxtrald/{__version__}",
    "Accept": "audio/*, video/*, */*;q=0.5",
    "Accept-Encoding": "identity",  # so that the size that is promised is the size that comes
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a fetch may cost at most.

    Attributes:
        silence_s: the longest time without a byte.
        total_s: the longest time in all, redirects included.
    """

    most_bytes: int = 2 << 30
    total_s: float = 3600.0
    silence_s: float = 30.0
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was fetched, whole."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches from the hosts that the settings list. Threads share it.

    Attributes:
        hosts: entries of `watch.link_hosts`.
        guard: makes the connections.
    """

    hosts: Sequence[str]
    stop: Stop
    guard: Guard = field(default_factory=Guard)
    limits: Limits = Limits()

    def require_allowed(self, address: Address) -> None:
        """Check where an address leads now, for somebody else to open it.

        Raises:
            RecordingError: it leads inside.
            ApiUnreachable: nobody can tell now.
        """
        self.guard.find(address.host)

    def fetch(self, address: Address, *, target: Path, require_room: Callable[[int], None]) -> Fetched:
        """Fetch into a new file, which appears when it is whole.

        Args:
            address: where.
            target: the file to make.
            require_room: is told how many bytes will come, as far as known; raises StorageUnavailable.

        Raises:
            RecordingError: what lies there will not be had: not allowed, gone, too large, a web page.
            ApiUnreachable, ApiBusy: not now; worth another try.
            StorageUnavailable: it cannot be written.
            StopRequested: stop was asked for.
        """
        line = Line(guard=self.guard, stop=self.stop, total_s=self.limits.total_s)
        with line.within() as session:
            try:
                with self._open(session, address) as response:
                    require_room(_promised_bytes(response))
                    return self._save(response, target=target, line=line)
            except (requests.RequestException, HTTPError) as error:
                line.require_whole()
                told = unreachable(error, host=address.host, secrets=(address.url,))
                raise ApiUnreachable(told.message) from error

    def _open(self, session: requests.Session, address: Address) -> requests.Response:
        """Ask, and follow where it redirects to as far as that is allowed; give an answer that is a recording."""
        for _ in range(self.limits.redirects + 1):
            response = self._get(session, address)
            location = _location(response)
            if location is None:
                return _recording(response, host=address.host)
            response.close()
            address = read_address(urljoin(address.url, location), hosts=self.hosts)
        raise _dead(f"{address.host} redirects again and again")

    def _get(self, session: requests.Session, address: Address) -> requests.Response:
        timeout = (self.guard.connect_s, self.limits.silence_s)
        return session.get(address.url, headers=_HEADERS, timeout=timeout, allow_redirects=False, stream=True)

    def _save(self, response: requests.Response, *, target: Path, line: Line) -> Fetched:
        digest, size_bytes = hashlib.sha256(), 0
        part = target.with_name(f"{target.name}.part")
        self._require_size(_promised_bytes(response))
        with storage_errors(part), part.open("wb") as file:
            for piece in _pieces(response):
                line.require_whole()
                size_bytes += len(piece)
                self._require_size(size_bytes)
                digest.update(piece)
                file.write(piece)
        line.require_whole()  # a connection that was broken off may look like one that came to its end
        if not size_bytes:
            raise _nothing(response)
        with storage_errors(target):
            part.replace(target)
        return Fetched(path=target, sha256=digest.hexdigest(), size_bytes=size_bytes)

    def _require_size(self, size_bytes: int) -> None:
        most = self.limits.most_bytes
        if size_bytes > most:
            raise _dead(f"what lies at the link's address has more than {most} bytes, the most that is fetched")


def _location(response: requests.Response) -> str | None:
    """Say where a redirect leads, as it was meant; servers write UTF-8 where only ASCII may stand."""
    told = response.headers.get("Location")
    if response.status_code not in _REDIRECTS or told is None:
        return None
    return told.encode("latin-1", errors="replace").decode("utf-8", errors="replace")


def _recording(response: requests.Response, *, host: str) -> requests.Response:
    """Give back an answer that may be a recording; close any other."""
    try:
        _require_success(response, host=host)
        _require_no_page(response, host=host)
    except (ApiBusy, RecordingError):
        response.close()
        raise
    return response


def _require_success(response: requests.Response, *, host: str) -> None:
    status = response.status_code
    if status in _WAIT_AND_SEE or status >= _SERVER_ERROR:
        wished_s = parse_retry_after({name.lower(): value for name, value in response.headers.items()})
        raise ApiBusy(f"{host} answered with {status}", status=status, retry_after_s=wished_s)
    if not _OK <= status < _NO_CONTENT:
        raise _dead(f"{host} does not give what lies at the link's address: it answered with {status}")


def _require_no_page(response: requests.Response, *, host: str) -> None:
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() in _PAGES:
        raise RecordingError(
            Reason.UNSUPPORTED,
            f"what lies at the link's address on {host} is a web page, not a recording",
            hint="make a link to the recording itself, such as the address of its download button",
        )


def _dead(message: str) -> RecordingError:
    hint = "open the link in a private window of a browser: it must give the recording without signing in"
    return RecordingError(Reason.LINK_UNREACHABLE, message, hint=hint)


def _nothing(response: requests.Response) -> RecordingError | ApiUnreachable:
    """Say what an answer without a body means: an answer cut within its headers looks like one, too."""
    if "Content-Length" in response.headers:
        return RecordingError(Reason.EMPTY, "what lies at the link's address is empty", hint="open it in a browser")
    return ApiUnreachable("the answer broke off")


def _promised_bytes(response: requests.Response) -> int:
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() else 0


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Give what has come; the iterators of requests and urllib3 wait until a whole piece has."""
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        yield piece
