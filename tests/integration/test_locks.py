"""Locks between real processes: one daemon per state folder, and signs of life that end with them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from voxtrald.errors import StoreError
from voxtrald.store.locks import OwnerLock, StateLock, daemon_pid, is_alive

HOLDING = """
import sys
from pathlib import Path
from voxtrald.store.locks import OwnerLock, StateLock
lock = globals()[sys.argv[1]](Path(sys.argv[2]))
print(getattr(lock, "token", ""), flush=True)
sys.stdin.read()
"""


def pid_while_held(state):
    """Be the daemon for a moment; give the pid that others see."""
    with StateLock(state):
        return daemon_pid(state)


@contextmanager
def holder(kind, state):
    """Hold a lock in another process; give the process and the token it printed."""
    command = [sys.executable, "-c", HOLDING, kind, state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_a_second_daemon_is_told_of_the_first(tmp_path):
    """The state folder belongs to one daemon; the other learns its pid and what to do."""
    with holder("StateLock", tmp_path) as (process, _), pytest.raises(StoreError) as caught:
        StateLock(tmp_path)

    assert f"pid {process.pid}" in caught.value.message
    assert caught.value.hint


def test_the_lock_of_a_killed_daemon_is_free(tmp_path):
    """Kill -9 releases the state folder at once, and the next holder writes its own pid."""
    with holder("StateLock", tmp_path) as (process, _):
        process.kill()
        process.wait()

    with StateLock(tmp_path) as lock:
        assert lock.path.read_text() == f"{os.getpid()}\n"


def test_a_released_lock_can_be_taken_again(tmp_path):
    """Closing releases, and closing twice is fine."""
    lock = StateLock(tmp_path)
    lock.close()
    lock.close()

    StateLock(tmp_path).close()


def test_an_owner_is_alive_until_its_process_ends(tmp_path):
    """The sign of life is seen by others and ends with kill -9."""
    with holder("OwnerLock", tmp_path) as (process, token):
        before = is_alive(tmp_path, token)
        process.kill()
        process.wait()
        after = is_alive(tmp_path, token)

    assert (before, after) == (True, False)


def test_an_owner_that_leaves_leaves_nothing(tmp_path):
    """A closed sign of life is gone, and so is its file."""
    with OwnerLock(tmp_path) as owner:
        before = is_alive(tmp_path, owner.token)

    assert (before, is_alive(tmp_path, owner.token)) == (True, False)
    assert list((tmp_path / "owners").iterdir()) == []


def test_a_daemon_is_known_by_its_pid_until_it_is_killed(tmp_path):
    """Who asks learns the pid of the daemon; kill -9 ends that at once, and a folder without one has none."""
    with holder("StateLock", tmp_path) as (process, _):
        before = daemon_pid(tmp_path)
        process.kill()
        process.wait()
        after = daemon_pid(tmp_path)

    assert (before, after) == (process.pid, None)
    assert daemon_pid(tmp_path / "nowhere") is None


def test_asking_for_the_daemon_never_keeps_one_from_starting(tmp_path):
    """However often somebody asks just then, the state folder can be taken."""
    StateLock(tmp_path).close()
    asking = "import sys; from pathlib import Path; from voxtrald.store.locks import daemon_pid\n"
    asking += "print(flush=True)\nwhile True: daemon_pid(Path(sys.argv[1]))"
    command = [sys.executable, "-c", asking, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            seen = [pid_while_held(tmp_path) for _ in range(300)]
        finally:
            process.kill()

    assert seen == [os.getpid()] * 300
