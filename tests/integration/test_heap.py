"""The C library's heap in a process of many threads."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

THREADS = 12
CROWD = f"""
import ctypes, sys, threading
from voxtrald import heap

if sys.argv[1] == "bounded":
    heap.bound_arenas()
together = threading.Barrier({THREADS})

def allocate():
    together.wait()
    kept = [bytes(4000) for _ in range(200)]  # too large for Python's own arenas
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def count_arenas(how):
    """Count the arenas that a crowd of threads makes in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", CROWD, how]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environ)
    return sum(line.startswith("Arena ") for line in ran.stderr.splitlines())


def test_many_threads_share_two_arenas():
    """However many threads allocate at the same time, there are two arenas, where there would be one for each."""
    if not hasattr(ctypes.CDLL(None), "malloc_stats"):
        pytest.skip("the C library is not GNU's: whether its heap is bounded stays untested")

    assert count_arenas("bounded") <= 2
    assert count_arenas("free") > 2
