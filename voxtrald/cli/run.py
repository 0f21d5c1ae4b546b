"""`voxtrald run`: the daemon."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import click
import structlog

from voxtrald import heap, logs
from voxtrald.assembly import House
from voxtrald.cli.options import config_option, read_settings
from voxtrald.config import Settings, setting_warnings
from voxtrald.daemon import Daemon, Message
from voxtrald.service.desk import Desk
from voxtrald.service.systemd.sd_notify import ServiceManager
from voxtrald.stopping import Stop
from voxtrald.store.locks import StateLock

DAEMON_OWNER = "daemon"

log = structlog.get_logger()


@click.command()
@config_option
def run(config: Path | None) -> int:
    """Watch the inbox until told to stop."""
    heap.bound_arenas()
    settings = read_settings(config)
    logs.configure(settings.logging.level, settings.logging.format)
    for warning in setting_warnings(settings, environ=os.environ):
        log.warning("config_warning", detail=warning)
    with StateLock(settings.folders.state):
        return run_daemon(settings, reread=partial(read_settings, config))


def run_daemon(settings: Settings, *, reread: Callable[[], Settings]) -> int:
    """Open the house, watch, close it."""
    mailbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    house = House.open(settings, environ=os.environ, owner=DAEMON_OWNER, stop=Stop(), tell=mailbox.put)
    tools = house.tools
    for warning in house.unpriced:
        log.warning("cost_not_counted", detail=warning)
    with (
        closing(house),
        closing(
            Desk.open(settings, ledger=tools.ledger, clock=tools.clock, jitter=tools.jitter, put=mailbox.put)
        ) as desk,
    ):
        daemon = Daemon(
            settings=settings,
            house=house,
            mailbox=mailbox,
            desk=desk,
            manager=ServiceManager.named_in(os.environ, pid=os.getpid()),
            reread=reread,
            started_at=tools.clock.now(),
        )
        return daemon.run()
