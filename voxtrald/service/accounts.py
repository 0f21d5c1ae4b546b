"""What was paid, by day and by folder of the inbox, as one value read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from voxtrald.clock import Clock
from voxtrald.dispatch.spending import Window, window_start
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_spend import DaySum, SpendSum

DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What was paid from the day `since` on, which is a month long.

    Attributes:
        days: per day (UTC) and currency; days on which nothing was paid are left out.
        folders: per folder and currency.
    """

    now: datetime
    since: date
    days: tuple[DaySum, ...] = ()
    folders: tuple[SpendSum, ...] = ()


def look_up_accounts(*, ledger: Ledger | None, clock: Clock) -> Accounts:
    """Read what was paid on the last 31 days, today included. Without a ledger nothing was.

    Raises:
        StoreError, StorageUnavailable: the ledger cannot be read.
    """
    now = clock.now()
    start = window_start(Window.DAY, now) - timedelta(days=DAYS - 1)
    if ledger is None:
        return Accounts(now=now, since=start.date())
    return Accounts(
        now=now,
        since=start.date(),
        days=ledger.spend_by_day(start),
        folders=ledger.spend_by_folder(start),
    )
