"""Why no answer came, in one plain sentence. The libraries' own texts are for those who wrote them."""

from __future__ import annotations

import errno
import http.client
import ssl
from collections.abc import Iterable, Iterator, Mapping

import requests
from urllib3 import exceptions

from voxtrald.errors import ApiUnreachable
from voxtrald.redacting import excerpt

_LONGEST_CHAIN = 10

_ONLINE = "is this machine online?"
_BROKEN_OFF = ("the connection was broken off", "")
_CUT_OFF = ("the answer broke off", "")
_NO_WAY = ("there is no way to it through the network", _ONLINE)
_NO_TLS = ("no encrypted connection came about", "are scheme and port of engine.base_url right?")
_CODES: Mapping[int, tuple[str, str]] = {
    errno.ECONNREFUSED: ("it refuses connections", "does the service run, and is engine.base_url right?"),
    errno.ECONNRESET: _BROKEN_OFF,
    errno.ECONNABORTED: _BROKEN_OFF,
    errno.EPIPE: _BROKEN_OFF,
    errno.ENETUNREACH: _NO_WAY,
    errno.EHOSTUNREACH: _NO_WAY,
    errno.ENETDOWN: _NO_WAY,
}
# Of several kinds that fit, the first counts.
_KINDS: Mapping[type[BaseException], tuple[str, str]] = {
    exceptions.NameResolutionError: ("its name cannot be looked up", f"does name look-up (DNS) work? {_ONLINE}"),
    exceptions.ConnectTimeoutError: ("no connection came about in time", _ONLINE),
    exceptions.ReadTimeoutError: ("it was silent for too long", ""),
    exceptions.IncompleteRead: _CUT_OFF,
    exceptions.InvalidChunkLength: _CUT_OFF,
    http.client.IncompleteRead: _CUT_OFF,
    exceptions.DecodeError: ("the answer is not compressed as it claims", ""),
    http.client.RemoteDisconnected: _BROKEN_OFF,
    http.client.HTTPException: ("what answers there does not speak HTTP", "is the port in engine.base_url right?"),
    exceptions.ProtocolError: _BROKEN_OFF,
    requests.TooManyRedirects: ("it redirects in circles", "is engine.base_url right?"),
}
_PROXY = ("the proxy does not let us through", "see HTTPS_PROXY in the environment")
_CLOCK = "is this machine's clock right? does a proxy on the way decrypt what passes?"


def unreachable(error: Exception, *, host: str, secrets: Iterable[str]) -> ApiUnreachable:
    """Make the error that says why `host` gave no answer; what we have no words for is told in the library's."""
    why, hint = _reason(error) or (excerpt(str(error), secrets=secrets), "")
    return ApiUnreachable(f"no answer from {host}: {why}", hint=hint)


def _reason(error: Exception) -> tuple[str, str] | None:
    links = tuple(_chain(error))
    if any(isinstance(link, exceptions.ProxyError) for link in links):
        return _PROXY  # what lies inside is the proxy's trouble, not the service's
    meanings = [meaning for link in links if (meaning := _meaning(link))]
    return meanings[-1] if meanings else None  # an inner link says more than the one around it


def _chain(error: object) -> Iterator[BaseException]:
    """Walk inwards: these libraries carry the cause as `reason`, as an argument, or as the context."""
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(error, BaseException):
            return
        yield error
        inside = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        error = next((each for each in inside if isinstance(each, BaseException)), None)


def _meaning(link: BaseException) -> tuple[str, str] | None:
    if isinstance(link, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {link.verify_message}", _CLOCK
    if isinstance(link, ssl.SSLError):
        return _NO_TLS
    if isinstance(link, OSError) and (known := _CODES.get(link.errno or 0)):
        return known
    return next((meaning for kind, meaning in _KINDS.items() if isinstance(link, kind)), None)
