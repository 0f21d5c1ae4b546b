"""How many prepared chunks may wait on the disk."""

from __future__ import annotations

import queue
import threading

import pytest

from voxtrald.pipeline.room import Cancelled, Room

SOON_S = 10.0


def taking(room):
    """Take places in a thread until no more are wanted; give the queue that tells of each."""
    told: queue.SimpleQueue[str] = queue.SimpleQueue()

    def take():
        try:
            while True:
                room.take()
                told.put("taken")
        except Cancelled:
            told.put("cancelled")

    threading.Thread(target=take, daemon=True).start()
    return told


def test_a_place_is_waited_for_until_a_chunk_is_done():
    """As many are taken as there are places, and one more for each that is given back."""
    room = Room(2)
    told = taking(room)
    first = [told.get(timeout=SOON_S), told.get(timeout=SOON_S)]
    is_full = told.empty()
    room.give()

    assert (first, is_full, told.get(timeout=SOON_S)) == (["taken", "taken"], True, "taken")
    room.cancel()


def test_whoever_waits_hears_that_nothing_is_wanted_any_more():
    """Cancelling ends a wait for a place."""
    room = Room(1)
    told = taking(room)
    taken = told.get(timeout=SOON_S)
    room.cancel()

    assert (taken, told.get(timeout=SOON_S)) == ("taken", "cancelled")


def test_a_free_place_is_no_reason_to_go_on():
    """After cancelling nobody takes a place, also where there are some, and asking says so."""
    room = Room(1)
    room.require_wanted()
    room.cancel()

    with pytest.raises(Cancelled):
        room.take()
    with pytest.raises(Cancelled):
        room.require_wanted()
