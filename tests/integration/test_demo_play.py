"""The demonstration with the real daemon, and a stand-in for the service in place of a recogniser."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e.daemon import files_in
from tests.standin.faults import Hang, Status
from tests.standin.server import Standin
from voxtrald.clock import Clock
from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.play import _Performance, play
from voxtrald.demonstration.scene import Scene, engine_section
from voxtrald.demonstration.telling import Played
from voxtrald.demonstration.trouble import DemoEnded, DemoFailed
from voxtrald.dispatch.messages import SignalCame
from voxtrald.store.ledger import LEDGER_FILE, Ledger

MOST_S = 120.0
MODEL = "voxtral-mini-transcribe-3-0"


class Stage:
    """A folder, the stand-in's address in its configuration, and what was shown."""

    def __init__(self, folder: Path, standin: Standin) -> None:
        self.scene = Scene(folder)
        self.scene.prepare(engine_section({"kind": "mistral", "model": MODEL, "base_url": standin.url}))
        self.mailbox: queue.SimpleQueue[SignalCame] = queue.SimpleQueue()
        self.told: list[str] = []
        self.counted: list[tuple[int, int]] = []
        self.interrupt_at = "nothing"
        self.elsewhere = str(folder.parent / "elsewhere")
        self.standin = standin

    def say(self, text: str) -> None:
        """Keep it; end the demonstration where that was wished for."""
        self.told.append(text)
        if text.startswith(self.interrupt_at):
            self.mailbox.put(SignalCame(number=signal.SIGTERM))

    def count(self, done: int, total: int) -> None:
        """Keep it, and let the answers go that were held back until something was counted."""
        self.counted.append((done, total))
        self.standin.script.release()

    def play(self, *, most_s: float = MOST_S, **options) -> Played:
        """Play, with a key for the stand-in and settings of somebody else in the environment."""
        environ = {**os.environ, "MISTRAL_API_KEY": "test-key", "VOXTRALD_FOLDERS__INBOX": self.elsewhere}
        patience = Patience(mailbox=self.mailbox)
        return play(self.scene, environ=environ, show=self, patience=patience, most_s=most_s, **options)


@pytest.fixture
def stage(tmp_path, standin) -> Stage:
    """Give a prepared stage."""
    return Stage(tmp_path / "demo", standin)


def assert_nothing_runs(stage: Stage) -> None:
    """Look whether the daemon that wrote its number down is gone."""
    pid = int((stage.scene.state / "daemon.lock").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_recording_goes_its_way_and_is_told_about(stage, standin):
    """The sample is dropped, its pieces are counted, its files and its price are told, and the daemon is stopped."""
    standin.script.add(Hang(), times=None, when=lambda _: not stage.counted)
    played = stage.play()
    # The stand-in understands nothing but its own tones, and the sample is speech: that is noticed and told.
    told = [text for text in stage.told[1:] if not text.startswith("there is speech without text at 0:")]

    assert told == ["dropped: inbox/meetings/sample.m4a", "the daemon has found it and begun", "the daemon is stopped"]
    assert len(stage.told) == 1 + len(told) + 1
    assert stage.counted[0] == (0, 3)
    assert stage.counted[-1][0] == stage.counted[-1][1] > 3
    assert stage.counted == sorted(stage.counted)
    assert {path.name for path in played.outputs} == {
        f"sample.{ending}" for ending in ("txt", "srt", "vtt", "json", "md", "m4a")
    }
    assert all(path.is_file() for path in played.outputs)
    assert played.audio_s == pytest.approx(60.8, abs=0.1)
    assert played.cost > 0
    assert files_in(stage.scene.inbox) == list(standin.files) == []
    assert_nothing_runs(stage)


def test_the_rule_of_the_sub_folder_holds(stage):
    """The request for the sample's folder carries the language and the vocabulary that its rule names."""
    played = stage.play()
    result = next(path for path in played.outputs if path.suffix == ".json")

    parameters = json.loads(result.read_text("utf-8"))["engine"]["parameters"]
    assert "en" in str(parameters)
    assert "parish council" in str(parameters)


def test_a_refused_key_ends_it_with_the_reason(stage, standin):
    """Where the service refuses the key, the demonstration says so at once, and nothing is left running."""
    standin.script.add(Status(401), times=100)

    with pytest.raises(DemoFailed, match="nothing can be transcribed"):
        stage.play()

    assert_nothing_runs(stage)


@pytest.mark.parametrize("name", ["recording_done", "recording_partial"])
def test_it_follows_the_recording_to_either_good_end(stage, name):
    """A transcript with a hole is an end like a whole one, and its last word is what the result is read from."""
    Ledger.open(stage.scene.state / LEDGER_FILE, clock=Clock()).close()
    end = {"event": name, "chunks": 3, "repairs": 0, "missing": "0:12-0:20"}
    patience = Patience(mailbox=stage.mailbox)
    daemon = SimpleNamespace(fresh=lambda: [end])

    followed = _Performance(
        scene=stage.scene, daemon=daemon, show=stage, patience=patience, until_s=patience.until(1.0)
    )._follow()

    assert followed is end
    assert stage.counted == [(3, 3)]


def test_a_daemon_that_cannot_work_is_quoted(stage, tmp_path):
    """A program that ends is named with its exit code and the end of what it said."""
    broken = tmp_path / "voxtrald"
    broken.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 69\n")
    broken.chmod(0o755)

    with pytest.raises(DemoFailed, match=r"exit code 69(.|\n)*no such luck"):
        stage.play(command=(str(broken),))


def test_a_program_that_is_not_there_is_a_plain_sentence(stage, tmp_path):
    """A command that cannot be started is named with the reason."""
    with pytest.raises(DemoFailed, match="absent cannot be started"):
        stage.play(command=(str(tmp_path / "absent"),))


def test_patience_has_an_end(stage):
    """A program that never begins to watch is ended when the time is up."""
    idle = (sys.executable, "-c", "import signal; signal.pause()")

    with pytest.raises(DemoFailed, match="took too long"):
        stage.play(command=idle, most_s=0.2)


@pytest.mark.parametrize("moment", ["the daemon watches", "dropped", "the daemon has found it"])
def test_it_can_be_ended_at_any_moment(stage, moment):
    """A signal ends the daemon too, in order, whatever it is doing."""
    stage.interrupt_at = moment

    with pytest.raises(DemoEnded) as ended:
        stage.play()

    assert ended.value.number == signal.SIGTERM
    assert "daemon_stopped" in stage.scene.log.read_text("utf-8")
    assert_nothing_runs(stage)
