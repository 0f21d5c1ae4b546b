"""How the state of the work looks on a terminal. Names are data: nothing in them is taken for markup or controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group
from rich.table import Table
from rich.text import Text

from voxtrald.dispatch.spending import money, window_end
from voxtrald.naming import shown
from voxtrald.service.overview import Funds, Overview, Working
from voxtrald.service.recounting import MOST_NAMED
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger_service import ShutGate
from voxtrald.store.ledger_spend import SpendSum

Row = tuple[str, str, str]

HELD = frozenset({"budget", "sidecar"})
"""Why a recording waits by itself, while there is room and the folders are there."""

STYLES = {"partial": "yellow", "failed": "red"}
"""The states that somebody may have to look after stand out."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def picture_of(overview: Overview) -> Group:
    """Put everything together: the headlines, the recordings, the money."""
    return Group(*headlines(overview), table_of(overview), *spending(overview))


def headlines(overview: Overview) -> Iterator[Text]:
    """Say whether the daemon runs, and why work would stand still."""
    yield daemon_line(overview)
    if overview.inbox_problem:
        yield Text(shown(overview.inbox_problem), style="red")
    yield from map(gate_line, overview.gates)


def daemon_line(overview: Overview) -> Text:
    """Say whether the daemon runs, and since when."""
    if not overview.is_running:
        return Text("daemon: not running", style="yellow")
    if overview.silent_s:
        silence = f"has given no sign of life for {length_text(overview.silent_s)}"
        return Text(f"daemon: pid {overview.daemon_pid} {silence}", style="red")
    beat = overview.daemon
    since = f", since {beat.started_at:%Y-%m-%d %H:%M} UTC" if beat and beat.pid == overview.daemon_pid else ""
    return Text(f"daemon: running (pid {overview.daemon_pid}{since})")


def gate_line(gate: ShutGate) -> Text:
    """Say why recordings for a service wait."""
    if gate.state == "held":
        return Text(f"held: {shown(gate.service)}: {shown(gate.reason)}", style="red")
    return Text(f"{shown(gate.service)} does not answer; work goes on by itself when it does", style="yellow")


def table_of(overview: Overview) -> Table:
    """Lay out the recordings by state."""
    table = Table(box=None, pad_edge=False)
    table.add_column("state", no_wrap=True)
    table.add_column("recording", overflow="fold", ratio=3)
    table.add_column("chunks", no_wrap=True)
    table.add_column("remark", overflow="fold", ratio=4)
    for state, rows in rows_of(overview):
        add_rows(table, state, rows)
    return table


def rows_of(overview: Overview) -> Iterator[tuple[str, Sequence[Row]]]:
    """Sort the recordings by state, those first that somebody may have to look after."""
    held = [job for job in overview.deferred if job.reason in HELD]
    yield "running", [working_row(each) for each in overview.working]
    yield "held", [job_row(job, remark=job.detail or "") for job in held]
    yield "waits for room", [job_row(job, remark=job.detail or "") for job in overview.deferred if job not in held]
    yield "interrupted", [job_row(job, remark="goes on when the daemon runs") for job in overview.interrupted]
    yield "waiting", waiting_rows(overview)
    yield "failed", [job_row(job, remark=job.reason or "") for job in overview.failed]
    yield "partial", [job_row(job, remark=partial_text(job)) for job in overview.partial]
    whole = (job for job in overview.done if job.state is not JobState.PARTIAL)
    yield "done", [job_row(job, remark=first_of(job)) for job in whole]


def add_rows(table: Table, state: str, rows: Sequence[Row]) -> None:
    """Add the first rows of one state and say how many more there are."""
    style = STYLES.get(state)
    for recording, chunks, remark in rows[:MOST_NAMED]:
        table.add_row(state, Text(recording), chunks, Text(remark), style=style)
    if len(rows) > MOST_NAMED:
        table.add_row(state, Text(f"… and {len(rows) - MOST_NAMED} more"), "", "", style=style)


def working_row(working: Working) -> Row:
    """Describe a recording in work, and how long it may still take."""
    if working.job.state is JobState.PUBLISHING:
        return job_row(working.job, remark="being published")
    left_s = working.remaining_s
    return job_row(working.job, remark="" if left_s is None else left_text(left_s))


def job_row(job: Job, *, remark: str) -> Row:
    """Describe one job: its recording, how many chunks are done and how many cost nothing, what else to say."""
    chunks = f"{job.chunks_done}/{job.chunks_total}" if job.chunks_total else ""
    if job.chunks_reused:
        chunks += f" ({job.chunks_reused} reused)"
    return shown(job.relative), chunks, shown(remark)


def partial_text(job: Job) -> str:
    """Say what is missing in a transcript, and where that is."""
    return f"missing {job.detail}; {first_of(job)}"


def first_of(job: Job) -> str:
    """Name the first thing that a job left."""
    return next(iter(job.outputs), "")


def waiting_rows(overview: Overview) -> Sequence[Row]:
    """List what waits, and for how long the first has."""
    since = overview.waiting_since
    age = f"for {length_text((overview.now - since).total_seconds())}" if since else ""
    return [(shown(name), "", "" if index else age) for index, name in enumerate(overview.waiting)]


def left_text(seconds: float) -> str:
    """Say how long something will still take, roughly."""
    return f"about {length_text(seconds)} left" if seconds >= 1 else "nearly done"


def length_text(seconds: float) -> str:
    """Write a length of time in one or two units."""
    whole_s = max(0, round(seconds))
    if whole_s < _MINUTE_S:
        return f"{whole_s} s"
    if whole_s < _HOUR_S:
        return f"{whole_s // _MINUTE_S} min"
    if whole_s < _DAY_S:
        hours, rest_s = divmod(whole_s, _HOUR_S)
        return f"{hours} h {rest_s // _MINUTE_S} min"
    days = whole_s // _DAY_S
    return f"{days} days" if days > 1 else "1 day"


def spending(overview: Overview) -> Iterator[Text]:
    """Say what was done and paid, for which folders where there are several, and how the limits stand."""
    ended = overview.ended_today
    partly = f", {ended[JobState.PARTIAL]} of them partial" if ended[JobState.PARTIAL] else ""
    yield Text(f"today: {overview.done_today} done{partly}, {ended[JobState.FAILED]} failed")
    yield Text(f"paid today: {sum_text(overview.today)}; this month: {sum_text(overview.month)}")
    folders = {name: list(sums) for name, sums in groupby(overview.folders, key=lambda each: each.folder)}
    if len(folders) > 1:
        yield from (Text(f"  {shown(folder)}: {sum_text(sums)}") for folder, sums in folders.items())
    yield from (funds_line(funds, overview) for funds in overview.funds)


def sum_text(sums: Sequence[SpendSum]) -> str:
    """Write sums per currency, with the audio they paid for."""
    if not sums:
        return "nothing"
    return ", ".join(f"{each.cost:.2f} {each.currency} ({each.audio_s / 60:.0f} min of audio)" for each in sums)


def funds_line(funds: Funds, overview: Overview) -> Text:
    """Say how a limit stands, and when it counts from nothing again."""
    cap, spent = funds.standing.cap, funds.standing.spent
    until = window_end(cap.window, overview.now)
    left = f"{money(spent)} of {money(cap.amount)} {funds.currency}, anew at {until:%Y-%m-%d %H:%M} UTC"
    return Text(f"{shown(cap.name)}: {left}", style="yellow" if spent >= cap.amount else "")
