"""What is done at the far sides beside recordings, by their senders, so that the deciding thread never waits for it."""

from __future__ import annotations

from functools import partial

from voxtrald.assembly import House
from voxtrald.pipeline.starting import clear_leftovers
from voxtrald.service import notices
from voxtrald.store.locks import is_alive


def learn(house: House) -> None:
    """Have every engine find out what its far side offers, before a recording needs to know."""
    for engine, lane in house.engines:
        lane.senders.submit(engine.learn, done=notices.tell_learnt)


def clear(house: House) -> None:
    """Have the remote copies deleted that an earlier run left, or whose deletion failed since."""
    tools = house.tools
    lives = partial(is_alive, house.settings.folders.state)
    for engine, lane in house.services:
        clearing = partial(clear_leftovers, engine, ledger=tools.ledger, clock=tools.clock, is_alive=lives)
        lane.senders.submit(clearing, done=notices.tell_cleared)
