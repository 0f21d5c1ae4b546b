"""`voxtrald status`: what waits, runs, is held, failed and was done, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voxtrald.assembly import LEDGER_FILE
from voxtrald.cli.options import config_option, read_settings
from voxtrald.clock import Clock
from voxtrald.naming import shown
from voxtrald.service.overview import Overview, look_over
from voxtrald.store.jobs import Job
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_spend import SpendSum

_MOST_ROWS = 10


@click.command()
@config_option
def status(config: Path | None) -> int:
    """Show the state of the work. Reads only; the daemon need not run."""
    settings = read_settings(config)
    clock = Clock()
    ledger = Ledger.open_read_only(settings.folders.state / LEDGER_FILE, clock=clock)
    try:
        overview = look_over(settings, ledger=ledger, clock=clock)
    finally:
        if ledger is not None:
            ledger.close()
    console = Console(highlight=False)
    for line in headlines(overview):
        console.print(line)
    console.print(table_of(overview))
    for line in spending(overview):
        console.print(line)
    return 0


def headlines(overview: Overview) -> Iterator[Text]:
    """Say whether the daemon runs, and why work would stand still."""
    beat = overview.daemon
    if beat is not None and overview.is_running:
        yield Text(f"daemon: running (pid {beat.pid}, since {beat.started_at:%Y-%m-%d %H:%M} UTC)")
    else:
        yield Text("daemon: not running", style="yellow")
    if overview.inbox_problem:
        yield Text(overview.inbox_problem, style="red")
    if overview.held is not None:
        yield Text(f"all work is held: {overview.held.reason}", style="red")
    elif overview.circuit == "open":
        yield Text("the service does not answer; work goes on by itself when it does", style="yellow")


def table_of(overview: Overview) -> Table:
    """Lay out the recordings by state."""
    table = Table(box=None, pad_edge=False)
    for heading in ("state", "recording", "chunks", "remark"):
        table.add_column(heading, overflow="fold")
    for state, rows in (
        ("running", [row_of(job) for job in overview.working]),
        ("waits for room", [row_of(job) for job in overview.deferred]),
        ("waiting", [(shown(name), "", "") for name in overview.waiting]),
        ("failed", [row_of(job) for job in overview.failed]),
        ("done", [row_of(job) for job in overview.done]),
    ):
        add_rows(table, state, rows)
    return table


def add_rows(table: Table, state: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Add the first rows of one state and say how many more there are."""
    for recording, chunks, remark in rows[:_MOST_ROWS]:
        table.add_row(state, Text(recording), chunks, Text(remark))
    if len(rows) > _MOST_ROWS:
        table.add_row(state, Text(f"… and {len(rows) - _MOST_ROWS} more"), "", "")


def row_of(job: Job) -> tuple[str, str, str]:
    """Describe one job: its recording, how many chunks are done and how many cost nothing, why it stands there."""
    chunks = f"{job.chunks_done}/{job.chunks_total}" if job.chunks_total else ""
    if job.chunks_reused:
        chunks += f" ({job.chunks_reused} reused)"
    remark = job.reason or (job.outputs[0] if job.outputs else "")
    return shown(job.relative), chunks, remark


def spending(overview: Overview) -> Iterator[Text]:
    """Say what was paid, and for which folders where there are several."""
    yield Text(f"paid today: {sum_text(overview.today)}; this month: {sum_text(overview.month)}")
    folders = {name: list(sums) for name, sums in groupby(overview.folders, key=lambda each: each.folder)}
    if len(folders) > 1:
        yield from (Text(f"  {shown(folder)}: {sum_text(sums)}") for folder, sums in folders.items())


def sum_text(sums: Sequence[SpendSum]) -> str:
    """Write sums per currency, with the audio they paid for."""
    if not sums:
        return "nothing"
    return ", ".join(f"{each.cost:.2f} {each.currency} ({each.audio_s / 60:.0f} min of audio)" for each in sums)
