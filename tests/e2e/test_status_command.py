"""`voxtrald status` beside a daemon: live, for scripts, what it cost, and after a kill."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager

import pytest

from tests.e2e.daemon import COMMAND, SMALL_CHUNKS, wait_for
from tests.standin.faults import Hang

COLUMNS = 80


class Screen:
    """What a command writes to a terminal of 80 columns."""

    def __init__(self, process, descriptor):
        self.process = process
        self.text = ""
        self._descriptor = descriptor

    def wait_for(self, pattern, *, timeout_s=30.0):
        """Read until the text has it."""
        until_s = time.monotonic() + timeout_s
        while not re.search(pattern, self.text):
            if time.monotonic() > until_s or not self._read():
                pytest.fail(f"{pattern!r} did not come: {self.text!r}")

    def _read(self):
        if not select.select([self._descriptor], [], [], 1.0)[0]:
            return True
        try:
            self.text += os.read(self._descriptor, 65536).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            return False
        return True


@contextmanager
def screen(place, *arguments):
    """Run a command on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environ = {**place.environment(), "TERM": "xterm"}
    process = subprocess.Popen(
        [COMMAND, *arguments, "--config", place.config], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    try:
        yield Screen(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_watching_shows_what_changes_and_ends_at_a_signal(place, recordings, number, code):
    """A recording that is dropped while somebody looks appears, runs and is done; Ctrl-C ends it and no more."""
    daemon = place.start({"chunks": SMALL_CHUNKS})
    with screen(place, "status", "--watch") as seen:
        seen.wait_for("daemon: running")
        place.drop(recordings.make("wav", 20, seed=2).path, "talk.wav")
        seen.wait_for(r"done +talk\.wav")
        seen.process.send_signal(number)

        assert seen.process.wait(timeout=10) == code
    assert daemon.stop() == 0
    assert place.words("talk")


def test_watching_needs_a_terminal(place):
    """In a pipe it says what to use, and is no error of the program."""
    place.configure()
    ran = place.run("status", "--watch")
    both = place.run("status", "--watch", "--json")

    assert (ran.returncode, both.returncode) == (64, 64)
    assert "--json" in ran.stderr


def test_a_script_reads_what_runs_and_what_it_cost(place, recordings):
    """Chunks while it runs; the sum by day and folder afterwards."""
    place.standin.script.add(Hang(), nth=3, times=None)
    daemon = place.start({"chunks": SMALL_CHUNKS})
    place.drop(recordings.make("wav", 30, seed=2).path, "lv/talk.wav")
    running = wait_for(
        lambda: [each for each in place.status()["running"] if each["chunks"]["done"] == 2],
        what="two chunks done",
    )
    place.standin.script.clear()
    place.finish("lv/talk.wav")
    ended = wait_for(lambda: place.status()["done"]["latest"], what="the end")
    cost = json.loads(place.run("status", "--cost", "--json").stdout)
    plot = place.run("status", "--cost").stdout

    assert daemon.stop() == 0
    assert running[0]["recording"] == "lv/talk.wav"
    assert running[0]["chunks"]["total"] > 2
    assert (ended[0]["recording"], ended[0]["reason"]) == ("lv/talk.wav", None)
    assert [each["folder"] for each in cost["folders"]] == ["lv"]
    assert cost["days"][0]["cost"] == pytest.approx(place.status()["spend"]["today"][0]["cost"])
    assert "█" in plot
    assert max(map(len, plot.splitlines())) <= COLUMNS


def test_a_killed_daemon_does_not_run_any_more(place, recordings):
    """At once after kill -9 the status says so, and that its recording was interrupted."""
    place.standin.script.add(Hang(), times=None)
    daemon = place.start({})
    place.drop(recordings.make().path, "memo.wav")
    wait_for(lambda: place.status()["running"], what="the recording in work")
    before = place.status()
    daemon.kill()
    after = place.status()
    shown = place.run("status").stdout

    assert (before["daemon"]["running"], before["daemon"]["pid"]) == (True, daemon.process.pid)
    assert (after["daemon"]["running"], after["daemon"]["pid"], after["running"]) == (False, None, [])
    assert [each["recording"] for each in after["waiting"]["interrupted"]] == ["memo.wav"]
    assert "daemon: not running" in shown
    assert re.search(r"^interrupted +memo.wav", shown, re.MULTILINE)
