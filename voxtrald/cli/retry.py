"""`voxtrald retry`: move failed recordings back to the inbox; only what is missing is paid for again."""

from __future__ import annotations

from pathlib import Path

import click

from voxtrald.cli.options import config_option, read_settings
from voxtrald.clock import Clock
from voxtrald.errors import RecordingChanged, StorageUnavailable
from voxtrald.naming import shown
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import Job, JobState
from voxtrald.store.ledger import LEDGER_FILE, Ledger


@click.command()
@config_option
@click.option("--all", "everything", is_flag=True, help="Every recording that failed.")
@click.argument("names", nargs=-1)
def retry(config: Path | None, *, everything: bool, names: tuple[str, ...]) -> int:
    """Try failed recordings again, by NAME, path below the inbox, or job id."""
    if everything == bool(names):
        raise click.UsageError("name the recordings to try again, or say --all")
    settings = read_settings(config)
    folders = Folders.named_in(settings.folders)
    with Ledger.open(settings.folders.state / LEDGER_FILE, clock=Clock()) as ledger:
        jobs = ledger.requeue(None if everything else names)
        moved = [give_back(job, folders=folders, ledger=ledger) for job in jobs]
    if not jobs:
        click.echo("no failed recording has that name" if names else "nothing has failed")
    return 0 if all(moved) and (jobs or everything) else 1


def give_back(job: Job, *, folders: Folders, ledger: Ledger) -> bool:
    """Move one recording from the error folder to the inbox."""
    name = job.outputs[0] if job.outputs else job.relative
    folders.sidecars.give_back(name, relative=job.relative)
    try:
        back = folders.give_back(name, relative=job.relative)
    except RecordingChanged as error:
        click.echo(f"{shown(job.relative)}: {error.message}", err=True)
        ledger.forget(job.id)
        return False
    except StorageUnavailable as error:
        click.echo(f"{shown(job.relative)}: {error.message}", err=True)
        ledger.end(job.id, JobState.FAILED, outputs=job.outputs, reason=job.reason, detail=job.detail)
        return False
    folders.release_report(job.relative)
    click.echo(f"{shown(back)} is back in the inbox")
    return True
