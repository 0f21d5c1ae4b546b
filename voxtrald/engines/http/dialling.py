"""Connections to hosts that somebody else chose: only to public addresses, and such as can be broken off.

What a link names must not reach what only this machine can reach. So a name is looked up once for each connection,
every address it stands for is judged, and the connection is made to one of those, not to the name, which could stand
for another by then. Proxies are not used, since they would look up the name themselves.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection

from voxtrald.engines.http.pooling import PoolAdapter, shut_down
from voxtrald.errors import ApiUnreachable, Reason, RecordingError, StopRequested
from voxtrald.links import is_public
from voxtrald.stopping import Stop

_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN})


class Offline(ApiUnreachable):
    """This machine has no network, or no name server answers: nobody else is at fault."""


def look_up(host: str) -> tuple[str, ...]:
    """Ask the name servers for a host's addresses.

    Raises:
        OSError: there are none now.
    """
    return tuple(str(place[4][0]) for place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Connects, or says why not.

    Attributes:
        is_allowed: judges each address that a name stands for.
        resolve: gives those addresses, in the order in which they are tried; raises OSError.
        connect_s: how long to wait for a connection to one address.
    """

    is_allowed: Callable[[IPv4Address | IPv6Address], bool] = is_public
    resolve: Callable[[str], Sequence[str]] = look_up
    connect_s: float = 10.0

    def find(self, host: str) -> tuple[str, ...]:
        """Look up a host; give its addresses, all of which may be connected to.

        Raises:
            RecordingError: one of them may not be.
            ApiUnreachable: it has none; Offline where that cannot be known now.
        """
        try:
            places = tuple(self.resolve(host))
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise Offline(f"no name server answers for {host}") from error
            raise ApiUnreachable(f"no answer from {host}: its name cannot be looked up") from error
        if not places:
            raise ApiUnreachable(f"no answer from {host}: its name stands for no address")
        for place in places:
            self._require_allowed(place, host=host)
        return places

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first of a host's addresses that answers; raises as `find` does."""
        troubles: list[OSError] = []
        for place in self.find(host):
            try:
                opened = socket.create_connection((place, port), timeout=self.connect_s)
            except OSError as error:
                troubles.append(error)
            else:
                return self._checked(opened, host=host)
        if all(trouble.errno in _NO_NETWORK for trouble in troubles):
            raise Offline(f"there is no way to {host} through the network") from troubles[0]
        raise ApiUnreachable(f"no answer from {host}: no connection came about") from troubles[-1]

    def _checked(self, opened: socket.socket, *, host: str) -> socket.socket:
        """Judge once more, by what the connection itself says."""
        try:
            self._require_allowed(opened.getpeername()[0], host=host)
        except (OSError, RecordingError):
            opened.close()
            raise
        return opened

    def _require_allowed(self, place: str, *, host: str) -> None:
        if not self.is_allowed(ip_address(place)):
            raise RecordingError(
                Reason.LINK_REFUSED,
                f"the link leads to {host}, which is inside this network or no usual place on the internet",
                hint="only public addresses are opened; drop the recording itself",
            )


class Line:
    """The one connection that a fetch has at a time, which stop and the clock can break off.

    Args:
        total_s: the longest time for everything done `within` it.
    """

    def __init__(self, *, guard: Guard, stop: Stop, total_s: float) -> None:
        self._guard = guard
        self._stop = stop
        self._total_s = total_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_broken = False

    @contextmanager
    def within(self) -> Iterator[requests.Session]:
        """Give a session that talks over this line alone, until stop or the end of its time breaks that off.

        The time ends where a server sends a byte now and then, too, of its headers as well as of its answer.
        """
        timer = threading.Timer(self._total_s, self.break_off)
        timer.daemon = True
        with self._stop.calling(self.break_off), _session(self) as session:
            timer.start()
            try:
                yield session
            finally:
                timer.cancel()
                timer.join()

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect, unless it was broken off already."""
        self.require_whole()
        opened = self._guard.connect(host, port)
        self.use(opened)
        return opened

    def use(self, opened: socket.socket) -> None:
        """Take note of the socket that is read from: ours, or the one that TLS made of it."""
        with self._lock:
            self._socket = opened
            if self._is_broken:
                shut_down(opened)

    def break_off(self) -> None:
        """Wake up whoever reads."""
        with self._lock:
            self._is_broken = True
            if self._socket is not None:
                shut_down(self._socket)

    def require_whole(self) -> None:
        """Check that nothing broke it off.

        Raises:
            StopRequested: stop did.
            RecordingError: the clock did.
        """
        if self._stop.is_set():
            raise StopRequested("stopped while fetching")
        if self._is_broken:
            minutes = self._total_s / 60
            raise RecordingError(
                Reason.LINK_UNREACHABLE,
                f"fetching what the link names takes longer than {minutes:g} minutes",
                hint="fetch it yourself and drop the recording",
            )


def _session(line: Line) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy, no ~/.netrc
    for scheme in ("https://", "http://"):
        session.mount(scheme, _adapter(line))
    return session


def _adapter(line: Line) -> PoolAdapter:
    """Make an adapter whose connections are made by a line."""

    class LineHTTP(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return line.connect(self.host, self.port)

    class LineHTTPS(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return line.connect(self.host, self.port)

        def connect(self) -> None:
            super().connect()
            line.use(self.sock)

    return PoolAdapter(http=LineHTTP, https=LineHTTPS)
