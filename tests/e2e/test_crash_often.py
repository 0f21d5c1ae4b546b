"""Killed again and again during one recording."""

from __future__ import annotations

import random

from tests.e2e.crashing import CONFIG, Bill, assert_one_set, at_step, chunks_s, died
from tests.e2e.killed import ANY

KILLS = 10
SECONDS = 120.0
STEPS = (4, 16)
"""How far a start gets before it is killed: too short for the whole recording, long enough for a chunk or two."""


def test_many_kills_cost_only_what_was_under_way(place, recordings):
    """A recording whose work is killed ten times ends exact, and only requests under way are paid again."""
    talk = recordings.make("m4a-faststart", SECONDS)
    place.standin.latency = (0.05, 0.0)
    chance, bill = random.Random(7), Bill(place=place)
    place.configure(CONFIG)
    place.drop(talk.path, "talk.m4a")
    for _ in range(KILLS):
        died(place.start(command=at_step("kill", ANY, chance.randint(*STEPS)), wait=False), after="recording_done")
        bill.after_crash()

    daemon = place.start()
    place.finish("talk.m4a")
    daemon.wait_event("recording_done")

    assert place.words("talk") == talk.words
    assert_one_set(place, original="talk.m4a")
    bill.assert_paid(chunks_s(place))
    assert daemon.stop() == 0
