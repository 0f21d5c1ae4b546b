"""`voxtrald init --systemd`: show what makes a service, ask, do it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from voxtrald.errors import DependencyError
from voxtrald.service.systemd.installation import GROUP, Installation, NewFile, hidden_from_service
from voxtrald.service.systemd.installer import placed, presence_of, read_shipped, run_command, write_missing

MACHINE = Path("/")
_ELSEWHERE = "install it where services can see it: python3 -m venv /opt/voxtrald, then use /opt/voxtrald/bin/pip"


def set_up_service(installation: Installation, *, root: Path, is_agreed: bool) -> int:
    """Show the plan, ask unless that is agreed, carry it out; give the exit code.

    Raises:
        DependencyError: the program lies where a service cannot see it, or a command of systemd failed.
        StorageUnavailable: a file cannot be written.
    """
    is_machine = root == MACHINE
    if is_machine:
        require_visible(installation)
    files = installation.files(read_shipped())
    for line in plan_lines(installation, files, root=root):
        click.echo(line)
    if is_machine and os.geteuid() != 0:
        click.echo("\nOnly root can do that: run it with sudo.", err=True)
        return 1
    if not is_agreed and not click.confirm("\nDo it?"):
        click.echo("Nothing was done.")
        return 1
    written = write_missing(files, root=root)
    if is_machine:
        for command in installation.commands():
            run_command(command)
    click.echo(f"\nWrote {len(written)} of {len(files)} files.")
    for line in next_lines(installation):
        click.echo(line)
    return 0


def require_visible(installation: Installation) -> None:
    """Check that the service will see the command and the interpreter that runs it.

    Raises:
        DependencyError: it will not.
    """
    own = (os.path.realpath(sys.executable), sys.prefix)
    if hidden := hidden_from_service((installation.command, os.path.realpath(installation.command), *own)):
        raise DependencyError(f"{hidden} is hidden from services", hint=_ELSEWHERE)


def plan_lines(installation: Installation, files: tuple[NewFile, ...], *, root: Path) -> Iterator[str]:
    """Say what will be done; what is there stays as it is."""
    yield "Files (those that are there stay as they are):"
    for file in files:
        yield f"  {presence_of(file, root=root).value + ':':<24} {placed(file, root=root)} ({file.purpose})"
    yield "User and groups:"
    yield f"  voxtrald runs the service; members of {GROUP} drop recordings and fetch transcripts"
    yield "Folders:"
    for name, access in (
        ("inbox", "2775, readable by all"),
        ("outbox", "2770"),
        ("error", "2770"),
    ):
        yield f"  {installation.folders / name} (group {GROUP}, {access})"
    yield f"  /var/lib/{installation.full_name} (0700, made when the service starts)"
    yield "Commands:" if root == MACHINE else f"Commands that are left to do on the machine that {root} becomes:"
    yield from (f"  {' '.join(command)}" for command in installation.commands())


def next_lines(installation: Installation) -> Iterator[str]:
    """Say what is left to the administrator."""
    yield "Next, the API key (paste it, then press Enter and Ctrl-D), the start, and those who may drop recordings:"
    yield f"  sudo install -m 600 /dev/stdin {installation.key}"
    yield f"  sudo systemctl enable --now {installation.service}"
    yield f"  sudo usermod -aG {GROUP} NAME"
