"""The demonstration itself: the daemon on fresh folders, one recording on its way through it, and what came out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.processes import Event, RunningDaemon, running_daemon
from voxtrald.demonstration.scene import Scene, sample_text
from voxtrald.demonstration.telling import Played, log_text
from voxtrald.demonstration.trouble import DemoFailed
from voxtrald.store.ledger import LEDGER_FILE, Ledger

COMMAND: Final = (sys.executable, "-P", "-m", "voxtrald")
"""This very installation, wherever it is; without the working directory, in which another one may lie."""

_ENDS: Final = frozenset({"recording_done", "recording_partial"})
_POLL_S = 0.1
_TAIL_LINES = 15


class Show(Protocol):
    """Shows that the work goes on."""

    def say(self, text: str) -> None:
        """Say one thing."""

    def count(self, done: int, total: int) -> None:
        """Say how many pieces are done."""


def play(
    scene: Scene,
    *,
    environ: Mapping[str, str],
    show: Show,
    patience: Patience,
    most_s: float,
    command: tuple[str, ...] = COMMAND,
) -> Played:
    """Let the daemon transcribe the sample, and stop it.

    Args:
        scene: prepared.
        environ: the daemon's environment, but for the settings in it, which are those of another.
        show: hears how the work goes on.
        patience: waits.
        most_s: how long it may take.
        command: the program.

    Raises:
        DemoEnded: a signal came.
        DemoFailed: anything else.
    """
    environ = {name: value for name, value in environ.items() if not name.startswith("VOXTRALD_")}
    with running_daemon(command, config=scene.config, log=scene.log, environ=environ) as daemon:
        try:
            performance = _Performance(
                scene=scene, daemon=daemon, show=show, patience=patience, until_s=patience.until(most_s)
            )
            played = performance.run()
            daemon.stop()
        except DemoFailed as error:
            tail = "\n".join(map(log_text, scene.last_lines(_TAIL_LINES)))
            what = f"{error.message}\nthe end of {scene.log}:\n{tail}"
            raise DemoFailed(what, hint=error.hint) from error
    show.say("the daemon is stopped")
    return played


@dataclass(frozen=True, slots=True, kw_only=True)
class _Performance:
    scene: Scene
    daemon: RunningDaemon
    show: Show
    patience: Patience
    until_s: float

    def run(self) -> Played:
        """Drop the sample, follow it, and look at what came out."""
        self._wait_until_it_watches()
        self.show.say(f"the daemon watches {self.scene.inbox}")
        begun_s = self.patience.clock.monotonic_s()
        self.show.say(f"dropped: inbox/{self.scene.drop()}")
        done = self._follow()
        return look_at(self.scene, done, seconds=self.patience.clock.monotonic_s() - begun_s)

    def _wait_until_it_watches(self) -> None:
        while not any(event["event"] == "daemon_started" for event in self.daemon.fresh()):
            self.patience.pause_before(self.until_s, seconds=_POLL_S)

    def _follow(self) -> Event:
        """Show how the work goes on until the recording is done; give the log's last word on it."""
        ledger = Ledger.open_read_only(self.scene.state / LEDGER_FILE, clock=self.patience.clock)
        if ledger is None:
            raise DemoFailed("the daemon keeps no ledger")
        with contextlib.closing(ledger):
            while True:
                for event in self.daemon.fresh():
                    show_event(event, show=self.show)
                    if event["event"] in _ENDS:
                        return event
                for job in ledger.unfinished():
                    if job.chunks_total:
                        self.show.count(job.chunks_done, job.chunks_total)
                self.patience.pause_before(self.until_s, seconds=_POLL_S)


def show_event(event: Event, *, show: Show) -> None:
    """Show what matters to the recording.

    Raises:
        DemoFailed: it failed, or cannot go on.
    """
    match event["event"]:
        case "recording_begun":
            show.say("the daemon has found it and begun")
        case "recording_done":
            show.count(pieces_in(event), pieces_in(event))
        case "recording_partial":
            show.count(pieces_in(event), pieces_in(event))
            show.say(f"there is speech without text at {event['missing']}")
        case "outage_began":
            show.say("the service does not answer; waiting until it does")
        case "recording_failed":
            raise DemoFailed(f"the recording failed: {event['error']}", hint=event["hint"])
        case "work_held":
            raise DemoFailed(f"nothing can be transcribed: {event['reason']}", hint=event["hint"])


def pieces_in(event: Event) -> int:
    """Count the pieces that were transcribed, with what was asked a second time, as the ledger does."""
    return int(event["chunks"] + event["repairs"])


def look_at(scene: Scene, done: Event, *, seconds: float) -> Played:
    """Read the transcript."""
    outputs = tuple(scene.outbox / name for name in done["outputs"])
    transcript = next(path for path in outputs if path.suffix == ".txt")
    return Played(
        outputs=outputs,
        said=sample_text(),
        transcript=transcript.read_text("utf-8"),
        seconds=seconds,
        audio_s=done["duration_s"],
        cost=done["cost"],
        currency=done["currency"],
    )
