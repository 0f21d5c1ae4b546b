"""`voxtrald transcribe`: the same work once, in the foreground, beside the files or in a folder of choice."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.e2e.daemon import COMMAND, SMALL_CHUNKS, files_in, wait_for
from tests.standin.faults import Hang
from tests.standin.script import TRANSCRIBE

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def desk(place, tmp_path):
    """A folder of the user's own, with a configuration written."""
    place.configure({"chunks": SMALL_CHUNKS})
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


def lay(spoken, folder, name):
    """Copy a recording into a folder."""
    return shutil.copyfile(spoken.path, folder / name)


def test_results_appear_beside_each_file(place, recordings, desk):
    """Every file gets its set beside it and stays where it is; plain lines tell what happens."""
    one, two = recordings.make("mp3-cbr", 3, seed=1), recordings.make("wav", 30, seed=2)
    run = place.run("transcribe", lay(one, desk, "one.mp3"), lay(two, desk, "two.wav"))

    assert (run.returncode, run.stderr) == (0, "")
    assert (desk / "one.txt").read_text().split() == one.words
    assert (desk / "two.txt").read_text().split() == two.words
    assert files_in(desk) == sorted(
        ["one.mp3", "two.wav", *(f"{stem}.{end}" for stem in ("one", "two") for end in ("txt", "srt", "vtt", "json"))]
    )
    lines = run.stdout.splitlines()
    assert lines.count("one.mp3: begun") == 1
    assert [line for line in lines if line.startswith("two.wav: done (")] != []
    assert "\x1b" not in run.stdout
    assert files_in(place.inbox) == []
    place.assert_clean()


def test_a_link_is_followed_where_it_was_named(place, recordings, desk, tmp_path):
    """A link on the command line is a recording like any other; the results lie beside the link."""
    spoken = recordings.make()
    (desk / "memo.wav").symlink_to(lay(spoken, tmp_path, "elsewhere.wav"))

    assert place.run("transcribe", desk / "memo.wav").returncode == 0
    assert (desk / "memo.txt").read_text().split() == spoken.words


def test_results_may_go_to_a_folder_of_choice(place, recordings, desk):
    """With --output everything is written there, under free names."""
    spoken = recordings.make()
    target = desk / "results" / "deep"
    run = place.run("transcribe", "--output", target, lay(spoken, desk, "memo.wav"))
    again = place.run("transcribe", "--output", target, desk / "memo.wav")

    assert (run.returncode, again.returncode) == (0, 0)
    assert files_in(desk) == sorted(
        [
            "memo.wav",
            *(f"results/deep/memo{mark}.{end}" for mark in ("", " (2)") for end in ("txt", "srt", "vtt", "json")),
        ]
    )
    assert len(place.standin.calls(TRANSCRIBE)) == 1
    assert "already paid for" in again.stdout


def test_one_bad_file_makes_the_exit_code_one(place, recordings, desk):
    """A file that is no recording is named with its reason and left alone; the others are done all the same."""
    (desk / "bad.mp3").write_bytes(b"")
    run = place.run("transcribe", desk / "bad.mp3", lay(recordings.make(), desk, "good.wav"))

    assert run.returncode == 1
    assert "bad.mp3: failed (empty)" in run.stderr
    assert (desk / "good.txt").read_text().split() == recordings.make().words
    assert [name for name in files_in(desk) if name.startswith("bad")] == ["bad.mp3"]


def test_an_interrupted_run_keeps_what_is_paid(place, recordings, desk):
    """Ctrl-C ends with 130; run again, only the pieces without an answer are asked and paid for."""
    talk = recordings.make("wav", 40, seed=2)
    path = lay(talk, desk, "talk.wav")
    place.standin.script.add(Hang(), nth=4, times=None)
    running = place.begin("transcribe", path)
    wait_for(lambda: place.standin.paid.total() >= 3, what="three answers")
    wait_for(lambda: running.log.read_text().count(" done") >= 3, what="three answers kept")
    running.signal(signal.SIGINT)
    place.standin.script.clear()
    assert running.wait() == 130
    finished = place.run("transcribe", path)

    assert finished.returncode == 0
    assert (desk / "talk.txt").read_text().split() == talk.words
    assert set(place.standin.paid.values()) == {1}
    assert finished.stdout.count("already paid for") >= 3
    place.assert_clean()


def test_a_terminal_shows_bars(place, recordings, desk):
    """On a terminal there are bars that move, and the outcome stands below."""
    path = lay(recordings.make("wav", 30, seed=2), desk, "talk.wav")
    place.standin.latency = (0.3, 0.0)
    shown, code = run_on_terminal([COMMAND, "transcribe", "--config", place.config, path], env=place.environment())

    assert code == 0
    assert "\x1b[" in shown
    assert "━" in shown
    assert "talk.wav: done (" in STYLE.sub("", shown)


def run_on_terminal(command, *, env):
    """Run a command on a pseudo-terminal; give what it showed and its exit code."""
    ours, theirs = pty.openpty()
    wide = {**env, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    try:
        process = subprocess.Popen([*map(str, command)], stdin=theirs, stdout=theirs, stderr=theirs, env=wide)
    finally:
        os.close(theirs)
    shown, until_s = b"", time.monotonic() + 60
    try:
        while time.monotonic() < until_s:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other side is closed
                break
            shown += piece
    finally:
        os.close(ours)
        if process.poll() is None and time.monotonic() >= until_s:
            process.kill()
    return shown.decode(errors="replace"), process.wait(timeout=30)


def test_a_refused_key_ends_a_foreground_run_at_once(place, recordings, desk):
    """A person who waits at the terminal hears why nothing works, and no file counts as done."""
    place.overrides["MISTRAL_API_KEY"] = "wrong-key"
    ended = place.run("transcribe", lay(recordings.make(), desk, "memo.wav"))

    assert ended.returncode == 1
    assert " refuses: " in ended.stderr
    assert files_in(desk) == ["memo.wav"]
