"""Threads that die in silence are found, and those that leave in order are not taken for dead."""

from __future__ import annotations

import queue
import threading

import pytest

from voxtrald.dispatch.local import LocalDispatch
from voxtrald.dispatch.senders import Senders

SOON_S = 5.0


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def die(_result):
    """End the thread that calls this, as an error outside of all nets does."""
    raise RuntimeError("told nobody")


def wait_for_end(name):
    """Wait until no thread of this name is left."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(SOON_S)
            assert not thread.is_alive()


def test_a_sender_that_dies_is_named():
    """A sender whose last frame failed is among the dead; the others are not."""
    senders = Senders(size=1)
    before = senders.dead()
    senders.submit(lambda: None, done=die)
    senders._serving["sender-1"].join(SOON_S)

    assert before == ()
    assert senders.dead() == ("sender-1",)


def test_a_sender_that_is_sent_away_is_not_dead(wait_until):
    """After a resize to fewer threads those that left are not missed."""
    senders = Senders(size=3)
    senders.resize(1)
    wait_until(lambda: len(senders._serving) == 1, what="two threads leaving")

    assert senders.dead() == ()


@pytest.mark.parametrize("put", [die, queue.SimpleQueue().put])
def test_a_worker_that_has_ended_is_dead_until_its_end_is_read(put):
    """A worker's thread that is gone is named until its message was taken in; one without a message stays."""
    dispatch = LocalDispatch(recordings=1, requests=1, put=put)
    release = threading.Event()
    dispatch.start("job-1", lambda: release.wait(SOON_S), lane="here")
    at_work = dispatch.dead()
    release.set()
    wait_for_end("worker-job-1")
    ended = dispatch.dead()
    dispatch.ended("job-1")

    assert (at_work, ended, dispatch.dead()) == ((), ("worker-job-1",), ())
