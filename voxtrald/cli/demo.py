"""`voxtrald demo`: watch the daemon work."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from voxtrald.cli.options import read_settings
from voxtrald.demonstration.choosing import KEY, local_model, price_text, require_key, usual_model
from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.play import Show, play
from voxtrald.demonstration.scene import Scene, engine_section
from voxtrald.demonstration.telling import result_text
from voxtrald.demonstration.trouble import DemoEnded, DemoFailed
from voxtrald.dispatch.messages import SignalCame
from voxtrald.dispatch.signals import ENDING, signals_put

MOST_S = 900.0


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A YAML file whose section `engine` says who transcribes, instead of --engine and --model.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "mistral"]),
    help="A recogniser on this machine (the default), or Mistral's service, which costs money.",
)
@click.option("--model", help="For local, a folder or a name that faster-whisper knows; for mistral, a model's id.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("voxtrald-demo"),
    show_default=True,
    help="Where it happens. What an earlier demo left there is cleared.",
)
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
def demo(config: Path | None, engine: str | None, model: str | None, folder: Path, *, yes: bool) -> int:
    """Watch the daemon transcribe a sample.

    Nothing leaves this machine unless you choose so.
    """
    scene = Scene(folder)
    if config is not None and (engine or model):
        raise click.UsageError("--config already says who transcribes; leave --engine and --model out")
    keys: dict[str, object] = {"kind": engine or "local", "model": model}
    if config is not None:
        keys = configured_engine(config)
    if keys["kind"] == "mistral":
        keys["model"] = keys.get("model") or usual_model()
        if config is None:
            require_key(os.environ)
        if not may_spend(str(keys["model"]), is_agreed=yes):
            return 1
    mailbox: queue.SimpleQueue[SignalCame] = queue.SimpleQueue()
    try:
        with signals_put(mailbox.put, ENDING):
            perform(scene, keys=keys, patience=Patience(mailbox=mailbox))
    except DemoEnded as ended:
        click.echo("ended early; nothing is left running", err=True)
        return 128 + ended.number
    return 0


def configured_engine(config: Path) -> dict[str, object]:
    """Read who transcribes by a configuration: the keys of `engine` that it writes, and its kind.

    Raises:
        ConfigError: with every problem at once.
    """
    engine = read_settings(config).engine
    return {"kind": engine.kind, **engine.model_dump(mode="json", exclude_unset=True)}


def may_spend(model: str, *, is_agreed: bool) -> bool:
    """Tell the price and ask; before signals become messages, so that Ctrl-C reaches the question.

    Raises:
        DemoFailed: nobody is there to be asked.
    """
    click.echo(price_text(model))
    if is_agreed:
        return True
    if not sys.stdin.isatty():
        raise DemoFailed("this costs money, and nobody is there to be asked", hint="say --yes to agree beforehand")
    return click.confirm("Go on?")


def perform(scene: Scene, *, keys: dict[str, object], patience: Patience) -> None:
    """Find the model, let the daemon work, and tell what came of it."""
    scene.clear()
    environ = dict(os.environ)
    is_local = keys["kind"] == "local"
    if is_local:
        environ.pop(KEY, None)
        named = keys.get("model")
        keys["model"] = local_model(str(named) if named else None, environ=environ, patience=patience, say=click.echo)
        click.echo("A recogniser on this machine does the work; the recording does not leave it.")
    scene.prepare(engine_section(keys))
    with showing() as show:
        played = play(scene, environ=environ, show=show, patience=patience, most_s=MOST_S)
    click.echo(result_text(played))
    click.echo(f"All of it is in {scene.folder}, which the next demo clears.")
    if is_local and KEY in os.environ:
        click.echo(f"{KEY} is set: `voxtrald demo --engine mistral` does the same with Mistral's service.")


# --- progress -----------------------------------------------------------------------------------------------


class Lines:
    """A line for each thing that happens, for pipes and logs."""

    def __init__(self) -> None:
        self._counted = (0, 0)

    def say(self, text: str) -> None:
        """Print it."""
        click.echo(text)

    def count(self, done: int, total: int) -> None:
        """Print it where it is new."""
        if (done, total) != self._counted:
            self._counted = (done, total)
            click.echo(f"transcribed: {done} of {total} pieces")


class Bar:
    """A bar on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """Print it above the bar."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def count(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._task is None:
            self._task = self._progress.add_task("pieces transcribed", total=total)
        self._progress.update(self._task, completed=done, total=total)


@contextlib.contextmanager
def showing() -> Iterator[Show]:
    """Give what fits the place where the output goes."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        yield Bar(progress)
