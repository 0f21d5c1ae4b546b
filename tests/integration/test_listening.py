"""The small HTTP server: three pages, and nobody can keep the others out."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from http import HTTPStatus

import pytest

from voxtrald.errors import ConfigError
from voxtrald.service.metrics.listening import MOST_CLIENTS, Page, Server


def page_of(accept):
    """Show what was accepted."""
    return Page.of(HTTPStatus.OK, {"accept": accept})


@pytest.fixture
def server():
    """Give a server on a free port, with one page and short patience."""
    running = Server("127.0.0.1:0", key="metrics.listen", pages={"/health": page_of}, slow_s=0.3)
    yield running
    running.close()


def ask(server, method="GET", path="/health", headers=None):
    """Send a request; give status, headers and body."""
    with closing(http.client.HTTPConnection(server.address, timeout=10)) as connection:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def connect(server):
    """Open a connection and say nothing."""
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_a_page_is_shown(server):
    """GET gives the page made for what the client accepts; a query changes nothing."""
    status, headers, body = ask(server, path="/health?x=1", headers={"Accept": "text/plain"})

    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["Server"] == "voxtrald"
    assert json.loads(body) == {"accept": "text/plain"}


def test_head_gives_the_head(server):
    """HEAD gives what GET gives, without the body."""
    status, headers, body = ask(server, "HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/", "/metric", "/health/", "/../etc/passwd", "//etc/passwd", "/%2e%2e/x"])
def test_there_is_nothing_else(server, path):
    """Every other path is 404; there are no folders to look into."""
    status, _, body = ask(server, path=path)

    assert status == 404
    assert json.loads(body) == {"error": "there are /metrics, /health and /ready"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    """Other methods are refused."""
    assert ask(server, method)[0] == 501


def test_a_taken_port_is_a_plain_message(server):
    """A second server at the same address is a problem of the configuration, said at the start."""
    with pytest.raises(ConfigError) as caught:
        Server(server.address, key="metrics.listen", pages={})

    (problem,) = caught.value.problems
    assert problem.key == "metrics.listen"
    assert problem.what == f"cannot listen at {server.address}: address already in use"


def test_a_host_that_is_not_ours_is_a_plain_message():
    """An address that is not on this machine is the same kind of problem."""
    with pytest.raises(ConfigError, match=r"cannot listen at 192\.0\.2\.1:1"):
        Server("192.0.2.1:1", key="metrics.listen", pages={})


def test_ipv6_is_listened_at():
    """An address in brackets works, and is shown in brackets."""
    try:
        running = Server("[::1]:0", key="metrics.listen", pages={"/health": page_of})
    except ConfigError:
        pytest.skip("this machine has no IPv6: listening there stays untested")
    with closing(running):
        assert running.address.startswith("[::1]:")
        assert ask(running)[0] == 200


def test_a_silent_client_is_let_go(server):
    """A client that sends nothing is cut off after a while."""
    with closing(connect(server)) as silent:
        assert silent.recv(1) == b""


def test_slow_clients_do_not_keep_others_out(server, monkeypatch):
    """However many clients send byte after byte, a new one is answered: the oldest go."""
    monkeypatch.setattr(server._server, "slow_s", 30.0)
    slow = [connect(server) for _ in range(3 * MOST_CLIENTS)]
    for client in slow:
        client.sendall(b"G")
    status = ask(server)[0]

    assert status == 200
    assert slow[0].recv(1) == b""
    for client in slow:
        client.close()


def test_a_client_that_goes_away_is_no_trouble(server, capfd):
    """A connection that is reset in the middle writes no traceback anywhere."""
    for _ in range(5):
        client = connect(server)
        client.sendall(b"GET /health HTTP/1.1\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
    status = ask(server)[0]

    assert status == 200
    assert capfd.readouterr().err == ""
