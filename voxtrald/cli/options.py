"""What several commands share: finding and reading the configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from voxtrald.config import Settings, find_config, load_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Give a command `--config FILE`."""
    option = click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The YAML file; default: $VOXTRALD_CONFIG, ./config.yaml, /etc/voxtrald/config.yaml.",
    )
    return option(command)


def read_settings(config: Path | None) -> Settings:
    """Find and read the configuration.

    Raises:
        ConfigError: with every problem at once.
    """
    return load_settings(find_config(config, environ=os.environ, cwd=Path.cwd()), environ=os.environ)
