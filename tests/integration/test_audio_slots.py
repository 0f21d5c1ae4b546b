"""Who of those that wait for ffmpeg gets it."""

from __future__ import annotations

import threading

import pytest

from voxtrald.audio.slots import Slots
from voxtrald.errors import StopRequested

SOON_S = 10.0


def heed():
    """Hear no stop."""


def patient():
    """Let others come first."""
    return True


def until(look):
    """Wait until something is true, at most for a while."""
    pause = threading.Event()
    for _ in range(10_000):
        if look():
            return
        pause.wait(0.001)
    pytest.fail("it never came true")


class Waiting:
    """A thread that waits for a slot and has it until told to give it back."""

    def __init__(self, slots, *, may_wait=None, order=None, name="") -> None:
        self.has_it, self.give = threading.Event(), threading.Event()
        self._slots, self._may_wait, self._order, self._name = slots, may_wait, order, name
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        options = {"may_wait": self._may_wait} if self._may_wait else {}
        with self._slots.taken(heed=heed, **options):
            if self._order is not None:
                self._order.append(self._name)
            self.has_it.set()
            self.give.wait(SOON_S)

    def end(self):
        """Give it back."""
        self.give.set()
        self.thread.join(SOON_S)


def test_the_patient_leave_one_free():
    """However many may wait, whoever is in a hurry gets a slot at once."""
    slots = Slots(2)
    asked = threading.Event()

    def tell():
        asked.set()
        return True

    first = Waiting(slots, may_wait=patient)
    first.has_it.wait(SOON_S)
    second = Waiting(slots, may_wait=tell)
    asked.wait(SOON_S)
    hurried = Waiting(slots)

    assert hurried.has_it.wait(SOON_S)
    assert not second.has_it.is_set()
    for one in (first, hurried, second):
        one.end()
    assert second.has_it.is_set()


def test_the_hurried_come_before_the_patient():
    """A single slot that becomes free goes to who is in a hurry, though another one asked before."""
    slots, order = Slots(1), []
    asked, hurries = threading.Event(), threading.Event()

    def ask():
        asked.set()
        return True

    holder = Waiting(slots)
    holder.has_it.wait(SOON_S)
    waiting = Waiting(slots, may_wait=ask, order=order, name="patient")
    asked.wait(SOON_S)
    hurried = Waiting(slots, may_wait=hurries.set, order=order, name="hurried")
    hurries.wait(SOON_S)
    until(lambda: slots._hurried)
    holder.end()
    hurried.has_it.wait(SOON_S)
    hurried.end()
    waiting.end()

    assert order == ["hurried", "patient"]


def test_patience_may_end():
    """Who waited for long may come to be in a hurry: it is asked again at every turn."""
    slots, asked = Slots(2), []

    def may_wait():
        asked.append(None)
        return len(asked) < 3

    with slots.taken(heed=heed), slots.taken(heed=heed, may_wait=may_wait):
        assert len(asked) == 3


def test_a_wait_hears_stop():
    """Who waits can be stopped, patient or not."""
    slots = Slots(1)

    def stop():
        raise StopRequested("enough")

    with slots.taken(heed=heed):
        with pytest.raises(StopRequested), slots.taken(heed=stop):
            pass
        with pytest.raises(StopRequested), slots.taken(heed=stop, may_wait=patient):
            pass
    with slots.taken(heed=stop):
        assert slots._taken == 1


def test_a_slot_comes_back_after_an_error():
    """What fails inside gives its slot back."""
    slots = Slots(1)

    with pytest.raises(ValueError, match="broken"), slots.taken(heed=heed):
        raise ValueError("broken")

    with slots.taken(heed=heed):
        assert slots._taken == 1
