"""`voxtrald check`: a doctor for the installation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from voxtrald import logs
from voxtrald.assembly import House
from voxtrald.cli.options import config_option, read_settings
from voxtrald.config import Settings
from voxtrald.engines.base import Engine
from voxtrald.errors import Problem
from voxtrald.naming import shown
from voxtrald.service.doctor import Finding, Grade, examine
from voxtrald.service.explaining import below_inbox, explain
from voxtrald.stopping import Stop

STYLES = {Grade.FINE: "green", Grade.WARNING: "yellow", Grade.BROKEN: "red"}


@click.command()
@config_option
@click.option(
    "--recording",
    type=click.Path(path_type=Path),
    help="Show which settings a recording in the inbox would get now, and where each comes from.",
)
def check(config: Path | None, *, recording: Path | None) -> int:
    """Look for what would keep the program from working, and say what to do about it."""
    settings = read_settings(config)
    if recording is not None:
        return show_origins(settings, recording)
    logs.configure("error", settings.logging.format)  # the findings say the rest
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    for finding in examine(settings, environ=os.environ, open_engines=lambda: opened_engines(settings)):
        findings.append(finding)
        console.print(line_of(finding))
    return 1 if any(finding.grade is Grade.BROKEN for finding in findings) else 0


def show_origins(settings: Settings, recording: Path) -> int:
    """Print the settings of a recording with their sources, or what is wrong beside it."""
    relative = below_inbox(settings, recording)
    if relative is None:
        raise click.UsageError(f"{shown(str(recording))} does not lie in the inbox, {settings.folders.inbox}")
    lines = explain(settings, relative)
    for line in lines:
        click.echo(shown(str(line) if isinstance(line, Problem) else f"{line.key}: {line.value}  ({line.source})"))
    return 1 if any(isinstance(line, Problem) for line in lines) else 0


@contextmanager
def opened_engines(settings: Settings) -> Iterator[tuple[Engine, ...]]:
    """Make the engines that the settings and their rules name.

    Raises:
        ConfigError: the settings do not suit an engine.
        StoreError, StorageUnavailable, DependencyError: our own tools are not usable.
    """
    house = House.open(settings, environ=os.environ, owner="check", stop=Stop(), tell=lambda _: None)
    try:
        yield tuple(house.engine(asked) for asked in settings.engines)
    finally:
        house.close()


def line_of(finding: Finding) -> Text:
    """Write one finding on a line, with what to do beneath it."""
    line = Text.assemble((f"{finding.grade.value:>8}", STYLES[finding.grade]), f"  {finding.subject}: {finding.what}")
    return line.append(f"\n{'':>8}  {finding.hint}") if finding.hint else line
