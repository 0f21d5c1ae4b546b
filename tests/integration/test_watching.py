"""The inbox as the file system shows it: hints from the kernel, and scans."""

from __future__ import annotations

import os
import queue
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest

from voxtrald.errors import DependencyError, StorageUnavailable
from voxtrald.naming import IgnoreRules
from voxtrald.watch.agenda import POLLING_S
from voxtrald.watch.scanning import Oddity, OddKind, scan, sight
from voxtrald.watch.settling import Settling, Sighting
from voxtrald.watch.watcher import Hint, HintKind, Watcher

PATIENCE_S = 10.0


class Ear:
    """A watcher and the hints it has put."""

    def __init__(self, root, **options):
        self.root = root
        self.hints = queue.SimpleQueue()
        settings = {"mode": "events", "recursive": True, "rescan_s": 30.0, **options}
        self.watcher = Watcher(root, put=self.hints.put, **settings)

    def __enter__(self):
        self.watcher.start()
        return self

    def __exit__(self, *_):
        self.watcher.stop()

    def hear_until(self, last, path):
        """Give the hints up to the one expected; fail where it does not come."""
        heard = []
        expected = Hint(path=self.root / path, kind=last)
        while not heard or heard[-1] != expected:
            try:
                heard.append(self.hints.get(timeout=PATIENCE_S))
            except queue.Empty:
                pytest.fail(f"no {expected}; heard {heard}")
        return [(hint.kind, hint.path.relative_to(self.root).as_posix()) for hint in heard]


@pytest.fixture
def inbox(tmp_path):
    """An empty inbox."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that is not watched, on the same file system."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def names_seen(found):
    """Name the files among what a scan found."""
    return [str(one.relative) for one in found if isinstance(one, Sighting)]


def look_at(inbox, *, recursive=True, patterns=(), **options):
    """Scan the whole inbox."""
    return list(scan(inbox, recursive=recursive, ignore=IgnoreRules(patterns), **options))


# --- hints --------------------------------------------------------------------------------------------------


def test_a_written_file_is_complete_when_it_is_closed(inbox):
    """Creation says that there may be a file, closing that it is whole; writes in between say nothing."""
    with Ear(inbox) as ear:
        with (inbox / "talk.m4a").open("wb", buffering=0) as file:
            for _ in range(100):
                file.write(b"sound")
        heard = ear.hear_until(HintKind.COMPLETE, "talk.m4a")

    assert heard == [(HintKind.MAYBE, "talk.m4a"), (HintKind.COMPLETE, "talk.m4a")]


def test_a_file_that_is_moved_in_is_complete(inbox, elsewhere):
    """A file that appears by renaming from outside is whole at once."""
    (elsewhere / "talk.m4a").write_bytes(b"sound")
    with Ear(inbox) as ear:
        (elsewhere / "talk.m4a").rename(inbox / "talk.m4a")
        heard = ear.hear_until(HintKind.COMPLETE, "talk.m4a")

    assert heard == [(HintKind.COMPLETE, "talk.m4a")]


def test_a_finished_download_is_complete(inbox):
    """A temporary file renamed to its final name, even over another file, makes the final name complete."""
    (inbox / "talk.m4a").write_bytes(b"")
    (inbox / "talk.m4a.part").write_bytes(b"sound")
    with Ear(inbox) as ear:
        (inbox / "talk.m4a.part").replace(inbox / "talk.m4a")
        heard = ear.hear_until(HintKind.COMPLETE, "talk.m4a")

    assert heard == [(HintKind.GONE, "talk.m4a.part"), (HintKind.COMPLETE, "talk.m4a")]


def test_a_hard_link_may_be_a_file(inbox, elsewhere):
    """A file that appears by linking is looked at; whether it is whole, only time tells."""
    (elsewhere / "talk.m4a").write_bytes(b"sound")
    with Ear(inbox) as ear:
        (inbox / "talk.m4a").hardlink_to(elsewhere / "talk.m4a")
        heard = ear.hear_until(HintKind.MAYBE, "talk.m4a")

    assert heard == [(HintKind.MAYBE, "talk.m4a")]


def test_a_file_that_leaves_is_gone(inbox, elsewhere):
    """Deleting and moving away are told alike."""
    for name in ("a.mp3", "b.mp3"):
        (inbox / name).write_bytes(b"sound")
    with Ear(inbox) as ear:
        (inbox / "a.mp3").unlink()
        (inbox / "b.mp3").rename(elsewhere / "b.mp3")
        heard = ear.hear_until(HintKind.GONE, "b.mp3")

    assert heard == [(HintKind.GONE, "a.mp3"), (HintKind.GONE, "b.mp3")]


def test_a_file_that_leaves_does_not_delay_the_next(inbox, elsewhere):
    """A recording that is moved out does not hold back the hint for one that arrives."""
    waits_s = []
    with Ear(inbox) as ear:
        for n in range(5):
            (inbox / f"{n}.mp3").write_bytes(b"sound")
            ear.hear_until(HintKind.COMPLETE, f"{n}.mp3")
            (inbox / f"{n}.mp3").rename(elsewhere / f"{n}.mp3")
            (inbox / "next.mp3").write_bytes(b"sound")
            closed_s = time.monotonic()
            ear.hear_until(HintKind.COMPLETE, "next.mp3")
            waits_s.append(time.monotonic() - closed_s)

    assert min(waits_s) < 0.1


def test_a_new_folder_is_to_be_scanned(inbox):
    """What was put into a folder before the kernel watched it is found by looking into the folder."""
    with Ear(inbox) as ear:
        (inbox / "lv").mkdir()
        (inbox / "lv" / "talk.m4a").write_bytes(b"sound")
        ear.hear_until(HintKind.FOLDER, "lv")

    assert names_seen(look_at(inbox, below=PurePosixPath("lv"))) == ["lv/talk.m4a"]


def test_files_in_a_folder_that_is_moved_in_are_not_called_complete(inbox, elsewhere):
    """Somebody may still be writing into a folder that is being moved: its files have to settle."""
    (elsewhere / "lv").mkdir()
    (elsewhere / "lv" / "talk.m4a").write_bytes(b"sound")
    with Ear(inbox) as ear:
        (elsewhere / "lv").rename(inbox / "lv")
        (inbox / "last.mp3").write_bytes(b"sound")
        heard = ear.hear_until(HintKind.COMPLETE, "last.mp3")

    assert (HintKind.FOLDER, "lv") in heard
    assert (HintKind.COMPLETE, "lv/talk.m4a") not in heard


def test_a_renamed_folder_is_watched_under_its_new_name(inbox):
    """Files written after a folder was renamed are told with the name it has now."""
    (inbox / "old" / "deep").mkdir(parents=True)
    with Ear(inbox) as ear:
        (inbox / "old").rename(inbox / "new")
        ear.hear_until(HintKind.FOLDER, "new")
        (inbox / "new" / "deep" / "talk.m4a").write_bytes(b"sound")

        assert ear.hear_until(HintKind.COMPLETE, "new/deep/talk.m4a")


def test_folders_are_left_alone_when_they_do_not_count(inbox):
    """Without recursion neither a folder nor what is in it is worth a hint."""
    (inbox / "old").mkdir()
    with Ear(inbox, recursive=False) as ear:
        (inbox / "new").mkdir()
        (inbox / "old" / "talk.m4a").write_bytes(b"sound")
        (inbox / "last.mp3").write_bytes(b"sound")
        heard = ear.hear_until(HintKind.COMPLETE, "last.mp3")

    assert heard == [(HintKind.MAYBE, "last.mp3"), (HintKind.COMPLETE, "last.mp3")]


def test_an_inbox_behind_a_link_is_heard(inbox, tmp_path):
    """The inbox itself may be a link; hints speak of it by the name that was configured."""
    (tmp_path / "link").symlink_to(inbox)
    with Ear(tmp_path / "link") as ear:
        (inbox / "talk.m4a").write_bytes(b"sound")

        assert ear.hear_until(HintKind.COMPLETE, "talk.m4a")


def test_a_name_that_is_no_text_is_heard_and_seen(inbox):
    """A name in another encoding makes it through the kernel's events and a scan alike."""
    name = os.fsdecode(b"gr\xfc\xdfe\n.mp3")
    with Ear(inbox) as ear:
        (inbox / name).write_bytes(b"sound")
        ear.hear_until(HintKind.COMPLETE, name)

    assert names_seen(look_at(inbox)) == [name]
    assert sight(inbox, PurePosixPath(name)) is not None


def test_lost_events_ask_for_a_scan(inbox):
    """When the kernel's queue runs over, the watcher says so, and hears what happens afterwards."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip("it would take too many events to run this queue over")
    (inbox / "a.mp3").touch()
    with Ear(inbox) as ear:
        with ear.watcher._observer._reader._lock:  # keeps the reader from emptying the queue
            for n in range(
                limit // 4 + 1000
            ):  # each round makes four events; a read that is under way takes up to 2048
                (inbox / "a.mp3").rename(inbox / f"{n}.mp3")
                (inbox / f"{n}.mp3").rename(inbox / "a.mp3")
        ear.hear_until(HintKind.OVERFLOW, ".")
        (inbox / "after.mp3").write_bytes(b"sound")

        assert ear.hear_until(HintKind.COMPLETE, "after.mp3")


# --- what the events are worth ------------------------------------------------------------------------------


def test_a_watcher_that_hears_is_content_with_rare_scans(inbox):
    """While events come, the configured interval holds."""
    with Ear(inbox) as ear:
        assert ear.watcher.is_alive()
        assert ear.watcher.rescan_s == 30.0


def test_polling_scans_often_and_listens_to_nothing(inbox):
    """Without events the scans come often, and there is no thread that could die."""
    with Ear(inbox, mode="polling") as ear:
        (inbox / "talk.m4a").write_bytes(b"sound")

        assert ear.watcher.is_alive()
        assert ear.watcher.rescan_s == POLLING_S
        assert ear.hints.empty()


def test_frequent_scans_stay_frequent(inbox):
    """An interval that is shorter than polling's is kept."""
    with Ear(inbox, mode="polling", rescan_s=1.0) as ear:
        assert ear.watcher.rescan_s == 1.0


def test_a_replaced_inbox_is_noticed_and_heard_again(inbox, wait_until):
    """A folder that was deleted and made anew is another folder, which takes a new start to be heard."""
    with Ear(inbox) as ear:
        inbox.rmdir()
        inbox.mkdir()
        # The new folder may get the old one's inode: then only the kernel's word that the watch is gone tells.
        wait_until(lambda: not ear.watcher.is_alive(), what="the watcher to notice")
        ear.watcher.stop()
        ear.watcher.start()
        (inbox / "talk.m4a").write_bytes(b"sound")

        assert ear.watcher.is_alive()
        assert ear.hear_until(HintKind.COMPLETE, "talk.m4a")


def test_a_dead_reader_is_noticed(inbox):
    """A thread that ends behind the watcher's back makes it say that it is not alive."""
    with Ear(inbox) as ear:
        reader = ear.watcher._observer._reader
        reader.stop()
        reader.join()

        assert not ear.watcher.is_alive()


@pytest.mark.parametrize("mode", ["auto", "events"])
def test_a_missing_inbox_is_a_matter_of_storage(inbox, mode):
    """A watcher whose folder is not there is not alive, and starts once the folder is there."""
    inbox.rmdir()
    ear = Ear(inbox, mode=mode)
    with pytest.raises(StorageUnavailable):
        ear.watcher.start()
    was_alive = ear.watcher.is_alive()
    inbox.mkdir()
    with ear:
        assert not was_alive
        assert ear.watcher.is_alive()


def test_stopping_is_quick_and_may_be_repeated(inbox):
    """A stop needs no event to be heard, and neither a second nor a premature one does harm."""
    ear = Ear(inbox)
    ear.watcher.stop()
    ear.watcher.start()
    begun_s = time.monotonic()
    ear.watcher.stop()
    ear.watcher.stop()

    assert time.monotonic() - begun_s < 2.0


LIMITED = """
import sys
from pathlib import Path
from queue import SimpleQueue
from voxtrald.errors import DependencyError
from voxtrald.watch.watcher import Watcher

root, mode = Path(sys.argv[1]), sys.argv[2]
hints = SimpleQueue()
watcher = Watcher(root, mode=mode, recursive=True, rescan_s=30.0, put=hints.put)
try:
    watcher.start()
    kinds = [] if hints.empty() else [hints.get().kind.value]
    print(watcher.is_alive(), watcher.rescan_s, *kinds)
    watcher.stop()
except DependencyError as error:
    print(error.exit_code, error.message, error.hint)
"""


def run_limited(setting, value, *arguments):
    """Run the script above where the kernel grants only so much, in a user namespace of its own."""
    unshare = shutil.which("unshare")
    lower = f"echo {value} > /proc/sys/user/{setting}"
    enter = [unshare or "", "--user", "--map-root-user", "sh", "-c"]
    if not unshare or subprocess.run([*enter, lower], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    script = [sys.executable, "-c", LIMITED, *map(str, arguments)]
    run = subprocess.run([*enter, f'{lower}; exec "$@"', "sh", *script], capture_output=True, text=True, check=True)
    *log, answer = run.stdout.splitlines()
    return answer, "\n".join(log)


def test_auto_falls_back_to_polling_when_the_kernel_refuses(inbox):
    """Where no inotify instance is left, the log names the setting to raise and scans become frequent."""
    answer, log = run_limited("max_inotify_instances", 0, inbox, "auto")

    assert answer == f"True {POLLING_S}"
    assert "fs.inotify.max_user_instances" in log


def test_events_that_are_insisted_on_are_not_replaced(inbox):
    """Whoever configured events is told that there are none, and what to raise."""
    answer, _ = run_limited("max_inotify_instances", 0, inbox, "events")

    assert answer.startswith(f"{DependencyError.exit_code} ")
    assert "fs.inotify.max_user_instances" in answer


def test_folders_past_the_limit_are_scanned_often(inbox):
    """Where not every folder can be watched, events go on for the others and scans find the rest."""
    for n in range(5):
        (inbox / str(n)).mkdir()
    answer, log = run_limited("max_inotify_watches", 3, inbox, "auto")

    assert answer == f"True {POLLING_S} overflow"
    assert log.count("fs.inotify.max_user_watches") == 1
    assert "this inbox alone needs 6" in log


# --- scans --------------------------------------------------------------------------------------------------


def test_a_scan_sees_every_file_and_says_what_it_is_like(inbox):
    """A sighting has the path from the inbox, the size, the time and the identity of the file."""
    (inbox / "lv").mkdir()
    (inbox / "lv" / "talk.m4a").write_bytes(b"sound")
    os.utime(inbox / "lv" / "talk.m4a", ns=(1, 123_456_789))
    status = (inbox / "lv" / "talk.m4a").stat()

    expected = Sighting(
        relative=PurePosixPath("lv/talk.m4a"),
        size_bytes=5,
        mtime_ns=123_456_789,
        inode=status.st_ino,
        device=status.st_dev,
    )
    assert look_at(inbox) == [expected]
    assert sight(inbox, PurePosixPath("lv/talk.m4a")) == expected


def test_files_come_by_name_and_folders_after_them(inbox):
    """The order of a scan does not depend on how the file system stores its folders."""
    for path in ("c.mp3", "a.mp3", "z/b.mp3", "b/z.mp3", "b/a/x.mp3"):
        (inbox / path).parent.mkdir(parents=True, exist_ok=True)
        (inbox / path).touch()

    assert names_seen(look_at(inbox)) == ["a.mp3", "c.mp3", "b/z.mp3", "z/b.mp3", "b/a/x.mp3"]
    assert names_seen(look_at(inbox, recursive=False)) == ["a.mp3", "c.mp3"]
    assert names_seen(look_at(inbox, below=PurePosixPath("b"))) == ["b/z.mp3", "b/a/x.mp3"]


def test_a_scan_passes_over_what_is_ignored(inbox):
    """Ignored folders are not entered, ignored files not seen; papers are mentioned and left."""
    for path in ("@eaDir/a.mp3", "raw/a.mp3", "a.mp3.part", "a.mp3", "sub/raw/b.mp3", "sub/notes.pdf"):
        (inbox / path).parent.mkdir(parents=True, exist_ok=True)
        (inbox / path).touch()

    found = look_at(inbox, patterns=["/raw"])

    assert names_seen(found) == ["a.mp3", "sub/raw/b.mp3"]
    assert [one for one in found if isinstance(one, Oddity)] == [
        Oddity(relative=PurePosixPath("sub/notes.pdf"), what=OddKind.NO_RECORDING)
    ]


def test_what_is_no_file_is_odd_and_never_followed(inbox, elsewhere):
    """Links to files and folders, pipes and sockets are named for what they are, and not opened."""
    (elsewhere / "secret.mp3").write_bytes(b"sound")
    (inbox / "dangling.mp3").symlink_to("nowhere")
    (inbox / "folder").symlink_to(elsewhere)
    (inbox / "link.mp3").symlink_to(elsewhere / "secret.mp3")
    os.mkfifo(inbox / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as listener:
        address = f"/proc/self/fd/{os.open(inbox, os.O_PATH)}"
        listener.bind(f"{address}/socket.mp3")
        os.close(int(address.rpartition("/")[2]))

    assert {str(one.relative): one.what.value for one in look_at(inbox)} == {
        "dangling.mp3": "symbolic_link",
        "folder": "symbolic_link",
        "link.mp3": "symbolic_link",
        "pipe.mp3": "named_pipe",
        "socket.mp3": "socket",
    }
    assert sight(inbox, PurePosixPath("link.mp3")) is None
    assert sight(inbox, PurePosixPath("pipe.mp3")) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_odd(inbox):
    """A folder without the right to list it is mentioned, and the rest of the scan goes on."""
    (inbox / "closed").mkdir(mode=0o000)
    (inbox / "open.mp3").touch()

    found = look_at(inbox)

    assert names_seen(found) == ["open.mp3"]
    assert Oddity(relative=PurePosixPath("closed"), what=OddKind.UNREADABLE) in found


def test_what_vanishes_during_a_scan_is_left_out(inbox):
    """A folder that is deleted between being seen and being entered does no harm."""
    (inbox / "a.mp3").touch()
    (inbox / "folder").mkdir()
    found = scan(inbox, recursive=True, ignore=IgnoreRules())
    first = next(found)
    (inbox / "folder").rmdir()

    assert names_seen([first, *found]) == ["a.mp3"]
    assert look_at(inbox, below=PurePosixPath("folder")) == []
    assert sight(inbox, PurePosixPath("folder/b.mp3")) is None
    assert sight(inbox, PurePosixPath("a.mp3/b.mp3")) is None


def test_a_missing_inbox_is_not_an_empty_one(inbox):
    """A share that is not mounted must not look as if every recording had been deleted."""
    inbox.rmdir()
    with pytest.raises(StorageUnavailable) as raised:
        look_at(inbox)

    assert raised.value.path == inbox
    assert raised.value.hint


def test_an_error_is_not_taken_for_absence(inbox):
    """A file system that answers a look with an error has not said that there is no file."""
    with pytest.raises(StorageUnavailable):
        sight(inbox, PurePosixPath("x" * 300))


def test_a_file_seen_by_events_and_scan_is_given_out_once(inbox):
    """Hints and scans feed one settling: what a worker took does not come back by the other way."""
    settling = Settling(settle_s=2.0)
    with Ear(inbox) as ear:
        (inbox / "talk.m4a").write_bytes(b"sound")
        ear.hear_until(HintKind.COMPLETE, "talk.m4a")
    settling.saw(sight(inbox, PurePosixPath("talk.m4a")), now_s=0.0, complete=True)
    (taken,) = settling.ready()
    settling.took(taken)
    for found in look_at(inbox):
        settling.saw(found, now_s=100.0)

    assert taken.size_bytes == 5
    assert settling.ready() == ()
