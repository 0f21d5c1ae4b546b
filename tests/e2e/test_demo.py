"""The demo that newcomers run first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo import SAMPLE, SAMPLE_MS, SAMPLE_SEED, DemoError, clear
from tests.e2e.daemon import COMMAND, files_in
from tests.sound.formats import sample_recording
from tests.sound.speech import compose

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_BYTES = 700_000
PATIENCE_S = 150


def start_demo(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the demo on a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo", "--folder", folder, *arguments],
        cwd=ROOT,
        env={**os.environ, "VOXTRALD_COMMAND": str(COMMAND), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo on a folder to its end."""
    with start_demo(folder, *arguments, **environment) as demo:
        out, err = demo.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(demo.args, demo.returncode, out, err)


def test_the_demo_shows_a_recording_on_its_way(tmp_path):
    """The demo says what it is, shows progress and the whole transcript, names the files, and cleans up; twice."""
    folder = tmp_path / "demo"
    said = [word.text for word in compose(SAMPLE_MS, seed=SAMPLE_SEED)]
    for _ in range(2):
        told = run_demo(folder)

        assert (told.returncode, told.stderr) == (0, "")
        lines = told.stdout.splitlines()
        assert "stand-in" in lines[0]
        assert "nothing leaves this machine" in lines[0]
        assert [word for word in told.stdout.split() if word in set(said)] == said
        assert any(line.startswith("transcribed: ") and not line.startswith("transcribed: 0") for line in lines)
        endings = ("json", "m4a", "md", "srt", "txt", "vtt")
        assert files_in(folder / "outbox") == [f"meetings/sample.{ending}" for ending in endings]
        assert all(str(folder / "outbox" / name) in told.stdout for name in files_in(folder / "outbox"))
        assert files_in(folder / "inbox") == files_in(folder / "error") == []


def test_the_demo_keeps_away_from_folders_and_files_of_others(tmp_path):
    """A folder that no demo made, or a file that somebody put into the demo's inbox, is never cleared."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.wav").write_bytes(b"precious")

    told = run_demo(tmp_path / "mine")

    assert told.returncode == 1
    assert "was not made by a demo" in told.stderr
    assert (tmp_path / "mine" / "thesis.wav").read_bytes() == b"precious"


def test_a_file_dropped_into_an_earlier_demo_stops_the_next_one(tmp_path):
    """What a person put into the folders of an earlier demo is named and left alone."""
    (tmp_path / ".voxtrald-demo").write_text('["inbox/meetings/sample.m4a"]')
    (tmp_path / "inbox" / "meetings").mkdir(parents=True)
    (tmp_path / "inbox" / "meetings" / "sample.m4a").touch()
    (tmp_path / "inbox" / "mine.m4a").touch()

    with pytest.raises(DemoError, match=r"inbox/mine\.m4a"):
        clear(tmp_path)

    assert files_in(tmp_path / "inbox") == ["meetings/sample.m4a", "mine.m4a"]


def test_a_demo_that_cannot_work_says_why(tmp_path):
    """Where the daemon cannot run, the demo ends with a failure and the end of the log."""
    broken = tmp_path / "voxtrald"
    broken.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 69\n")
    broken.chmod(0o755)

    told = run_demo(tmp_path / "demo", VOXTRALD_COMMAND=str(broken))

    assert told.returncode == 1
    assert "exit code 69" in told.stderr
    assert "no such luck" in told.stderr


def test_a_demo_that_is_ended_leaves_no_daemon_behind(tmp_path, wait_until):
    """SIGTERM to the demo ends the daemon, too."""
    with start_demo(tmp_path / "demo") as demo:
        lock = tmp_path / "demo" / "state" / "daemon.lock"
        wait_until(lambda: lock.exists() and lock.read_text().strip(), timeout_s=60, what="the daemon's start")
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=PATIENCE_S)
    daemon_pid = int(lock.read_text())

    assert demo.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(daemon_pid, 0)


def test_the_real_service_needs_a_key_and_a_recording(tmp_path):
    """Asked for the real service, the demo sends nothing without a key and a recording of real speech."""
    without_key = run_demo(tmp_path / "demo", "--engine", "mistral", str(SAMPLE))
    without_recording = run_demo(tmp_path / "demo", "--engine", "mistral", MISTRAL_API_KEY="a-key")

    assert [without_key.returncode, without_recording.returncode] == [2, 2]
    assert "MISTRAL_API_KEY" in without_key.stderr
    assert "recording" in without_recording.stderr
    assert not (tmp_path / "demo").exists()


def test_the_sample_is_small_and_can_be_made_again(tmp_path):
    """The shipped sample is what its recipe says, and small enough for a repository."""
    placed = sample_recording(tmp_path / "again.m4a", SAMPLE_MS / 60_000, seed=SAMPLE_SEED)

    assert SAMPLE.stat().st_size < MOST_BYTES
    assert [word.text for word in placed] == [word.text for word in compose(SAMPLE_MS, seed=SAMPLE_SEED)]
    assert abs((tmp_path / "again.m4a").stat().st_size - SAMPLE.stat().st_size) < SAMPLE.stat().st_size / 10
