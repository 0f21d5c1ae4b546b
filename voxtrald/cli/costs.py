"""How what was paid looks on a terminal: a bar for each day, a row for each folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from rich.console import Group
from rich.table import Table
from rich.text import Text

from voxtrald.naming import shown
from voxtrald.service.accounts import DAYS, Accounts
from voxtrald.store.ledger_spend import DaySum, SpendSum

BAR_CELLS = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def plot_of(accounts: Accounts) -> Group:
    """Draw the days of each currency, then list the folders."""
    currencies = sorted({each.currency for each in accounts.days})
    if not currencies:
        return Group(Text(f"nothing was paid since {accounts.since}"))
    days = [day_table(accounts, currency) for currency in currencies]
    return Group(*days, Text(), folder_table(accounts.folders))


def day_table(accounts: Accounts, currency: str) -> Table:
    """Draw a bar for each of the days, also for those on which nothing was paid."""
    paid = {each.day: each for each in accounts.days if each.currency == currency}
    most = max(each.cost for each in paid.values())
    table = Table(box=None, pad_edge=False)
    table.add_column("day (UTC)", no_wrap=True)
    table.add_column(currency, justify="right", no_wrap=True)
    table.add_column("minutes", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for day in days_from(accounts.since):
        table.add_row(str(day), *day_cells(paid, day), Text(bar(cost_on(paid, day), most=most), style="green"))
    total, audio_s = sum(each.cost for each in paid.values()), sum(each.audio_s for each in paid.values())
    table.add_row("together", f"{total:.2f}", f"{audio_s / 60:.0f}", "")
    return table


def day_cells(paid: Mapping[date, DaySum], day: date) -> tuple[str, str]:
    """Write a day's cost and its minutes of audio; nothing where nothing was paid."""
    each = paid.get(day)
    return (f"{each.cost:.2f}", f"{each.audio_s / 60:.0f}") if each else ("", "")


def cost_on(paid: Mapping[date, DaySum], day: date) -> float:
    """Look up what a day cost."""
    return paid[day].cost if day in paid else 0.0


def days_from(first: date) -> Iterator[date]:
    """Give the days that are shown."""
    return (first + timedelta(days=number) for number in range(DAYS))


def bar(value: float, *, most: float, cells: int = BAR_CELLS) -> str:
    """Draw a bar in eighths of a cell, `cells` long for `most`; what is more than nothing is seen."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(min(1.0, value / most) * cells * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def folder_table(folders: Sequence[SpendSum]) -> Table:
    """List what was paid for each folder, the dearest first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("folder", overflow="fold")
    table.add_column("paid", justify="right", no_wrap=True)
    table.add_column("minutes", justify="right", no_wrap=True)
    table.add_column("requests", justify="right", no_wrap=True)
    for each in sorted(folders, key=lambda each: -each.cost):
        paid = f"{each.cost:.2f} {each.currency}"
        table.add_row(Text(shown(each.folder)), paid, f"{each.audio_s / 60:.0f}", str(each.answers))
    return table
