"""`voxtrald init`: write a commented configuration, or make a systemd service."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from voxtrald.cli.service import set_up_service
from voxtrald.config import example_text
from voxtrald.service.systemd.installation import Installation


@click.command()
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("config.yaml"),
    show_default=True,
    help="Where to write it.",
)
@click.option("--systemd", is_flag=True, help="Make a systemd service instead: configuration, unit, user, folders.")
@click.option("--instance", default="", metavar="NAME", help="With --systemd: one of several services, NAME.")
@click.option("--local-engine", is_flag=True, help="With --systemd: for `engine.kind: local`, too.")
@click.option("--command", metavar="PATH", help="With --systemd: the command to start; default: this one.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="With --systemd: write the files below this folder, as for an image, and run no command.",
)
@click.option("--yes", is_flag=True, help="With --systemd: do it without asking.")
def init(
    *, config: Path, systemd: bool, instance: str, local_engine: bool, command: str | None, root: Path, yes: bool
) -> int:
    """Write a configuration file with every key explained."""
    if not systemd:
        return write_example(config)
    installation = Installation(
        instance=instance, command=command or installed_command(), has_local_engine=local_engine
    )
    return set_up_service(installation, root=root, is_agreed=yes)


def write_example(config: Path) -> int:
    """Write the example where there is no file."""
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(example_text())
    except FileExistsError:
        click.echo(f"{config} is already there; it was left as it is.", err=True)
        return 1
    except OSError as error:
        click.echo(f"cannot write {config}: {error.strerror}", err=True)
        return 1
    click.echo(f"Wrote {config}. Next: put your key into MISTRAL_API_KEY or a file (engine.api_key_file),")
    click.echo(f"then try `voxtrald check --config {config}` and `voxtrald run --config {config}`.")
    return 0


def installed_command() -> str:
    """Find the command that is running, or the one beside the interpreter."""
    started = Path(sys.argv[0])
    beside = Path(sys.executable).parent / "voxtrald"
    is_command = started.name == "voxtrald" and os.access(started, os.X_OK)
    return str(started.absolute() if is_command else beside)
