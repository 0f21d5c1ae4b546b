"""The shared gate, the senders, local dispatch and stop, with real threads."""

from __future__ import annotations

import queue
import threading

import pytest

from voxtrald.clock import Clock
from voxtrald.dispatch.gate import Gate, GateChanged
from voxtrald.dispatch.local import LocalDispatch
from voxtrald.dispatch.messages import WorkEnded
from voxtrald.dispatch.senders import Senders
from voxtrald.dispatch.threads import Broken
from voxtrald.errors import StopRequested
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop

SOON_S = 10.0
POLICY = Policy(attempts=8, first_wait_s=0.01, max_wait_s=0.05)


class SteppedClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> Clock:
        """Give it to what needs one."""
        return Clock(monotonic_s=lambda: self.now_s)


def gate_of(*, clock=None, requests_per_s=None, policy=POLICY):
    """Make a gate, and the list of what it tells."""
    changes: list[GateChanged] = []
    gate = Gate(
        service="https://far", policy=policy, requests_per_s=requests_per_s, clock=clock or Clock(), tell=changes.append
    )
    return gate, changes


def entering(gate):
    """Enter in a thread; the queue gets None, or the error."""
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def enter():
        try:
            gate.enter()
        except StopRequested as error:
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=enter, daemon=True).start()
    return ended


def test_a_closed_circuit_lets_everybody_through():
    """Nobody waits while all is well."""
    gate, changes = gate_of()
    for _ in range(100):
        gate.enter()

    assert changes == []


def test_a_hold_is_told_once_and_ends_with_a_release():
    """The operator hears of a hold once, and everything goes on after the release."""
    gate, changes = gate_of(policy=Policy(attempts=8, first_wait_s=1.0, max_wait_s=3600.0))
    gate.denied("refused")
    gate.denied("refused")
    waiting = entering(gate)
    gate.release()

    assert waiting.get(timeout=SOON_S) is None
    assert [change.state for change in changes] == ["held", "closed"]


def test_a_held_gate_lets_one_request_find_out_by_itself():
    """After the slow timer one request goes, and its success frees all."""
    gate, changes = gate_of()
    gate.denied("refused")
    gate.enter()
    others = [entering(gate) for _ in range(3)]
    gate.succeeded(began_s=0.0)

    assert [other.get(timeout=SOON_S) for other in others] == [None, None, None]
    assert [change.state for change in changes] == ["held", "closed"]


def test_stop_wakes_everybody_who_waits_at_the_gate():
    """A wait at the gate hears stop."""
    gate, _ = gate_of(policy=Policy(attempts=8, first_wait_s=1.0, max_wait_s=3600.0))
    gate.denied("refused")
    waiting = entering(gate)
    gate.stop()

    assert isinstance(waiting.get(timeout=SOON_S), StopRequested)


def test_the_request_rate_is_kept():
    """With a rate of one per 100 s the second request waits until its time has come."""
    stepped = SteppedClock()
    gate, _ = gate_of(clock=stepped.clock(), requests_per_s=0.01)
    gate.enter()
    second = entering(gate)
    with pytest.raises(queue.Empty):
        second.get(timeout=0.05)
    stepped.now_s = 100.0
    gate.learnt_nothing()  # wakes the waiting one, which then looks at the clock

    assert second.get(timeout=SOON_S) is None


def test_senders_run_at_most_their_number_at_once():
    """Four threads never do five things."""
    senders = Senders(size=4)
    lock, release, ended = threading.Lock(), threading.Event(), queue.SimpleQueue()
    running: list[int] = []
    most = 0
    started = threading.Semaphore(0)

    def work():
        nonlocal most
        with lock:
            running.append(1)
            most = max(most, len(running))
        started.release()
        release.wait(SOON_S)
        with lock:
            running.pop()

    for _ in range(12):
        senders.submit(work, done=ended.put)
    for _ in range(4):
        assert started.acquire(timeout=SOON_S)
    release.set()
    for _ in range(12):
        ended.get(timeout=SOON_S)

    assert most == 4


def test_senders_can_grow_and_shrink():
    """After a resize other numbers of threads serve, and no work is lost."""
    senders, ended = Senders(size=1), queue.SimpleQueue()
    senders.resize(5)
    senders.resize(2)
    for number in range(20):
        senders.submit(lambda number=number: number, done=ended.put)

    assert sorted(ended.get(timeout=SOON_S) for _ in range(20)) == list(range(20))
    assert senders.size == 2


def test_work_that_breaks_is_told_and_its_thread_goes_on():
    """An error becomes a message, and the sender serves the next."""
    senders, ended = Senders(size=1), queue.SimpleQueue()
    error = ValueError("broken")

    def break_down():
        raise error

    senders.submit(break_down, done=ended.put)
    senders.submit(lambda: "next", done=ended.put)

    assert ended.get(timeout=SOON_S) == Broken(error=error)
    assert ended.get(timeout=SOON_S) == "next"


def test_a_prepared_recording_makes_place_for_the_next():
    """One in preparation fills the only place; once it only waits for answers another may begin, up to a bound."""
    dispatch: LocalDispatch[str] = LocalDispatch(recordings=1, requests=1, put=lambda _: None)
    release = threading.Event()
    places = []
    for job in "abcd":
        dispatch.start(job, lambda: str(release.wait(SOON_S)), lane="far")
        places.append(dispatch.has_place("far"))
        dispatch.prepared(job)
        places.append(dispatch.has_place("far"))
    dispatch.ended("a")
    release.set()

    assert places == [False, True, False, True, False, True, False, False]
    assert dispatch.has_place("far")
    assert dispatch.working == {"b", "c", "d"}


def test_a_full_lane_leaves_the_places_of_another_free():
    """Recordings that wait for one far side do not keep those for another from beginning."""
    dispatch: LocalDispatch[str] = LocalDispatch(recordings=1, requests=1, put=lambda _: None)
    release = threading.Event()
    dispatch.start("a", lambda: str(release.wait(SOON_S)), lane="slow")
    places = [dispatch.has_place("slow"), dispatch.has_place("quick")]
    release.set()

    assert places == [False, True]
    assert (dispatch.working_in("slow"), dispatch.working_in("quick")) == (1, 0)


def test_a_workers_end_is_a_message():
    """What a worker gives, or what broke it, comes back with its job's name."""
    ended: queue.SimpleQueue[WorkEnded[str]] = queue.SimpleQueue()
    dispatch: LocalDispatch[str] = LocalDispatch(recordings=2, requests=1, put=ended.put)
    dispatch.start("a", lambda: "done", lane="far")

    assert ended.get(timeout=SOON_S) == WorkEnded(job="a", result="done")


def test_stop_calls_back_also_those_who_come_late():
    """A waiter hears of stop whether it registered before or after, and not once it has left."""
    stop, heard = Stop(), []
    with stop.calling(lambda: heard.append("left")):
        pass
    with stop.calling(lambda: heard.append("before")):
        stop.set()
        with stop.calling(lambda: heard.append("after")):
            pass

    assert heard == ["before", "after"]
    assert stop.is_set()
    assert stop.wait(0)
