"""`voxtrald check`: a doctor for the installation."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from voxtrald.assembly import House
from voxtrald.cli.options import config_option, read_settings
from voxtrald.config import Settings
from voxtrald.service.doctor import Finding, Grade, examine
from voxtrald.stopping import Stop

STYLES = {Grade.FINE: "green", Grade.WARNING: "yellow", Grade.BROKEN: "red"}


@click.command()
@config_option
def check(config: Path | None) -> int:
    """Look for what would keep the program from working, and say what to do about it."""
    settings = read_settings(config)
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    for finding in examine(settings, environ=os.environ, ask_service=lambda: ask_service(settings)):
        findings.append(finding)
        console.print(line_of(finding))
    return 1 if any(finding.grade is Grade.BROKEN for finding in findings) else 0


def ask_service(settings: Settings) -> str:
    """Ask the far side whether it accepts the key and offers the model.

    Raises:
        ApiError: it does not, or does not say.
        StoreError, StorageUnavailable, DependencyError: our own tools are not usable.
    """
    house = House.open(settings, environ=os.environ, owner="check", stop=Stop(), tell=lambda _: None)
    try:
        house.engine(settings.engine).check()
    finally:
        house.close()
    return f"{settings.engine.base_url} accepts the key and offers {settings.engine.model}"


def line_of(finding: Finding) -> Text:
    """Write one finding on a line, with what to do beneath it."""
    line = Text.assemble((f"{finding.grade.value:>8}", STYLES[finding.grade]), f"  {finding.subject}: {finding.what}")
    return line.append(f"\n{'':>8}  {finding.hint}") if finding.hint else line
