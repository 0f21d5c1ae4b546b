"""Starting and ending the real ffmpeg."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ffmpegs import BINARY, new_ffmpeg
from tests.integration.audio_files import StopAfter, children
from voxtrald.audio.commands import Command
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.errors import (
    DependencyError,
    Reason,
    RecordingError,
    StopRequested,
    StorageUnavailable,
)
from voxtrald.stopping import Stop

SOURCE = Path("/in/a.mp3")
ORDINARY = Bounds(timeout_s=60.0)
LIVE = ["-v", "error", "-re", "-f", "lavfi", "-i", "sine", "-f", "null", "-"]
"""Never ends, hardly computes."""

BUSY = ["-v", "error", "-f", "lavfi", "-i", "sine=r=8000", "-f", "null", "-"]
"""Never ends, computes all it can."""

TALKATIVE = ["-v", "error", "-f", "lavfi", "-i", "sine", "-f", "s16le", "pipe:1"]
"""Never ends, writes all it can to stdout."""


def asked(*arguments: str, writes: Path | None = None) -> Command:
    """Ask for anything, as `commands` never would."""
    return Command(arguments=arguments, reads=SOURCE, writes=writes)


def script(path: Path, text: str) -> Path:
    """Write a program that stands in for ffmpeg."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def outside(program: Path, *, stop: Stop) -> Ffmpeg:
    """Make one that runs a script, which the jail would not let start."""
    return new_ffmpeg(program, slots=1, stop=stop, layers=())


class StopFile:
    """A stop that a child can ask for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_set(self) -> bool:
        """Whether the child has asked."""
        return self.path.exists()


def test_what_a_child_says_is_given_back():
    """Exit code, stdout and stderr of a child that ends by itself."""
    finished = new_ffmpeg().run(asked("-version"), source=SOURCE, bounds=ORDINARY)

    assert finished.returncode == 0
    assert finished.stdout.startswith(b"ffmpeg version")
    assert finished.complaint == ""


def test_what_it_says_comes_while_it_runs():
    """Pieces are handed over as they are said, and the child is gone when their reader fails."""
    heard = []

    def hear(piece: bytes) -> None:
        heard.append((piece, children()))
        raise LookupError

    with pytest.raises(LookupError):
        new_ffmpeg().feed(asked(*LIVE, "-progress", "pipe:1"), source=SOURCE, bounds=ORDINARY, feed=hear)

    ((piece, running),) = heard
    assert b"=" in piece
    assert running
    assert children() == []


def test_stop_ends_a_running_child():
    """Stop is heard while a child runs, and nothing is left behind."""
    with pytest.raises(StopRequested):
        new_ffmpeg(stop=StopAfter(3)).run(asked(*LIVE), source=SOURCE, bounds=ORDINARY)

    assert children() == []


def test_stop_is_heard_before_a_child_is_started(tmp_path):
    """Once stop was asked for, nothing is started any more."""
    program = script(tmp_path / "ffmpeg", f"touch {tmp_path}/started")
    stop = threading.Event()
    stop.set()

    with pytest.raises(StopRequested):
        outside(program, stop=stop).run(asked(), source=SOURCE, bounds=ORDINARY)

    assert not (tmp_path / "started").exists()


def test_stop_is_heard_while_waiting_for_a_slot():
    """Who waits for another child's end hears stop as well."""
    stop = threading.Event()
    ffmpeg = new_ffmpeg(stop=stop, slots=1)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(ffmpeg.run, asked(*LIVE), source=SOURCE, bounds=ORDINARY) for _ in range(2)]
        stop.set()
        errors = [run.exception(timeout=20) for run in runs]

    assert [type(error) for error in errors] == [StopRequested, StopRequested]
    assert children() == []


def test_a_child_killed_by_a_stop_is_not_a_failure(tmp_path):
    """When a service's stop reaches the child first, the recording is not blamed for its exit code."""
    program = script(tmp_path / "ffmpeg", f"touch {tmp_path}/stopped; exit 255")

    with pytest.raises(StopRequested):
        outside(program, stop=StopFile(tmp_path / "stopped")).run(asked(), source=SOURCE, bounds=ORDINARY)


def test_a_child_that_waits_too_long_is_the_storages_fault():
    """A child that gets nothing to compute is waiting for a disk or a share."""
    with pytest.raises(StorageUnavailable):
        new_ffmpeg().run(asked(*LIVE), source=SOURCE, bounds=Bounds(timeout_s=1.0))

    assert children() == []


def test_a_child_that_computes_without_end_is_the_recordings_fault():
    """A child that computes and gets nowhere was given something made to waste time."""
    with pytest.raises(RecordingError) as caught:
        new_ffmpeg().run(asked(*BUSY), source=SOURCE, bounds=Bounds(timeout_s=1.0))

    assert caught.value.reason == Reason.UNREADABLE
    assert children() == []


def test_a_child_cannot_fill_our_memory():
    """What is said beyond the limit is not taken, and ends the child."""
    finished = new_ffmpeg().run(asked(*TALKATIVE), source=SOURCE, bounds=Bounds(timeout_s=60.0, stdout_bytes=100_000))

    assert finished.returncode != 0
    assert len(finished.stdout) < 200_000


def test_a_child_cannot_fill_the_disk(tmp_path):
    """A file that grows beyond its limit ends the child."""
    target = tmp_path / "bomb.wav"
    bounds = Bounds(timeout_s=60.0, file_bytes=1 << 20)

    finished = new_ffmpeg().run(asked("-y", *BUSY[:-3], f"file:{target}", writes=target), source=SOURCE, bounds=bounds)

    assert finished.returncode != 0
    assert target.stat().st_size <= 1 << 20


def test_never_more_children_than_slots(tmp_path):
    """With one slot, no child begins before the one before it has ended."""
    program = script(
        tmp_path / "ffmpeg",
        f"mkdir {tmp_path}/busy || echo two at once >&2; for i in 1 2 3 4 5 6 7 8 9; do :; done; rmdir {tmp_path}/busy",
    )
    ffmpeg = outside(program, stop=threading.Event())
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(ffmpeg.run, asked(), source=SOURCE, bounds=ORDINARY) for _ in range(24)]

    assert not [run for run in runs if "two at once" in run.result().stderr]
    assert len(runs) == 24


def test_children_stand_in_an_empty_folder(tmp_path):
    """A child sees neither our working directory nor our standard input, and can leave nothing where it stands."""
    program = script(tmp_path / "ffmpeg", "ls -A; cat; touch crumb || echo no crumb")

    finished = outside(program, stop=threading.Event()).run(asked(), source=SOURCE, bounds=ORDINARY)

    assert finished.stdout == b"no crumb\n"


def test_a_program_that_vanished_is_told():
    """A missing program is the machine's fault, not the recording's."""
    ffmpeg = new_ffmpeg(Path("/nowhere/ffmpeg"))

    with pytest.raises(DependencyError):
        ffmpeg.run(asked(), source=SOURCE, bounds=ORDINARY)


def test_the_configured_ffmpeg_comes_first(tmp_path):
    """The setting wins over the environment, and that over the bundled one."""
    mine = script(tmp_path / "mine", "echo ffmpeg version 7")
    other = script(tmp_path / "other", "echo ffmpeg version 6")
    environ = {"VOXTRALD_FFMPEG": str(other)}

    assert find_ffmpeg(mine, environ) == mine
    assert find_ffmpeg(None, environ) == other
    assert find_ffmpeg(None, {}) == BINARY


@pytest.mark.parametrize("text", ["exit 1", "echo something else"])
def test_what_is_no_ffmpeg_is_refused(tmp_path, text):
    """A program that fails or is another one is noticed at once."""
    with pytest.raises(DependencyError):
        find_ffmpeg(script(tmp_path / "ffmpeg", text), {})


@pytest.mark.parametrize("name", ["no-such-program-anywhere", "/nowhere/ffmpeg"])
def test_a_missing_ffmpeg_is_refused(name):
    """A name that leads nowhere is told with what to do about it."""
    with pytest.raises(DependencyError) as caught:
        find_ffmpeg(name, {})

    assert "audio.ffmpeg" in caught.value.hint
