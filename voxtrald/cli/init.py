"""`voxtrald init`: write a commented configuration."""

from __future__ import annotations

from pathlib import Path

import click

from voxtrald.config import example_text


@click.command()
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("config.yaml"),
    show_default=True,
    help="Where to write it.",
)
def init(config: Path) -> int:
    """Write a configuration file with every key explained."""
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
