"""What people read where no answer came: one plain sentence, whichever library failed."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
import threading
from contextlib import contextmanager

import pytest
import requests
from urllib3 import exceptions

from voxtrald.clock import Clock
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.http.transport import Transport
from voxtrald.engines.http.unreachable import unreachable
from voxtrald.errors import ApiUnreachable
from voxtrald.stopping import Stop

HOST = "api.example.org"
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def serving(act):
    """Take connections on the loopback, one after the other, read a little from each and treat it so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return  # the test is over
                with connection:
                    connection.recv(1 << 16)
                    act(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def ask(address, *, timeout_s=5.0):
    """Ask for something and give the error."""
    transport = Transport(
        slots=RequestSlots(1, stop=Stop()),
        base_url=address,
        api_key="a-secret",
        connect_timeout_s=5.0,
        read_timeout_s=timeout_s,
        clock=Clock(),
    )
    with pytest.raises(ApiUnreachable) as caught:
        transport.get("/v1/models", query={}, timeout_s=timeout_s)
    transport.close()
    return caught.value


def reset(connection):
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (reset, "the connection was broken off"),
        (lambda _: None, "the connection was broken off"),
        (lambda connection: connection.sendall(b"SSH-2.0\r\n\r\n"), "what answers there does not speak HTTP"),
        (lambda connection: connection.sendall(HEAD + b"Content-Length: 9\r\n\r\nab"), "the answer broke off"),
        (
            lambda connection: connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
            "the answer broke off",
        ),
        (
            lambda connection: connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"),
            "the answer is not compressed as it claims",
        ),
    ],
    ids=["reset", "closed", "not http", "short", "cut in a piece", "not compressed"],
)
def test_a_connection_that_ends_badly_is_told_plainly(act, expected):
    """Whatever a server does to the connection is said in a few words, without a library's text."""
    with serving(act) as port:
        error = ask(f"http://127.0.0.1:{port}")

    assert error.message == f"no answer from 127.0.0.1: {expected}"


def test_a_silent_server_is_told_plainly():
    """A time-out while waiting for the answer is silence."""
    over = threading.Event()
    with serving(lambda _: over.wait(10)) as port:
        error = ask(f"http://127.0.0.1:{port}", timeout_s=0.2)
        over.set()

    assert error.message == "no answer from 127.0.0.1: it was silent for too long"


def test_a_port_where_nobody_listens_is_told_plainly():
    """A refused connection says so, and asks about the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    error = ask(f"http://127.0.0.1:{port}")

    assert error.message == "no answer from 127.0.0.1: it refuses connections"
    assert "engine.base_url" in error.hint


def test_a_server_without_encryption_is_told_plainly():
    """Plain HTTP behind an https address is no encrypted connection."""
    with serving(lambda connection: connection.sendall(HEAD + b"\r\n")) as port:
        error = ask(f"https://127.0.0.1:{port}")

    assert error.message == "no answer from 127.0.0.1: no encrypted connection came about"


# --- what a loopback cannot do ------------------------------------------------------------------------------


def wrapped(cause):
    """Wrap a cause as requests and urllib3 do."""
    return requests.ConnectionError(exceptions.MaxRetryError(None, "/v1/models?sig=abc", cause))


def refused_certificate():
    """Make the error of a certificate that has expired."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)")
    error.verify_message = "certificate has expired"
    return error


def no_way():
    """Make the error of a machine without a network."""
    error = exceptions.NewConnectionError(None, "Failed to establish a new connection: [Errno 101]")
    error.__cause__ = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    return error


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (exceptions.NameResolutionError(HOST, None, socket.gaierror(-2, "?")), "its name cannot be looked up"),
        (exceptions.ConnectTimeoutError(None, "timed out"), "no connection came about in time"),
        (exceptions.SSLError(refused_certificate()), "its certificate is not accepted: certificate has expired"),
        (no_way(), "there is no way to it through the network"),
        (exceptions.ProxyError("no tunnel", ConnectionRefusedError(111, "?")), "the proxy does not let us through"),
    ],
    ids=["name", "time", "certificate", "network", "proxy"],
)
def test_a_connection_that_never_was_is_told_plainly_with_what_to_do(cause, expected):
    """The innermost cause is told, except a proxy's own troubles."""
    error = unreachable(wrapped(cause), host=HOST, secrets=())

    assert error.message == f"no answer from {HOST}: {expected}"
    assert error.hint


def test_what_has_no_words_of_ours_is_told_without_its_secrets():
    """An unknown error is quoted, but for what must not be read."""
    error = unreachable(requests.RequestException("a-secret at /x?sig=abc"), host=HOST, secrets=["a-secret"])

    assert error.message == f"no answer from {HOST}: <redacted> at /x?<redacted>"
