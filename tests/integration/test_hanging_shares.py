"""Shares whose server hangs or dies: a file system in user space that is stopped and killed for real."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import structlog

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import is_warden
from voxtrald.audio import commands
from voxtrald.audio.ffmpeg import Bounds
from voxtrald.config import WatchSettings
from voxtrald.watch.agenda import CHECK_S
from voxtrald.watch.intake import ANSWER_S, Intake
from voxtrald.watch.survey import REMOTE_SETTLE_S

PATIENCE_S = 10.0


class Server:
    """The server of a share."""

    def __init__(self, point):
        self.point = point
        self.process = None

    def mount(self):
        """Start it and wait until its share is mounted; skip where that is not allowed."""
        command = [sys.executable, "-m", "tests.fuse_share", self.point]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "mounted\n":
            pytest.skip(f"NOTHING CAN BE MOUNTED HERE, SO SHARES THAT HANG ARE NOT TESTED: {self.end()}")

    def hang(self):
        """Let no request be answered."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Let them be answered."""
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        """Kill it; give its last words."""
        self.process.kill()
        _, words = self.process.communicate()
        return words.strip()

    def unmount(self):
        """Take the dead share away."""
        subprocess.run(["umount", "--lazy", self.point], check=False, capture_output=True)


@pytest.fixture
def server(tmp_path):
    """A share with one recording in it."""
    point = tmp_path / "mnt"
    point.mkdir()
    made = Server(point)
    try:
        made.mount()
        yield made
    finally:
        made.end()
        made.unmount()


class Watching:
    """An intake with its own scout; its time is moved by the test, its looks are waited for."""

    def __init__(self, inbox, state):
        self.mailbox = queue.SimpleQueue()
        self.intake = Intake(inbox, settings=WatchSettings(), put=self.mailbox.put, state=state)
        self.now_s = 0.0

    def turn(self):
        """Do what the deciding thread does in one turn, without waiting."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.intake.take(self.mailbox.get_nowait(), now_s=self.now_s)
        self.intake.tick(now_s=self.now_s)

    def until(self, look, *, what, wait_until):
        """Take turns until something is so; time stands still."""

        def turn():
            self.turn()
            return look()

        wait_until(turn, what=what, timeout_s=PATIENCE_S)

    def after(self, wait_s):
        """Let time pass, and take a turn."""
        self.now_s += wait_s
        self.turn()


@pytest.fixture
def watching(server, tmp_path, wait_until):
    """An intake that has looked through the share."""
    made = Watching(server.point, tmp_path)
    made.intake.start(now_s=0.0)
    made.until(lambda: made.intake._settling._tracks, what="the recording", wait_until=wait_until)
    yield made
    server.end()
    made.intake.stop()


def test_a_real_share_is_polled_and_its_files_settle(watching, wait_until):
    """A file system in user space is told by its type; two looks far enough apart make a recording of its file."""
    watching.after(REMOTE_SETTLE_S)
    watching.until(watching.intake.next_ready, what="the recording", wait_until=wait_until)

    assert watching.intake.state.polled == (".",)
    assert str(watching.intake.next_ready().relative) == "talk.mp3"


def test_a_server_that_hangs_hangs_nobody_else(server, watching, wait_until):
    """Turns go on while no call returns; the share is told to be away, and found again when it answers."""
    server.hang()
    begun_s = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        for wait_s in (CHECK_S, ANSWER_S / 2, ANSWER_S / 2):
            watching.after(wait_s)
        took_s, away, offer = time.monotonic() - begun_s, watching.intake.state, watching.intake.next_ready()
        server.go_on()
        watching.after(CHECK_S)
        watching.until(lambda: watching.intake.state.is_reachable, what="the share", wait_until=wait_until)

    assert took_s < PATIENCE_S / 2
    assert (away.is_reachable, offer) == (False, None)
    assert "does not answer" in away.reason
    assert [event["event"] for event in logs] == ["inbox_unreachable", "inbox_reachable"]


def test_stopping_leaves_a_server_that_hangs_behind(server, watching):
    """The end does not wait for the share."""
    server.hang()
    watching.after(CHECK_S)
    begun_s = time.monotonic()
    watching.intake.stop()

    assert time.monotonic() - begun_s < PATIENCE_S / 2


def test_a_start_beside_a_server_that_hangs(server, tmp_path, monkeypatch, wait_until):
    """The start ends without the share, takes nothing for granted, and begins when it answers."""
    monkeypatch.setattr("voxtrald.watch.intake.START_S", 0.2)
    server.hang()
    watching = Watching(server.point, tmp_path)
    watching.intake.start(now_s=0.0)
    unseen = watching.intake.state
    server.go_on()
    watching.until(lambda: watching.intake.state.is_reachable, what="the share", wait_until=wait_until)
    watching.intake.stop()

    assert not unseen.is_reachable
    assert unseen.reason


def test_a_server_that_died_is_told_as_such(server, watching, wait_until):
    """Its share answers every call with an error until it is mounted again; then everything is as it was."""
    server.end()
    watching.after(CHECK_S)
    watching.until(lambda: not watching.intake.state.is_reachable, what="the loss", wait_until=wait_until)
    gone = watching.intake.state.reason
    server.unmount()
    watching.after(CHECK_S)
    watching.until(lambda: "nothing is mounted" in watching.intake.state.reason, what="why", wait_until=wait_until)
    server.mount()
    watching.after(CHECK_S)
    watching.until(lambda: watching.intake.state.is_reachable, what="the share", wait_until=wait_until)

    assert "the share is gone" in gone
    assert os.listdir(server.point) == ["talk.mp3"]  # noqa: PTH208  by name


def test_a_decoder_that_hangs_hangs_no_other(server, wait_until):
    """While one run waits for a server that hangs, before it has even become ffmpeg, another one works."""
    ffmpeg, hanging = new_ffmpeg(), server.point / "talk.mp3"
    ffmpeg.jail()
    server.hang()
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(ffmpeg.run, commands.describe(hanging), source=hanging, bounds=Bounds(timeout_s=60.0))
        wait_until(lambda: len(wardens()) > 1, what="a run that waits", timeout_s=PATIENCE_S)
        ffmpeg.jail()
        was_stuck = not stuck.done()
        server.go_on()
        ended = stuck.result(PATIENCE_S)

    assert was_stuck
    assert "talk.mp3" in ended.stderr


def wardens():
    """List the wardens of this process, and what they have forked but not yet turned into ffmpeg."""
    return [each for each in psutil.Process().children(recursive=True) if is_warden(each)]
