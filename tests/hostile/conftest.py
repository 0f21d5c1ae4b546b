"""The fixtures of the tests with hostile files."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.hostile.bench import open_bench
from tests.hostile.making import Kit


@pytest.fixture(scope="session")
def listener():
    """Listen on the loopback for what must never come."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="session")
def kit(tmp_path_factory, listener):
    """Give what hostile files are made from; what has been made once is not made again."""
    return Kit(tmp_path_factory.mktemp("hostile"), listener.getsockname()[1])


@pytest.fixture
def lay_out(tmp_path):
    """Give a function that opens a bench with sections of the configuration."""
    with ExitStack() as closing:
        yield lambda **sections: open_bench(tmp_path / "place", closing, **sections)
