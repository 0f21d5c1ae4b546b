"""The `voxtrald` command: its sub-commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click
import structlog
from rich.console import Console

from voxtrald import __version__, logs
from voxtrald.errors import ConfigError, VoxtraldError

COMMANDS = ("run", "transcribe", "check", "status", "retry", "init", "demo")
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130

log = structlog.get_logger()


class Commands(click.Group):
    """The commands, each imported when it is asked for: `status` must not wait for the daemon's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them all."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give the command of this name, or None."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(getattr(import_module(f"voxtrald.cli.{cmd_name}"), cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="voxtrald")
def voxtrald() -> None:
    """Drop recordings into a folder, find their transcripts in another."""


def main() -> NoReturn:
    """Run a command and leave with its exit code."""
    code = exit_code_of(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a request that nothing can interrupt must not keep the process alive past its stop grace.
    os._exit(code)


def exit_code_of(arguments: list[str]) -> int:
    """Run a command; say what went wrong in words and in an exit code."""
    try:
        outcome = voxtrald.main(arguments, prog_name="voxtrald", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return 1
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except VoxtraldError as error:
        explain(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  the outermost frame: also a bug ends in a line of the log and a code
        tell_bug(error)
        return VoxtraldError.exit_code
    return outcome if isinstance(outcome, int) else 0


def tell_bug(error: Exception) -> None:
    """Write an error that nobody has an answer to into the log."""
    if not structlog.is_configured():
        logs.configure("error", "auto")
    log.error("program_failed", error=repr(error), exc_info=error)


def explain(error: VoxtraldError) -> None:
    """Tell a person what is wrong and what to do, on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(error, ConfigError):
        count = len(error.problems)
        console.print(
            "[bold red]the configuration has a problem:[/]"
            if count == 1
            else f"[bold red]the configuration has {count} problems:[/]"
        )
        for problem in error.problems:
            console.print(f"  {problem}", markup=False)
        return
    console.print(f"voxtrald: {error.message}", markup=False)
    if error.hint:
        console.print(f"  {error.hint}", markup=False)
