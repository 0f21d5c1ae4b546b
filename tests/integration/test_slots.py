"""The limit on open requests, with real threads."""

from __future__ import annotations

import queue
import threading

from voxtrald.engines.http.slots import RequestSlots
from voxtrald.errors import StopRequested
from voxtrald.stopping import Stop

SOON_S = 10.0


def hold(slots, entered, release):
    """Hold a slot in a thread until `release`; say when it is held, or what kept it out."""

    def work():
        try:
            with slots.one():
                entered.put("in")
                release.wait(SOON_S)
        except StopRequested as error:
            entered.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_no_more_requests_are_open_than_there_are_slots():
    """A third request waits until one of two has ended."""
    slots, entered = RequestSlots(2, stop=Stop()), queue.SimpleQueue()
    releases = [threading.Event() for _ in range(3)]
    threads = [hold(slots, entered, release) for release in releases[:2]]
    assert [entered.get(timeout=SOON_S) for _ in range(2)] == ["in", "in"]
    threads.append(hold(slots, entered, releases[2]))

    assert entered.empty()
    releases[0].set()
    assert entered.get(timeout=SOON_S) == "in"
    for release in releases:
        release.set()
    for thread in threads:
        thread.join(SOON_S)


def test_more_slots_let_waiting_requests_in():
    """After a resize a request that waited goes."""
    slots, entered, release = RequestSlots(1, stop=Stop()), queue.SimpleQueue(), threading.Event()
    threads = [hold(slots, entered, release)]
    assert entered.get(timeout=SOON_S) == "in"
    threads.append(hold(slots, entered, release))
    slots.resize(2)

    assert entered.get(timeout=SOON_S) == "in"
    release.set()
    for thread in threads:
        thread.join(SOON_S)


def test_waiting_for_a_slot_hears_stop():
    """A request that waits for a slot is not sent once stop is asked for; one that finds a free slot is."""
    stop = Stop()
    slots, entered, release = RequestSlots(1, stop=stop), queue.SimpleQueue(), threading.Event()
    threads = [hold(slots, entered, release)]
    assert entered.get(timeout=SOON_S) == "in"
    threads.append(hold(slots, entered, release))
    stop.set()

    assert isinstance(entered.get(timeout=SOON_S), StopRequested)
    release.set()
    for thread in threads:
        thread.join(SOON_S)
    with slots.one():
        pass
