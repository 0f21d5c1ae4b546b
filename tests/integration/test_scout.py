"""The thread that touches the inbox: what it is given comes back as reports, and a share that hangs hangs only it."""

from __future__ import annotations

import threading
import time

import pytest

from voxtrald.errors import StorageUnavailable
from voxtrald.watch.scout import Scout

PATIENCE_S = 10.0


class Sent:
    """A scout that is at work, and how often it has asked to be heard."""

    def __init__(self):
        self.told = threading.Semaphore(0)
        self.scout = Scout(tell=self.told.release)
        self.scout.start()

    def all_reports(self, *dones):
        """Wait for errands to end and give what came of them."""
        assert all(done.wait(PATIENCE_S) for done in dones)
        return list(self.scout.reports())


@pytest.fixture
def sent():
    """A scout without errands."""
    made = Sent()
    yield made
    made.scout.stop(timeout_s=PATIENCE_S)
    assert not made.scout.is_alive()


def test_errands_are_done_in_order(sent):
    """Long errands come one after the other, and each report is given once."""
    dones = [sent.scout.ask(lambda n=n: iter((n, n + 1))) for n in (1, 3)]

    assert sent.all_reports(*dones) == [1, 2, 3, 4]
    assert sent.all_reports() == []


def test_a_small_errand_goes_between_the_steps_of_a_long_one(sent):
    """A look at one file does not wait until the whole inbox has been looked through."""
    begun, may_go_on = threading.Event(), threading.Event()

    def sweep():
        begun.set()
        may_go_on.wait(PATIENCE_S)
        yield "first folder"
        yield "second folder"

    done = sent.scout.ask(sweep)
    begun.wait(PATIENCE_S)
    small = sent.scout.ask_between(lambda: iter(("a file",)))
    may_go_on.set()

    assert sent.all_reports(done, small) == ["first folder", "a file", "second folder"]


def test_what_storage_refuses_is_a_report(sent, tmp_path):
    """An error ends its errand, and neither the thread nor what waits behind."""

    def refused():
        yield "before"
        raise StorageUnavailable("gone", path=tmp_path)

    dones = [sent.scout.ask(refused), sent.scout.ask_between(refused), sent.scout.ask(lambda: iter(("after",)))]
    reports = sent.all_reports(*dones)

    assert [report for report in reports if isinstance(report, str)] == ["before", "before", "after"]
    assert sum(isinstance(report, StorageUnavailable) for report in reports) == 2


def test_it_asks_to_be_heard_again_after_it_was(sent):
    """One word is enough for many reports; what comes after they were taken is told anew."""
    sent.all_reports(sent.scout.ask(lambda: iter(range(5))))
    while sent.told.acquire(blocking=False):
        pass
    done = sent.scout.ask(lambda: iter((5,)))

    assert sent.told.acquire(timeout=PATIENCE_S)
    assert sent.all_reports(done) == [5]


def test_a_share_that_hangs_is_seen_from_outside(sent, wait_until):
    """While a call does not come back the scout is busy without a step; afterwards it goes on."""
    comes_back = threading.Event()

    def hanging():
        comes_back.wait(PATIENCE_S)
        yield "at last"

    done = sent.scout.ask(hanging)
    steps = sent.scout.steps
    was_busy = sent.scout.is_busy
    comes_back.set()

    assert (was_busy, steps) == (True, 0)
    assert sent.all_reports(done) == ["at last"]
    wait_until(lambda: not sent.scout.is_busy, what="rest")
    assert sent.scout.steps > 0


def test_stopping_does_not_wait_for_a_share_that_hangs():
    """The thread is left behind; it keeps no process alive."""
    begun, comes_back = threading.Event(), threading.Event()
    scout = Scout(tell=lambda: None)
    scout.start()
    scout.ask(lambda: iter((begun.set(), comes_back.wait(PATIENCE_S))))
    begun.wait(PATIENCE_S)
    begun_s = time.monotonic()
    scout.stop(timeout_s=0.1)
    took_s = time.monotonic() - begun_s
    was_alive = scout.is_alive()
    comes_back.set()
    scout.stop(timeout_s=PATIENCE_S)

    assert was_alive
    assert took_s < PATIENCE_S / 2
    assert not scout.is_alive()


def test_the_last_small_errand_is_done_before_the_end(sent):
    """What ends the watcher is still done, a sweep that was not begun is not."""
    begun, may_go_on = threading.Event(), threading.Event()
    done = []
    sent.scout.ask(lambda: iter((begun.set(), may_go_on.wait(PATIENCE_S))))
    begun.wait(PATIENCE_S)
    sent.scout.ask(lambda: iter((done.append("sweep"),)))
    sent.scout.ask_between(lambda: iter((done.append("stop"),)))
    may_go_on.set()
    sent.scout.stop(timeout_s=PATIENCE_S)

    assert "stop" in done


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_nobody_foresaw_ends_the_thread_aloud(wait_until):
    """The thread does not go on as if nothing had happened, and whoever waits for it hears of its end."""
    told = threading.Event()
    scout = Scout(tell=told.set)
    scout.start()
    scout.ask(lambda: iter((1 // 0,)))

    assert told.wait(PATIENCE_S)
    wait_until(lambda: not scout.is_alive(), what="the end")
