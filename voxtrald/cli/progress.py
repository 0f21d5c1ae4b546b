"""How a foreground run is shown: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from voxtrald.dispatch.gate import GateChanged
from voxtrald.foreground import Begun, Ended, Report
from voxtrald.naming import shown
from voxtrald.pipeline.outcome import (
    Changed,
    Deferred,
    Done,
    Elsewhere,
    Failed,
    Held,
    Interrupted,
    Outcome,
    OverBudget,
    Tally,
)
from voxtrald.pipeline.progress import ChunkProgress
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.transcript.rendering.clocks import spans_text


class Display(Protocol):
    """Shows reports while it is entered; remembers how each file ended."""

    outcomes: list[Outcome]

    def show(self, report: Report) -> None:
        """Show one report."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainDisplay:
    """One line per thing worth knowing, for logs and pipes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def show(self, report: Report) -> None:
        """Write a line, or none."""
        match report:
            case Begun(path=path):
                click.echo(f"{shown(path.name)}: begun")
            case ChunkProgress(state=ChunkState.DONE):
                click.echo(f"{shown(Path(report.recording).name)}: {chunk_text(report)} done{reuse_text(report)}")
            case ChunkProgress(state=ChunkState.WAITING):
                click.echo(f"{shown(Path(report.recording).name)}: {chunk_text(report)} waits ({report.note})")
            case GateChanged():
                click.echo(gate_text(report), err=True)
            case Ended(path=path, outcome=outcome):
                self.outcomes.append(outcome)
                click.echo(f"{shown(path.name)}: {outcome_text(outcome)}", err=not isinstance(outcome, Done))
                if warning := warning_text(outcome):
                    click.echo(f"{shown(path.name)}: {warning}", err=True)


class TerminalDisplay:
    """A bar per recording, and one per chunk while it is on its way."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
        )
        self._recordings: dict[str, TaskID] = {}
        self._chunks: dict[tuple[str, int], TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, report: Report) -> None:
        """Move the bars."""
        match report:
            case Begun(path=path, job=job):
                self._recordings[job] = self._bars.add_task(shown(path.name), total=None, note="preparing")
            case ChunkProgress():
                self._show_chunk(report)
            case GateChanged():
                self._bars.console.print(gate_text(report), markup=False)
            case Ended(path=path, outcome=outcome):
                self.outcomes.append(outcome)
                for text in filter(None, (outcome_text(outcome), warning_text(outcome))):
                    self._bars.console.print(f"{shown(path.name)}: {text}", markup=False)

    def _show_chunk(self, report: ChunkProgress) -> None:
        recording = self._recordings[report.job]
        done = report.state in {ChunkState.DONE, ChunkState.FAILED}
        self._bars.update(recording, total=report.total, advance=1 if done else 0, note=total_text(report))
        place = (report.job, report.index)
        if place not in self._chunks and not done:
            self._chunks[place] = self._bars.add_task(f"  {chunk_text(report)}", total=None, note="")
        if place in self._chunks:
            self._bars.update(self._chunks[place], note=report.note or report.state.value)
            if done:
                self._bars.remove_task(self._chunks.pop(place))


def chunk_text(report: ChunkProgress) -> str:
    """Name a chunk by its number, of how many where that is known."""
    return f"chunk {report.index + 1}" + (f"/{report.total}" if report.total else "")


def total_text(report: ChunkProgress) -> str:
    """Say how many chunks there are, once it is known."""
    return f"{report.total} chunks" if report.total else ""


def reuse_text(report: ChunkProgress) -> str:
    """Say where nothing had to be paid."""
    return " (already paid for)" if report.reused else ""


def gate_text(change: GateChanged) -> str:
    """Say why everything stands still, or that it goes on."""
    match change.state:
        case "held":
            return f"{change.service} refuses: {change.reason}"
        case "open":
            return f"{change.service} does not answer; waiting until it does"
        case _:
            return f"{change.service} answers again"


def paid_text(tally: Tally) -> str:
    """Say how much audio was paid for and what it cost, where anybody knows the price."""
    if tally.cost is not None:
        return f"{tally.audio_s:.0f} s paid, {tally.cost:.4f} {tally.currency}"
    return f"{tally.audio_s:.0f} s sent, price unknown" if tally.audio_s else "0 s paid"


def warning_text(outcome: Outcome) -> str:
    """Say what is missing in a transcript that was written all the same; empty where nothing is."""
    if not (isinstance(outcome, Done) and outcome.is_partial):
        return ""
    return f"warning: there is speech without text at {spans_text(outcome.missing)}, marked in its place"


def outcome_text(outcome: Outcome) -> str:
    """Say how a file ended."""
    match outcome:
        case Done(outputs=outputs, tally=tally):
            how = "done in part" if outcome.is_partial else "done"
            return f"{how} ({paid_text(tally)}): {' '.join(shown(name) for name in outputs)}"
        case Failed(reason=reason, message=message, hint=hint):
            return f"failed ({reason.value}): {message}" + (f"; {hint}" if hint else "")
        case (
            Deferred(message=message, hint=hint)
            | OverBudget(message=message, hint=hint)
            | Held(message=message, hint=hint)
        ):
            return f"not done: {message}" + (f"; {hint}" if hint else "")
        case Changed(message=message):
            return f"not done: {message}"
        case Elsewhere(engine=engine):  # in the daemon only, as is Held: here no files are read beside recordings
            return f"not done: it is for the engine {engine}"
        case Interrupted():
            return "interrupted; what is paid is kept, run it again to go on"
