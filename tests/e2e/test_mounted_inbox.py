"""The installed daemon on a share that comes and goes, with a real mount."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Hang


class Share:
    """A file system that can be taken away from the inbox and given back with all that is on it."""

    def __init__(self, root: Path, disk: Path) -> None:
        self.root = root
        self.disk = disk

    def mount(self) -> None:
        """Mount it."""
        subprocess.run(["mount", "--bind", self.disk, self.root], check=True)

    def unmount(self) -> None:
        """Unmount it, even where it is in use."""
        subprocess.run(["umount", "--lazy", self.root], check=False, capture_output=True)


@pytest.fixture
def share(tmp_path, place):
    """A share that is mounted at the inbox."""
    disk = tmp_path / "disk"
    for folder in (disk, place.inbox):
        folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "voxtrald-test", disk]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"NOTHING CAN BE MOUNTED HERE, SO SHARES ARE NOT TESTED: {mounted.stderr.strip()}")
    made = Share(place.inbox, disk)
    try:
        made.mount()
        yield made
    finally:
        made.unmount()
        subprocess.run(["umount", "--lazy", disk], check=True)


CONFIG = {"output": {"originals": "keep"}, "watch": {"rescan_s": 0.5}}


def test_an_unmounted_share_is_waited_for_and_nothing_is_done_twice(place, share, recordings):
    """Away and back, in the run and over a restart: what is done stays done, what came meanwhile is done once."""
    first, second = recordings.make("mp3-cbr", 4.0), recordings.make("mp3-cbr", 4.0, seed=2)
    daemon = place.start(CONFIG)
    shutil.copyfile(first.path, place.inbox / "first.mp3")
    daemon.wait_event("recording_done")
    share.unmount()
    daemon.wait_event("inbox_unreachable")
    assert daemon.stop() == 0
    again = place.start()
    again.wait_event("inbox_unreachable")
    stray = files_in(place.inbox)
    shutil.copyfile(second.path, share.disk / "second.mp3")
    share.mount()
    again.wait_event("inbox_reachable")
    again.wait_event("recording_done")

    assert stray == []
    assert [event["recording"] for event in again.events("recording_begun")] == ["second.mp3"]
    assert set(place.standin.paid.values()) == {1}
    assert sorted(place.words("first") + place.words("second")) == sorted(first.words + second.words)
    assert again.stop() == 0


def test_a_job_survives_a_start_without_its_share(place, share, recordings):
    """A recording that was in work when the share went is the same job afterwards, after a start without the share."""
    talk = recordings.make("mp3-cbr", 4.0)
    place.standin.script.add(Hang())
    daemon = place.start(CONFIG)
    shutil.copyfile(talk.path, place.inbox / "talk.mp3")
    wait_for(lambda: place.standin.records._open["transcription"], what="a transcription under way")
    (begun,) = daemon.events("recording_begun")
    daemon.kill()
    place.standin.script.clear()
    share.unmount()
    again = place.start()
    again.wait_event("inbox_unreachable")
    share.mount()
    (done,) = again.wait_event("recording_done")

    assert done["job"] == begun["job"]
    assert place.words("talk") == talk.words
    assert again.stop() == 0
