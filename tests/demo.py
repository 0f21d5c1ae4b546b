"""Watch voxtrald work: the installed daemon, a recording, and a stand-in for the service.

python -m tests.demo                             no key, no cost, nothing leaves the machine
python -m tests.demo --engine mistral talk.m4a   Mistral's service: needs MISTRAL_API_KEY, costs money

Everything happens in ./demo, which the next demo clears.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tests.sound.speech import compose
from tests.standin.server import Standin
from voxtrald.assembly import LEDGER_FILE
from voxtrald.clock import Clock
from voxtrald.engines.models import rules_for
from voxtrald.naming import shown
from voxtrald.store.ledger import Ledger

SAMPLE = Path(__file__).parent / "sound" / "sample.m4a"
SAMPLE_MS, SAMPLE_SEED = 90_000, 1  # what `tests.sound.formats.sample_recording` was asked for
COMMAND = Path(os.environ.get("VOXTRALD_COMMAND", Path(sys.executable).parent / "voxtrald"))

MARKER, LOG = ".voxtrald-demo", "log.jsonl"
SUBFOLDER = "meetings"
FORMATS = ("txt", "srt", "vtt", "json", "md")
PATIENCE_S = {"standin": 120.0, "mistral": 3600.0}
STOP_PATIENCE_S = 30.0
POLL_S = 0.05
TAIL_LINES = 25
MOST_SHOWN = 3000

STANDIN_CONFIG = """\
engine:
  base_url: {url}        # the stand-in, on this machine
chunks:                  # tiny pieces, to have some for a short recording
  max_minutes: 0.2
  first_minutes: 0.1
  search_s: 3
  overlap_s: 2
limits:
  requests: 2            # few at once, so that there is something to see
"""
MISTRAL_CONFIG = """\
chunks:                  # smaller pieces than by default, to see them come in
  max_minutes: 5
  first_minutes: 1
"""
CONFIG = """\
watch:
  settle_s: 0.5
{service}rules:
  - match: {subfolder}/**
    output:
      formats: [{formats}]
logging:
  format: json
"""


class DemoError(Exception):
    """The demo cannot begin, or did not come to the end it promises."""


# --- what is shown ------------------------------------------------------------------------------------------


class Show(Protocol):
    """Shows that the work goes on."""

    def say(self, text: str) -> None:
        """Say one thing."""

    def count(self, done: int, total: int) -> None:
        """Say how many pieces are done."""


class Lines:
    """A line for each thing that happens, for pipes and logs."""

    def __init__(self) -> None:
        self._counted = (0, 0)

    def say(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)

    def count(self, done: int, total: int) -> None:
        """Print it where it is new."""
        if (done, total) != self._counted:
            self._counted = (done, total)
            print(f"transcribed: {done} of {total} pieces", flush=True)


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


# --- the folder ---------------------------------------------------------------------------------------------


def own_files(name: str) -> list[str]:
    """List what a demo with a recording of this name may leave in the three folders that people look into."""
    stem = Path(name).stem
    outputs = [f"outbox/{SUBFOLDER}/{stem}.{ending}" for ending in FORMATS]
    reports = [f"error/{SUBFOLDER}/{name}{ending}" for ending in ("", ".error.txt", ".partial.txt")]
    return [f"inbox/{SUBFOLDER}/{name}", f"outbox/{SUBFOLDER}/{name}", *outputs, *reports]


def clear(folder: Path) -> None:
    """Remove what an earlier demo left here.

    Raises:
        DemoError: there are files that no demo made.
    """
    if not folder.exists():
        return
    marker = folder / MARKER
    if not marker.is_file():
        raise DemoError(f"{folder} was not made by a demo; move it away or name another place with --folder")
    own = set(json.loads(marker.read_text("utf-8")))
    visible = [folder / name for name in ("inbox", "outbox", "error")]
    there = {path.relative_to(folder).as_posix() for root in visible for path in root.rglob("*") if path.is_file()}
    if strangers := sorted(there - own):
        raise DemoError(f"move your own files away first: {', '.join(shown(name) for name in strangers)} in {folder}")
    for made in (*visible, folder / "state"):
        if made.exists():
            shutil.rmtree(made)
    for name in ("config.yaml", LOG, MARKER):
        (folder / name).unlink(missing_ok=True)


def make_folder(folder: Path, *, recording: Path, service: str) -> None:
    """Make a fresh folder with a configuration; the daemon makes the rest."""
    clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(json.dumps(own_files(recording.name)), encoding="utf-8")
    config = CONFIG.format(service=service, subfolder=SUBFOLDER, formats=", ".join(FORMATS))
    (folder / "config.yaml").write_text(config, encoding="utf-8")


def drop(recording: Path, folder: Path) -> str:
    """Move a copy of the recording into the inbox in one step; give its path there."""
    target = folder / "inbox" / SUBFOLDER / recording.name
    target.parent.mkdir(parents=True)
    aside = folder / f".{recording.name}.copying"
    shutil.copyfile(recording, aside)
    aside.rename(target)
    return f"{SUBFOLDER}/{recording.name}"


# --- the daemon ---------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Daemon:
    """The running daemon and what it has logged."""

    process: subprocess.Popen[bytes]
    log: Path
    read: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def fresh(self) -> list[dict[str, Any]]:
        """Give the events since the last look.

        Raises:
            DemoError: the daemon has ended.
        """
        has_ended = self.process.poll() is not None
        lines = self.log.read_text("utf-8").split("\n")[:-1]
        fresh = [json.loads(line) for line in lines[self.read :] if line.startswith("{")]
        self.read = len(lines)
        self.events += fresh
        if has_ended:
            raise DemoError(f"the daemon ended with exit code {self.process.returncode}")
        return fresh

    def stop(self) -> None:
        """Stop it as systemd would.

        Raises:
            DemoError: it did not end well.
        """
        self.process.terminate()
        try:
            code = self.process.wait(timeout=STOP_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise DemoError("the daemon did not stop") from error
        if code != 0:
            raise DemoError(f"the daemon ended with exit code {code}")


@contextlib.contextmanager
def running(folder: Path, *, environ: Mapping[str, str]) -> Iterator[Daemon]:
    """Run the installed command; whatever happens, leave nothing running behind."""
    log = folder / LOG
    with log.open("wb") as target:
        process = subprocess.Popen(
            [COMMAND, "run", "--config", folder / "config.yaml"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=target,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the daemon itself
        )
    try:
        yield Daemon(process=process, log=log)
    finally:
        process.kill()
        process.wait()


def wait_for_event(daemon: Daemon, name: str, *, until_s: float) -> None:
    """Wait until the daemon has said something.

    Raises:
        DemoError: it ended, or took too long.
    """
    while not any(event["event"] == name for event in daemon.fresh()):
        pause(until_s)


def pause(until_s: float) -> None:
    """Wait a moment before the next look.

    Raises:
        DemoError: the time is up.
    """
    if time.monotonic() > until_s:
        raise DemoError("it took too long")
    time.sleep(POLL_S)


def follow(daemon: Daemon, ledger: Ledger, *, show: Show, until_s: float) -> dict[str, Any]:
    """Show how the work goes on until the recording is done; give the log's last word on it.

    Raises:
        DemoError: it failed, or cannot go on.
    """
    while True:
        for event in daemon.fresh():
            show_event(event, show=show)
            if event["event"] == "recording_done":
                return event
        for job in ledger.unfinished():
            if job.chunks_total:
                show.count(job.chunks_done, job.chunks_total)
        pause(until_s)


def show_event(event: Mapping[str, Any], *, show: Show) -> None:
    """Show what matters to the recording.

    Raises:
        DemoError: it failed, or cannot go on.
    """
    match event["event"]:
        case "recording_begun":
            show.say("the daemon has found it and begun")
        case "recording_done":
            show.count(event["chunks"], event["chunks"])
        case "outage_began":
            show.say("the service does not answer; waiting until it does")
        case "recording_failed":
            raise DemoError(f"the recording failed: {event['error']}; {event['hint']}")
        case "work_held":
            raise DemoError(f"the service refuses the key or the account: {event['reason']}")


# --- the play -----------------------------------------------------------------------------------------------


def environment(engine: str) -> dict[str, str]:
    """Make the daemon's environment: none of the user's settings, and the real key for the real service only."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VOXTRALD_")}
    return environ if engine == "mistral" else {**environ, "MISTRAL_API_KEY": "test-key"}


def play(recording: Path, *, folder: Path, engine: str) -> None:
    """Run the whole demo.

    Raises:
        DemoError: anything went wrong.
    """
    with contextlib.ExitStack() as opened:
        standin = opened.enter_context(Standin(latency=(0.4, 0.03))) if engine == "standin" else None
        service = STANDIN_CONFIG.format(url=standin.url) if standin else MISTRAL_CONFIG
        make_folder(folder, recording=recording, service=service)
        daemon = opened.enter_context(running(folder, environ=environment(engine)))
        try:
            done = watch(daemon, recording, folder=folder, until_s=time.monotonic() + PATIENCE_S[engine])
            daemon.stop()
            tell_result(done, folder=folder, is_real=standin is None)
            if standin:
                check(standin, folder=folder)
        except DemoError as error:
            tail = "\n".join(daemon.log.read_text("utf-8", errors="replace").splitlines()[-TAIL_LINES:])
            raise DemoError(f"{error}\nthe end of {daemon.log}:\n{tail}") from error


def watch(daemon: Daemon, recording: Path, *, folder: Path, until_s: float) -> dict[str, Any]:
    """Drop the recording and show what becomes of it."""
    with showing() as show:
        wait_for_event(daemon, "daemon_started", until_s=until_s)
        show.say(f"the daemon watches {folder / 'inbox'}")
        show.say(f"dropped: inbox/{shown(drop(recording, folder))}")
        ledger = Ledger.open_read_only(folder / "state" / LEDGER_FILE, clock=Clock())
        if ledger is None:
            raise DemoError("the daemon keeps no ledger")
        with contextlib.closing(ledger):
            return follow(daemon, ledger, show=show, until_s=until_s)


def tell_result(done: Mapping[str, Any], *, folder: Path, is_real: bool) -> None:
    """Print the transcript, where it is, and what it cost."""
    outputs = [folder / "outbox" / name for name in done["outputs"]]
    text = next(path for path in outputs if path.suffix == ".txt").read_text("utf-8")
    paragraphs = text[:MOST_SHOWN].split("\n\n")
    print("\nThe transcript:\n")
    for paragraph in paragraphs:
        print(textwrap.fill(paragraph, 96, initial_indent="  ", subsequent_indent="  "), end="\n\n")
    if len(text) > MOST_SHOWN:
        print("  … and so on\n")
    print("The files:\n")
    for path in outputs:
        print(f"  {shown(str(path))}")
    price = "" if done["cost"] is None else f", {done['cost']:.4f} {done['currency']}"
    print(f"\n{'Paid' if is_real else 'This would have cost'}: {done['billed_s']:.0f} s of audio{price}.")
    print(f"The daemon was stopped. Its log is {folder / LOG}. The next demo clears {folder}.")


def check(standin: Standin, *, folder: Path) -> None:
    """Compare the transcript with what is said in the sample, and look what is left at the stand-in.

    Raises:
        DemoError: a word is missing, doubled or wrong, or something was left.
    """
    said = [word.text for word in compose(SAMPLE_MS, seed=SAMPLE_SEED)]
    heard = (folder / "outbox" / SUBFOLDER / "sample.txt").read_text("utf-8").split()
    if heard != said:
        raise DemoError(f"the transcript has {len(heard)} words and is not what was said, {len(said)} words")
    if standin.violations or standin.files:
        raise DemoError(f"at the stand-in: {standin.violations}, files left: {list(standin.files)}")
    print(f"Checked: all {len(said)} words are right, and no copy is left at the stand-in.")


# --- the command --------------------------------------------------------------------------------------------


def introduce(engine: str) -> None:
    """Say first of all what this is."""
    if engine == "standin":
        print(
            "This demo uses a stand-in for Mistral's service. It understands only the tone-coded speech of the "
            "sample, and nothing leaves this machine.",
            flush=True,
        )
    else:
        price = rules_for("voxtral-mini-transcribe-3-0").price
        rate = f", about {price.per_minute} USD a minute" if price else ""
        print(f"This demo sends the recording to Mistral's service. It costs money{rate}.", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="Watch voxtrald work.")
    parser.add_argument("--engine", choices=("standin", "mistral"), default="standin")
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="default: ./demo")
    parser.add_argument("recording", nargs="?", type=Path, help="for --engine mistral: what to transcribe")
    chosen = parser.parse_args(arguments)
    if chosen.engine == "mistral" and not os.environ.get("MISTRAL_API_KEY"):
        parser.error("--engine mistral needs the environment variable MISTRAL_API_KEY")
    if chosen.engine == "mistral" and not (chosen.recording and chosen.recording.is_file()):
        parser.error("--engine mistral needs a recording of real speech; the sample is made of tones")
    if chosen.engine == "standin" and chosen.recording:
        parser.error("the stand-in understands the sample only; for your own recording there is --engine mistral")
    return chosen


def leave(number: int, _frame: object) -> None:
    """Leave by way of every `finally`, so that the daemon is stopped as well."""
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; give the exit code."""
    chosen = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    introduce(chosen.engine)
    try:
        play(chosen.recording or SAMPLE, folder=chosen.folder.absolute(), engine=chosen.engine)
    except DemoError as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
