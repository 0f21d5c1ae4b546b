"""Storage that is full, closed, gone or elsewhere: nothing is lost or paid again, and work goes on by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.crashing import CONFIG, SET, assert_one_set, at_step, chunks_s, died, settled_s, status_of
from tests.e2e.daemon import files_in, is_hidden, wait_for
from tests.standin.faults import Hang
from tests.standin.script import TRANSCRIBE, UPLOAD
from voxtrald.steps import Step

SECONDS = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A small disk of its own."""

    root: Path

    @property
    def filler(self) -> Path:
        """The file that takes the room."""
        return self.root / "filler"

    def fill(self, *, but_bytes: int = 0) -> None:
        """Leave only so many bytes free, also where the daemon is just writing."""
        with self.filler.open("wb") as file:
            while (excess_bytes := self._free_bytes() - but_bytes) > 0:
                with contextlib.suppress(OSError):  # somebody was quicker
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, excess_bytes)

    def _free_bytes(self) -> int:
        space = os.statvfs(self.root)
        return space.f_bavail * space.f_frsize

    def empty(self) -> None:
        """Give the room back."""
        self.filler.unlink()

    def remount(self, option: str) -> None:
        """Make it `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{option}", self.root], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    """Give a disk of 32 MiB."""
    root = tmp_path / "disk"
    root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "voxtrald-test", root], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"A SMALL DISK CANNOT BE MOUNTED HERE, SO STORAGE IS NOT TESTED: {mounted.stderr.strip()}")
    try:
        yield Disk(root=root)
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


@pytest.fixture
def talk(recordings):
    """Give a recording of several chunks."""
    return recordings.make("m4a-faststart", SECONDS)


def with_folder(name: str, folder: Path) -> dict[str, object]:
    """Make a configuration with one folder elsewhere."""
    return {**CONFIG, "folders": {name: str(folder)}}


def assert_all_well(place, daemon, talk, *, outbox: Path) -> None:
    """Assert that the one recording is done, whole, exact and paid once."""
    wait_for((outbox / "talk.m4a").exists, what="the original in the outbox", timeout_s=40)
    daemon.wait_event("recording_done")
    result = outbox / "talk.txt"
    assert result.read_text().split() == talk.words
    assert [name for name in files_in(outbox) if name != "filler"] == sorted((*SET, "talk.m4a"))
    assert (outbox / "talk.m4a").read_bytes() == talk.path.read_bytes()
    place.assert_clean()
    assert set(place.standin.paid.values()) == {1}
    assert daemon.stop() == 0


def test_a_full_outbox_is_waited_for(place, disk, talk):
    """With no room in the outbox the recording stays in the inbox and says why; with room it is published, unpaid."""
    outbox = disk.root / "outbox"
    daemon = place.start(with_folder("outbox", outbox))
    disk.fill()
    place.drop(talk.path, "talk.m4a")
    daemon.wait_event("storage_unavailable")
    wait_for(lambda: status_of(place, "talk.m4a") == "waits for room", what="the reason in the status")

    assert files_in(place.inbox) == ["talk.m4a"]
    assert files_in(outbox) == []
    paid_s = settled_s(place.standin)
    disk.empty()
    assert_all_well(place, daemon, talk, outbox=outbox)
    assert settled_s(place.standin) == paid_s


def test_an_outbox_without_room_for_the_original_is_waited_for(place, disk, talk):
    """Where the transcripts fit and the original does not, nothing is half done, and the set is finished later."""
    outbox = disk.root / "outbox"
    daemon = place.start(with_folder("outbox", outbox))
    disk.fill(but_bytes=talk.path.stat().st_size // 2)
    place.drop(talk.path, "talk.m4a")
    daemon.wait_event("storage_unavailable")

    assert files_in(place.inbox) == ["talk.m4a"]
    assert not (outbox / "talk.m4a").exists()
    disk.empty()
    assert_all_well(place, daemon, talk, outbox=outbox)


def test_nothing_is_sent_whose_answer_could_not_be_kept(place, disk, talk):
    """While the state has too little room for answers no audio leaves the house; with room it does."""
    daemon = place.start(with_folder("state", disk.root / "state"))
    disk.fill(but_bytes=8 << 20)
    place.drop(talk.path, "talk.m4a")
    daemon.wait_event("storage_unavailable")

    assert (*place.standin.calls(UPLOAD), *place.standin.calls(TRANSCRIBE)) == ()
    assert files_in(place.inbox) == ["talk.m4a"]
    disk.empty()
    assert_all_well(place, daemon, talk, outbox=place.outbox)


def test_an_answer_waits_until_it_can_be_kept(place, disk, talk):
    """An answer that comes while the state is full is kept when there is room, and not paid again."""
    place.standin.script.add(Hang(), times=None)
    daemon = place.start(with_folder("state", disk.root / "state"))
    place.drop(talk.path, "talk.m4a")
    wait_for(lambda: place.standin.records._open["transcription"] == 3, what="three transcriptions under way")
    disk.fill()
    place.standin.script.clear()
    daemon.wait_event("answer_waits_for_storage")

    assert files_in(place.outbox) == []
    disk.empty()
    assert_all_well(place, daemon, talk, outbox=place.outbox)


def test_a_read_only_outbox_is_waited_for(place, disk, talk):
    """While the outbox cannot be written the recording stays in the inbox; then it is published."""
    outbox = disk.root / "outbox"
    daemon = place.start(with_folder("outbox", outbox))
    disk.remount("ro")
    place.drop(talk.path, "talk.m4a")
    daemon.wait_event("storage_unavailable")

    assert files_in(place.inbox) == ["talk.m4a"]
    disk.remount("rw")
    assert_all_well(place, daemon, talk, outbox=outbox)


def test_an_outbox_replaced_by_a_file_is_waited_for(place, talk):
    """While a file has the outbox's name the recording stays in the inbox, and nobody's file is touched."""
    daemon = place.start(CONFIG)
    place.outbox.rmdir()
    place.outbox.write_text("not a folder")
    place.drop(talk.path, "talk.m4a")
    daemon.wait_event("storage_unavailable")

    assert place.outbox.read_text() == "not a folder"
    assert files_in(place.inbox) == ["talk.m4a"]
    place.outbox.unlink()
    assert_all_well(place, daemon, talk, outbox=place.outbox)


def test_an_outbox_that_was_removed_is_made_again(place, talk):
    """An outbox that disappears while a recording is in work is there again when it is published."""
    place.standin.script.add(Hang())
    daemon = place.start(CONFIG)
    place.drop(talk.path, "talk.m4a")
    wait_for(lambda: place.standin.records._open["transcription"], what="a transcription under way")
    place.outbox.rmdir()
    place.standin.script.clear()

    assert_all_well(place, daemon, talk, outbox=place.outbox)


def test_an_outbox_on_another_file_system_gets_copies(place, disk, talk):
    """Where a rename cannot reach the outbox the original is copied whole, with its time, and then removed."""
    outbox = disk.root / "outbox"
    daemon = place.start(with_folder("outbox", outbox))
    dropped = place.drop(talk.path, "talk.m4a").stat()

    assert_all_well(place, daemon, talk, outbox=outbox)
    assert (outbox / "talk.m4a").stat().st_mtime_ns == dropped.st_mtime_ns


@pytest.mark.parametrize("step", [Step.OUTPUT_WRITTEN, Step.SOURCE_MOVED])
def test_a_kill_between_file_systems_costs_only_time(place, disk, talk, step):
    """Killed while it publishes to another file system and started again, the set is whole and nothing is left over."""
    outbox = disk.root / "outbox"
    doomed = place.start(with_folder("outbox", outbox), command=at_step("kill", step))
    place.drop(talk.path, "talk.m4a")
    died(doomed, after="recording_done")
    daemon = place.start()
    wait_for(lambda: status_of(place, "talk.m4a") == "done", what="done in the status")

    assert files_in(outbox) == sorted((*SET, "talk.m4a"))
    assert set(place.standin.paid.values()) == {1}
    place.assert_clean()
    assert daemon.stop() == 0


def test_a_failed_recording_reaches_an_error_folder_on_another_file_system(place, disk):
    """Where a rename cannot reach the error folder the recording is copied there whole, with its report."""
    error = disk.root / "error"
    daemon = place.start(with_folder("error", error))
    noise = place.root / "noise.mp3"
    noise.write_bytes(b"this is no audio\n" * 1000)
    place.drop(noise)
    daemon.wait_event("recording_failed")

    assert files_in(error) == ["noise.mp3", "noise.mp3.error.txt"]
    assert (error / "noise.mp3").read_bytes() == noise.read_bytes()
    assert files_in(place.inbox) == []
    assert daemon.stop() == 0


def test_an_inbox_that_vanished_is_not_an_empty_inbox(place, recordings):
    """Renamed away and back, the inbox's old recordings are not done again, and a new one is."""
    first, second = recordings.make("mp3-cbr", 4.0), recordings.make("mp3-cbr", 4.0, seed=2)
    daemon = place.start({"output": {"originals": "keep"}, "watch": {"rescan_s": 0.3}})
    place.drop(first.path, "first.mp3")
    daemon.wait_event("recording_done")
    away = place.inbox.rename(place.root / "away")
    daemon.wait_event("inbox_unreachable")
    away.rename(place.inbox)
    daemon.wait_event("inbox_reachable")
    place.drop(second.path, "second.mp3")
    daemon.wait_event("recording_done", count=2)

    assert len(daemon.events("recording_begun")) == 2
    assert set(place.standin.paid.values()) == {1}
    assert sorted(place.words("first") + place.words("second")) == sorted(first.words + second.words)
    assert [name for name in files_in(place.outbox) if is_hidden(name) or "(2)" in name] == []
    assert daemon.stop() == 0


def test_an_inbox_that_vanishes_under_a_recording_in_work_costs_nothing(place, talk):
    """A share that goes away while a recording is in work and comes back: done in the end, and nothing paid again."""
    place.standin.script.add(Hang())
    daemon = place.start({**CONFIG, "watch": {"rescan_s": 0.3}})
    place.drop(talk.path, "talk.m4a")
    wait_for(lambda: place.standin.records._open["transcription"], what="a transcription under way")
    away = place.inbox.rename(place.root / "away")
    daemon.wait_event("inbox_unreachable")
    place.standin.script.clear()
    daemon.wait_event("recording_changed")
    assert "running" not in place.run("status").stdout.partition("state")[2]
    away.rename(place.inbox)

    assert_all_well(place, daemon, talk, outbox=place.outbox)
    assert chunks_s(place) == settled_s(place.standin)
    assert_one_set(place, original="talk.m4a")
