"""What a service manager hears, over a real socket."""

from __future__ import annotations

import math
import secrets
import socket

import pytest

from voxtrald.service.systemd.sd_notify import ServiceManager, watchdog_interval_s

PID = 4711


class Listener:
    """The service manager's end."""

    def __init__(self, address: str, *, bound: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(bound)

    def heard(self) -> list[str]:
        """Give what has come since the last time: a datagram is there when its sender goes on."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(8192).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path):
    """Listen at a path, then at an abstract address."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@voxtrald-{secrets.token_hex(8)}"
    listening = Listener(name, bound=name.replace("@", "\0", 1) if request.param == "abstract" else name)
    yield listening
    listening.close()


def manager_at(listener, **environ):
    """Give a manager that the environment names."""
    return ServiceManager.named_in({"NOTIFY_SOCKET": listener.address, **environ}, pid=PID)


def look():
    """Say always the same."""
    return "1 running"


def test_the_manager_hears_start_reload_and_stop(listener):
    """Each state is told as sd_notify(3) spells it."""
    manager = manager_at(listener)
    manager.ready()
    manager.reloading(now_s=12.5)
    manager.stopping(grace_s=20)

    assert listener.heard() == [
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000",
    ]


def test_nobody_is_told_nothing():
    """Without a socket in the environment nothing is said, and nothing fails."""
    manager = ServiceManager.named_in({}, pid=PID)
    manager.ready()

    assert not manager.is_listening
    assert manager.tick(look, dead=(), now_s=0.0) == math.inf


def test_a_manager_that_went_deaf_does_no_harm(tmp_path):
    """Where nobody listens at the address any more, work goes on."""
    manager = ServiceManager.named_in({"NOTIFY_SOCKET": str(tmp_path / "gone")}, pid=PID)

    assert manager.tick(look, dead=(), now_s=0.0) == math.inf


def test_a_status_is_told_when_it_changes(listener):
    """A line is told once, a changed one not before a second has passed, and then it is due."""
    manager, lines = manager_at(listener), iter(["one", "one", "two"])
    first = manager.tick(lambda: next(lines), dead=(), now_s=0.0)
    same = manager.tick(lambda: next(lines), dead=(), now_s=1.0)
    early = manager.tick(lambda: next(lines), dead=(), now_s=1.25)
    manager.tick(lambda: next(lines), dead=(), now_s=2.0)

    assert listener.heard() == ["STATUS=one", "STATUS=two"]
    assert (first, same, early) == (math.inf, math.inf, 0.75)


def test_the_watchdog_is_fed_in_time(listener):
    """With an interval of 60 s a sign of life goes out every 20 s, and the next one is due by then."""
    manager = manager_at(listener, WATCHDOG_USEC="60000000", WATCHDOG_PID=str(PID))
    dues_s = [manager.tick(look, dead=(), now_s=now_s) for now_s in (0.0, 10.0, 20.0)]

    assert listener.heard().count("WATCHDOG=1") == 2
    assert dues_s == [20.0, 10.0, 20.0]


def test_a_dead_thread_starves_the_watchdog(listener, capsys):
    """While a thread is dead no sign of life goes out, and the log names it once."""
    manager = manager_at(listener, WATCHDOG_USEC="60000000")
    for now_s in (0.0, 0.5, 1.5, 2.5, 30.0):
        assert manager.tick(look, dead=("sender-3",), now_s=now_s) <= 1.0

    assert "WATCHDOG=1" not in listener.heard()
    assert capsys.readouterr().out.count("sender-3") == 1


def test_a_thread_that_ends_in_order_is_no_alarm(listener, capsys):
    """A thread that is gone for a moment, because its last message has not been read yet, only delays the sign."""
    manager = manager_at(listener, WATCHDOG_USEC="60000000")
    manager.tick(look, dead=("worker-1",), now_s=0.0)
    manager.tick(look, dead=(), now_s=0.1)

    assert listener.heard().count("WATCHDOG=1") == 1
    assert "worker-1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(PID)}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_interval_is_ours_or_none(environ, interval_s):
    """An interval counts where it is a number and meant for this process."""
    assert watchdog_interval_s(environ, pid=PID) == interval_s
