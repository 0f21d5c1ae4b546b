"""`voxtrald transcribe FILE…`: the same pipeline once, in the foreground."""

from __future__ import annotations

import os
import queue
import sys
from pathlib import Path

import click

from voxtrald import logs
from voxtrald.assembly import House
from voxtrald.cli.options import config_option, read_settings
from voxtrald.cli.progress import Display, PlainDisplay, TerminalDisplay
from voxtrald.foreground import Foreground, Message
from voxtrald.pipeline.outcome import Done
from voxtrald.stopping import Stop
from voxtrald.store.folders import WorkFolders
from voxtrald.store.locks import OwnerLock


@click.command()
@config_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for the results; default: beside each file.",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def transcribe(config: Path | None, output: Path | None, files: tuple[Path, ...]) -> int:
    """Transcribe FILES now. They stay where they are."""
    settings = read_settings(config)
    logs.configure("error", settings.logging.format)  # the display says the rest
    mailbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    display: Display = TerminalDisplay() if sys.stdout.isatty() else PlainDisplay()
    with OwnerLock(settings.folders.state) as lock, display:
        house = House.open(settings, environ=os.environ, owner=lock.token, stop=Stop(), tell=mailbox.put)
        try:
            run = Foreground(
                settings=settings,
                house=house,
                folders=WorkFolders(settings.folders.state),
                output=output,
                mailbox=mailbox,
                report=display.show,
            )
            number = run.run(files)
        finally:
            house.close()
    if number is not None:
        return 128 + number
    done = [outcome for outcome in display.outcomes if isinstance(outcome, Done)]
    return 0 if len(done) == len({file.absolute() for file in files}) else 1
