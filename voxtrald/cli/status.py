"""`voxtrald status`: what waits, runs, is held, failed and was done, and what it cost."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from voxtrald.cli.costs import plot_of
from voxtrald.cli.options import config_option, read_settings
from voxtrald.cli.picture import picture_of
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.messages import SignalCame
from voxtrald.dispatch.signals import ENDING, signals_put
from voxtrald.service.accounts import Accounts, look_up_accounts
from voxtrald.service.overview import Dropped, Overview, look_into_inbox, look_over
from voxtrald.service.recounting import recount, recount_accounts
from voxtrald.store.ledger import LEDGER_FILE, Ledger

_EVERY_S = 1.0
_SHARE = 20  # looking through a large inbox may take one part in so many of the time


@click.command()
@config_option
@click.option("--watch", "is_watched", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@click.option("--json", "is_plain", is_flag=True, help="Write one JSON object, for scripts.")
@click.option("--cost", "is_cost", is_flag=True, help="Show what the last 31 days cost, by day and by folder.")
def status(config: Path | None, *, is_watched: bool, is_plain: bool, is_cost: bool) -> int:
    """Show the state of the work. Reads only; the daemon need not run."""
    if is_watched and (is_plain or is_cost):
        raise click.UsageError("--watch shows the state of the work on a terminal; leave out --json and --cost")
    place = Place(settings=read_settings(config), clock=Clock())
    console = Console(highlight=False)
    if is_watched:
        return watch(place, console)
    if is_plain:
        click.echo(json_text(recount_accounts(place.accounts()) if is_cost else recount(place.overview())))
    else:
        console.print(plot_of(place.accounts()) if is_cost else picture_of(place.overview()))
    return 0


@dataclass(slots=True, kw_only=True)
class Place:
    """Where to look. The ledger is opened anew each time: the daemon may have begun or ended meanwhile."""

    settings: Settings
    clock: Clock
    _dropped: Dropped = field(default_factory=Dropped)
    _look_again_s: float = float("-inf")

    def overview(self) -> Overview:
        """Look at everything; at the inbox only as often as is cheap."""
        with self._ledger() as ledger:
            return look_over(self.settings, ledger=ledger, clock=self.clock, dropped=self._inbox())

    def accounts(self) -> Accounts:
        """Look up what was paid."""
        with self._ledger() as ledger:
            return look_up_accounts(ledger=ledger, clock=self.clock)

    @contextmanager
    def _ledger(self) -> Iterator[Ledger | None]:
        ledger = Ledger.open_read_only(self.settings.folders.state / LEDGER_FILE, clock=self.clock)
        try:
            yield ledger
        finally:
            if ledger is not None:
                ledger.close()

    def _inbox(self) -> Dropped:
        began_s = self.clock.monotonic_s()
        if began_s >= self._look_again_s:
            self._dropped = look_into_inbox(self.settings)
            ended_s = self.clock.monotonic_s()
            self._look_again_s = ended_s + _SHARE * (ended_s - began_s)
        return self._dropped


def watch(place: Place, console: Console) -> int:
    """Show the state every second until a signal comes; give the exit code for it."""
    if not console.is_terminal:
        raise click.UsageError("--watch needs a terminal; a script asks again with --json")
    mailbox: queue.SimpleQueue[SignalCame] = queue.SimpleQueue()
    with signals_put(mailbox.put, ENDING), Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(picture_of(place.overview()), refresh=True)
            try:
                return 128 + mailbox.get(timeout=_EVERY_S).number
            except queue.Empty:
                continue


def json_text(values: Mapping[str, Any]) -> str:
    """Write JSON in ASCII; the bytes of a name that is no UTF-8 are lone surrogates, as Python carries them."""
    return json.dumps(values, indent=2)
