"""Publishing and quarantine on real file systems: whole sets, free names, crashes at every step."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storing import Crash, claim_file, crash_at, make_folders, read_tree, small_disk, ticking_clock
from voxtrald.errors import RecordingChanged, StorageUnavailable
from voxtrald.steps import Step
from voxtrald.store.folders import Folders
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.publishing import Originals

AUDIO = b"RIFF some audio"
DOCUMENTS = {".txt": b"hello\n", ".json": b'{"text": "hello"}\n'}
PUBLISH_STEPS = [
    Step.PUBLISH_INTENDED,
    *[Step.OUTPUT_WRITTEN, Step.OUTPUT_PUBLISHED] * 2,
    Step.SOURCE_MOVED,
]
QUARANTINE_STEPS = [*[Step.OUTPUT_WRITTEN, Step.OUTPUT_PUBLISHED] * 2, Step.SOURCE_MOVED]


@pytest.fixture
def ledger(tmp_path):
    """Open a ledger in the state folder."""
    with Ledger.open(tmp_path / "state" / "ledger.db", clock=ticking_clock()) as ledger:
        yield ledger


@pytest.fixture
def folders(tmp_path):
    """Make the folders below tmp_path."""
    return make_folders(tmp_path)


@pytest.fixture
def other_device(tmp_path):
    """Give a folder on another file system than tmp_path."""
    shared = Path("/dev/shm")  # noqa: S108 - the one other file system nearly every Linux has
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at /dev/shm: moves across file systems stay untested")
    folder = shared / f"voxtrald-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def publish(folders, ledger, job, *, stem="talk", documents=None, originals=Originals.OUTBOX):
    """Publish as the pipeline does: with what the ledger knows of an earlier run."""
    return folders.publish(
        job,
        stem=stem,
        documents=DOCUMENTS if documents is None else documents,
        originals=originals,
        intend=lambda publication: ledger.intend_publish(job.id, publication),
        already=job.publication,
    )


def finish(folders, ledger, tmp_path, job, **options):
    """Do what a restart does: look whether the set is out already, else claim and publish again."""
    known = ledger.job(job.id)
    if not (tmp_path / "inbox" / job.relative).exists():
        return folders.find_published(known)
    return publish(folders, ledger, claim_file(ledger, tmp_path, job.relative), **options)


# --- publishing ---------------------------------------------------------------------------------------------


def test_a_set_is_published_and_the_source_follows(tmp_path, folders, ledger):
    """Documents and the original lie in the mirrored folder under one stem, and the inbox is empty."""
    job = claim_file(ledger, tmp_path, "lv/talk.m4a", AUDIO)
    before = (tmp_path / "inbox/lv/talk.m4a").stat()

    published = publish(folders, ledger, job)

    assert read_tree(tmp_path / "outbox") == {
        "lv/talk.txt": DOCUMENTS[".txt"],
        "lv/talk.json": DOCUMENTS[".json"],
        "lv/talk.m4a": AUDIO,
    }
    assert (published.outputs, published.source_to) == (("lv/talk.txt", "lv/talk.json"), "lv/talk.m4a")
    assert read_tree(tmp_path / "inbox") == {}
    assert (tmp_path / "outbox/lv/talk.m4a").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(("originals", "kept"), [(Originals.KEEP, {"talk.m4a"}), (Originals.DELETE, set())])
def test_the_original_can_stay_or_go(tmp_path, folders, ledger, originals, kept):
    """Only the documents go to the outbox; the original stays in the inbox or is deleted."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)

    published = publish(folders, ledger, job, originals=originals)

    assert set(read_tree(tmp_path / "outbox")) == {"talk.txt", "talk.json"}
    assert set(read_tree(tmp_path / "inbox")) == kept
    assert published.source_to is None


@pytest.mark.parametrize("taken", ["talk.txt", "talk.json", "talk.m4a"])
def test_one_taken_name_numbers_the_whole_set(tmp_path, folders, ledger, taken):
    """Whichever file of the set exists, all of them get the same number and the old file stays."""
    (tmp_path / "outbox" / taken).write_bytes(b"older")
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)

    publish(folders, ledger, job)

    assert read_tree(tmp_path / "outbox") == {
        taken: b"older",
        "talk (2).txt": DOCUMENTS[".txt"],
        "talk (2).json": DOCUMENTS[".json"],
        "talk (2).m4a": AUDIO,
    }


def test_names_that_are_not_utf8_and_long_names_are_published(tmp_path, folders, ledger):
    """A name of 255 bytes, some of them no UTF-8, is shortened as far as its documents need."""
    relative = os.fsdecode(b"\xff" + b"n" * 250 + b".m4a")
    job = claim_file(ledger, tmp_path, relative, AUDIO)

    published = publish(folders, ledger, job, stem=Path(relative).stem)

    assert len(os.fsencode(published.outputs[1])) == 255
    assert set(read_tree(tmp_path / "outbox")) == {*published.outputs, published.source_to}
    assert ledger.job(job.id).publication.source_name == published.source_to


@pytest.mark.parametrize("place", range(len(PUBLISH_STEPS)))
@pytest.mark.parametrize("originals", list(Originals))
def test_a_publication_cut_short_is_completed_by_repeating_it(tmp_path, folders, ledger, originals, place):
    """After a crash at any step, a repeat with newly rendered documents leaves one set and nothing else."""
    (tmp_path / "outbox/talk.txt").write_bytes(b"older")
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    with crash_at(place) as seen:
        try:
            publish(folders, ledger, job, originals=originals)
        except Crash:
            assert seen == PUBLISH_STEPS[: place + 1]
    (tmp_path / "outbox" / f".voxtrald-{job.id}-00.tmp").write_bytes(b"half")

    again = {".txt": b"hello\n", ".json": b'{"text": "hello", "cost": 0}\n'}
    published = finish(folders, ledger, tmp_path, job, documents=again, originals=originals)

    tree = {name: content for name, content in read_tree(tmp_path / "outbox").items() if name[0] != "."}
    source = {"talk (2).m4a"} if originals is Originals.OUTBOX else set()
    assert published.outputs == ("talk (2).txt", "talk (2).json")
    assert set(tree) == {"talk.txt", "talk (2).txt", "talk (2).json"} | source
    assert tree["talk.txt"] == b"older"
    assert tree["talk (2).json"] in (DOCUMENTS[".json"], again[".json"])
    assert set(read_tree(tmp_path / "inbox")) == ({"talk.m4a"} if originals is Originals.KEEP else set())


def test_leftovers_of_a_killed_run_are_removed_by_its_repeat(tmp_path, folders, ledger):
    """Temporary files of the same job go, those of other jobs stay."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    with crash_at(1), pytest.raises(Crash):
        publish(folders, ledger, job)
    mine, other = (tmp_path / "outbox" / f".voxtrald-{owner}-00.tmp" for owner in (job.id, "other"))
    mine.write_bytes(b"half")
    other.write_bytes(b"half")

    finish(folders, ledger, tmp_path, job)

    assert not mine.exists()
    assert other.exists()


def test_a_crash_inside_the_crash_repair_is_repaired_too(tmp_path, folders, ledger):
    """A repeat that is cut short after it wrote another version of a document still ends in one set."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    for run in ("first", "second"):
        documents = {".txt": b"hello " + run.encode(), ".json": b"{}" + run.encode()}
        with crash_at(3), pytest.raises(Crash):
            finish(folders, ledger, tmp_path, job, documents=documents)

    finish(folders, ledger, tmp_path, job)

    assert read_tree(tmp_path / "outbox") == {
        "talk.txt": b"hello first",
        "talk.json": b"{}second",
        "talk.m4a": AUDIO,
    }


def test_a_document_that_stays_keeps_its_holes(tmp_path, folders, ledger):
    """Where an earlier run was cut short, a set with one of its documents is as incomplete as that one."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    wishes = {"stem": "talk", "documents": DOCUMENTS, "originals": Originals.KEEP}
    intend = partial(ledger.intend_publish, job.id)
    folders.publish(job, **wishes, intend=intend, missing="12:00-16:00")
    kept = folders.publish(job, **wishes, intend=intend, already=ledger.job(job.id).publication)
    for path in (tmp_path / "outbox").iterdir():
        path.unlink()
    anew = folders.publish(job, **wishes, intend=intend, already=ledger.job(job.id).publication)

    assert (kept.missing, kept.state) == ("12:00-16:00", JobState.PARTIAL)
    assert (anew.missing, anew.state) == ("", JobState.DONE)


@given(
    places=st.lists(st.integers(0, 8), max_size=5),
    formats=st.lists(st.sets(st.sampled_from([".txt", ".srt", ".json"]), min_size=1), min_size=6, max_size=6),
    originals=st.sampled_from(Originals),
)
def test_any_series_of_crashes_ends_in_one_whole_set(tmp_path_factory, places, formats, originals):
    """However often it is cut short, and whatever was asked for then, the last wish is fulfilled once."""
    root = tmp_path_factory.mktemp("crashes")
    folders = make_folders(root)
    (root / "outbox/talk.srt").write_bytes(b"older")
    with Ledger.open(root / "state/ledger.db", clock=ticking_clock()) as ledger:
        job = claim_file(ledger, root, "talk.m4a", AUDIO)
        for run, place in enumerate([*places, None]):
            documents = {suffix: f"{run}".encode() for suffix in sorted(formats[run])}
            with crash_at(place), suppress(Crash):
                published = finish(folders, ledger, root, job, documents=documents, originals=originals)
                break

    tree = read_tree(root / "outbox")
    assert tree.pop("talk.srt") == b"older"
    assert set(published.outputs) <= set(tree)
    assert not [name for name in tree if name.startswith(".")]
    assert [tree[name] for name in tree if name.endswith(".m4a")] == ([AUDIO] if originals is Originals.OUTBOX else [])
    assert set(read_tree(root / "inbox")) == ({"talk.m4a"} if originals is Originals.KEEP else set())


def test_a_name_taken_between_intention_and_rename_moves_the_set(tmp_path, folders, ledger):
    """Somebody else's file under an intended name is kept, and the whole set goes to the next free stem."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)

    def intend(publication):
        ledger.intend_publish(job.id, publication)
        if publication.stem == "talk":
            (tmp_path / "outbox/talk.m4a").write_bytes(b"somebody else's")

    published = folders.publish(job, stem="talk", documents=DOCUMENTS, originals=Originals.OUTBOX, intend=intend)

    assert published.source_to == "talk (2).m4a"
    assert read_tree(tmp_path / "outbox") == {
        "talk.m4a": b"somebody else's",
        "talk (2).txt": DOCUMENTS[".txt"],
        "talk (2).json": DOCUMENTS[".json"],
        "talk (2).m4a": AUDIO,
    }


def test_threads_that_want_the_same_stem_share_no_name(tmp_path, folders, ledger):
    """Recordings that differ only in their extension are published side by side, each set whole."""
    jobs = [claim_file(ledger, tmp_path, f"talk.{end}", end.encode()) for end in ("mp3", "wav", "ogg", "aac")]
    barrier = threading.Barrier(len(jobs))
    published = {}

    def work(job):
        barrier.wait()
        documents = {".txt": job.relative.encode(), ".json": job.relative.encode()}
        published[job.relative] = publish(folders, ledger, job, documents=documents)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    tree = read_tree(tmp_path / "outbox")
    assert len(tree) == 3 * len(jobs)
    for relative, result in published.items():
        assert [tree[name] for name in result.outputs] == [relative.encode()] * 2
        assert tree[result.source_to] == relative.split(".")[1].encode()


def test_a_name_that_is_spoken_for_is_not_chosen_again(tmp_path, folders, ledger):
    """While one set is intended and not yet written, another set that wants its stem takes the next one."""
    first = claim_file(ledger, tmp_path, "talk.mp3", b"mp3")
    second = claim_file(ledger, tmp_path, "TALK.wav", b"wav")
    stems = []

    def intend(publication):
        stems.append(publication.stem)
        if len(stems) == 1:
            publish(folders, ledger, second, stem="TALK")

    folders.publish(first, stem="talk", documents=DOCUMENTS, originals=Originals.OUTBOX, intend=intend)

    assert stems == ["talk"]
    assert ledger.job(second.id).publication.stem == "TALK (2)"


def test_a_recording_that_changed_is_not_published(tmp_path, folders, ledger):
    """Where the file was written to since the claim, nothing appears and the file stays."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    (tmp_path / "inbox/talk.m4a").write_bytes(b"longer audio than before")

    with pytest.raises(RecordingChanged):
        publish(folders, ledger, job)

    assert read_tree(tmp_path / "outbox") == {}
    assert set(read_tree(tmp_path / "inbox")) == {"talk.m4a"}


def test_a_link_in_the_place_of_the_recording_is_not_moved(tmp_path, folders, ledger):
    """A symbolic link that took the file's place counts as a change and stays where it is."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    (tmp_path / "secret").write_bytes(AUDIO)
    (tmp_path / "inbox/talk.m4a").unlink()
    (tmp_path / "inbox/talk.m4a").symlink_to(tmp_path / "secret")

    with pytest.raises(RecordingChanged):
        publish(folders, ledger, job)


def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path, folders):
    """A path through a linked folder of the inbox is refused."""
    (tmp_path / "inbox/lv").symlink_to(tmp_path)

    with pytest.raises(RecordingChanged):
        folders.source_path("lv/secret")


@pytest.mark.parametrize("relative", ["../secret", "/etc/passwd", "lv/../../secret"])
def test_a_path_out_of_the_inbox_is_refused(folders, relative):
    """Nothing outside the inbox has a source path."""
    with pytest.raises(ValueError, match="below the inbox"):
        folders.source_path(relative)


def test_a_file_system_without_hard_links_works(tmp_path, folders, ledger, monkeypatch):
    """Where links are refused, names are checked and then renamed to, and taken ones still stay."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "outbox/talk.txt").write_bytes(b"older")
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)

    publish(folders, ledger, job)

    assert set(read_tree(tmp_path / "outbox")) == {
        "talk.txt",
        "talk (2).txt",
        "talk (2).json",
        "talk (2).m4a",
    }
    assert read_tree(tmp_path / "inbox") == {}


def test_an_outbox_that_is_no_folder_waits_instead_of_failing(tmp_path, ledger):
    """A file in the outbox's place is a storage trouble, and the recording stays."""
    (tmp_path / "outbox").write_bytes(b"a file in the folder's place")
    (tmp_path / "inbox").mkdir()
    folders = Folders(inbox=tmp_path / "inbox", outbox=tmp_path / "outbox", error=tmp_path, state=tmp_path / "state")
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)

    with pytest.raises(StorageUnavailable) as caught:
        publish(folders, ledger, job)

    assert caught.value.path == tmp_path / "outbox"
    assert set(read_tree(tmp_path / "inbox")) == {"talk.m4a"}


def test_a_full_outbox_waits_and_goes_on_when_there_is_room(tmp_path, ledger):
    """A set that does not fit leaves no half file; the repeat after making room completes it."""
    with small_disk(tmp_path / "share", size_kb=256) as share:
        folders = Folders(
            inbox=tmp_path / "inbox", outbox=share / "outbox", error=share / "error", state=tmp_path / "state"
        )
        folders.ensure()
        ballast = share / "ballast"
        ballast.write_bytes(bytes(200 << 10))
        job = claim_file(ledger, tmp_path, "talk.m4a", bytes(100 << 10))
        with pytest.raises(StorageUnavailable) as caught:
            publish(folders, ledger, job)
        while_full = read_tree(share)

        ballast.unlink()
        finish(folders, ledger, tmp_path, job)

        assert "no space" in caught.value.message
        assert set(while_full) == {"ballast", "outbox/talk.txt", "outbox/talk.json"}
        assert set(read_tree(share / "outbox")) == {"talk.txt", "talk.json", "talk.m4a"}


# --- across file systems ------------------------------------------------------------------------------------


def across(tmp_path, other_device):
    """Make folders whose outbox and error folder are on another file system than the inbox."""
    folders = Folders(
        inbox=tmp_path / "inbox",
        outbox=other_device / "outbox",
        error=other_device / "error",
        state=tmp_path / "state",
    )
    folders.ensure()
    return folders


def test_an_original_crosses_file_systems_whole(tmp_path, other_device, ledger):
    """A move to another file system keeps content and modification time and leaves no temporary file."""
    folders = across(tmp_path, other_device)
    content = os.urandom(3 << 20)
    job = claim_file(ledger, tmp_path, "talk.m4a", content)

    publish(folders, ledger, job)

    assert read_tree(other_device / "outbox") == {
        "talk.txt": DOCUMENTS[".txt"],
        "talk.json": DOCUMENTS[".json"],
        "talk.m4a": content,
    }
    assert (other_device / "outbox/talk.m4a").stat().st_mtime_ns == job.mtime_ns
    assert read_tree(tmp_path / "inbox") == {}


def test_a_copy_without_its_original_removed_is_completed(tmp_path, other_device, ledger):
    """Where a crash left the original in both folders, a repeat removes it from the inbox."""
    folders = across(tmp_path, other_device)
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    with crash_at(len(PUBLISH_STEPS) - 2), pytest.raises(Crash):
        publish(folders, ledger, job)
    (other_device / "outbox/talk.m4a").write_bytes(AUDIO)

    finish(folders, ledger, tmp_path, job)

    assert set(read_tree(other_device / "outbox")) == {"talk.txt", "talk.json", "talk.m4a"}
    assert read_tree(tmp_path / "inbox") == {}


def test_the_check_tells_of_a_border_between_folders(tmp_path, other_device, folders):
    """Folders on one file system draw no remark; a border is told without being fatal."""
    crossing = across(tmp_path, other_device).check_writable()

    assert folders.check_writable() == ()
    assert [(finding.folder.name, finding.is_fatal) for finding in crossing] == [
        ("outbox", False),
        ("error", False),
    ]


def test_the_check_tells_of_a_folder_that_cannot_be_written(tmp_path, folders):
    """A folder that is gone is a fatal finding with a hint."""
    (tmp_path / "error").rmdir()

    findings = folders.check_writable()

    assert [(finding.folder.name, finding.is_fatal) for finding in findings] == [("error", True)]
    assert findings[0].hint


# --- quarantine ---------------------------------------------------------------------------------------------


def test_a_failed_recording_is_set_aside_with_its_report(tmp_path, folders, ledger):
    """The recording keeps its name, its report and partial text lie beside it."""
    job = claim_file(ledger, tmp_path, "lv/talk.m4a", AUDIO)

    quarantined = folders.quarantine(job, report="no audio\n", partial="[missing]\n")

    assert read_tree(tmp_path / "error") == {
        "lv/talk.m4a": AUDIO,
        "lv/talk.m4a.error.txt": b"no audio\n",
        "lv/talk.m4a.partial.txt": b"[missing]\n",
    }
    assert quarantined.names == ("lv/talk.m4a", "lv/talk.m4a.error.txt", "lv/talk.m4a.partial.txt")


@pytest.mark.parametrize("place", range(len(QUARANTINE_STEPS)))
def test_a_quarantine_cut_short_is_completed_by_repeating_it(tmp_path, folders, ledger, place):
    """After a crash at any step, a repeat leaves one recording, one report and nothing else."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    with crash_at(place) as seen, pytest.raises(Crash):
        folders.quarantine(job, report="first", partial="text")

    quarantined = folders.quarantine(job, report="second", partial="text")

    assert seen == QUARANTINE_STEPS[: place + 1]
    assert (
        set(read_tree(tmp_path / "error"))
        == {
            "talk.m4a",
            "talk.m4a.error.txt",
            "talk.m4a.partial.txt",
        }
        == set(quarantined.names)
    )
    assert read_tree(tmp_path / "inbox") == {}


def test_another_recording_of_the_same_name_is_set_beside_the_first(tmp_path, folders, ledger):
    """A different file of the same name gets a number, and so does its report."""
    for content in (b"one", b"two"):
        job = claim_file(ledger, tmp_path, "talk.m4a", content)
        folders.quarantine(job, report=content.decode())
        ledger.end(job.id, JobState.FAILED)

    assert read_tree(tmp_path / "error") == {
        "talk.m4a": b"one",
        "talk.m4a.error.txt": b"one",
        "talk (2).m4a": b"two",
        "talk (2).m4a.error.txt": b"two",
    }


def test_the_same_recording_failing_again_does_not_pile_up(tmp_path, folders, ledger):
    """The same content under the same name stays one file, with the newer report."""
    for report in ("first", "second"):
        job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
        folders.quarantine(job, report=report)
        ledger.end(job.id, JobState.FAILED)

    assert read_tree(tmp_path / "error") == {"talk.m4a": AUDIO, "talk.m4a.error.txt": b"second"}


def test_a_failed_recording_goes_back_and_its_report_goes_away(tmp_path, folders, ledger):
    """Giving back restores path and modification time; the report is removed once asked for."""
    job = claim_file(ledger, tmp_path, "lv/talk.m4a", AUDIO)
    quarantined = folders.quarantine(job, report="gave up", partial="some text")

    relative = folders.give_back(quarantined.recording, relative=job.relative)
    folders.release_report(relative)

    found = (tmp_path / "inbox/lv/talk.m4a").stat()
    assert (found.st_size, found.st_mtime_ns) == (job.size_bytes, job.mtime_ns)
    assert read_tree(tmp_path / "error") == {}


def test_a_report_stays_while_its_recording_is_there(tmp_path, folders, ledger):
    """A newer success under the same name does not take the report of a recording that still lies there."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    folders.quarantine(job, report="gave up")

    folders.release_report("talk.m4a")

    assert set(read_tree(tmp_path / "error")) == {"talk.m4a", "talk.m4a.error.txt"}


def test_giving_back_does_not_overwrite(tmp_path, folders, ledger):
    """Where a new file has the old name in the inbox, the failed one comes back with a number."""
    job = claim_file(ledger, tmp_path, "talk.m4a", AUDIO)
    quarantined = folders.quarantine(job, report="gave up")
    (tmp_path / "inbox/talk.m4a").write_bytes(b"newer")

    relative = folders.give_back(quarantined.recording, relative=job.relative)

    assert relative == "talk (2).m4a"
    assert read_tree(tmp_path / "inbox") == {"talk.m4a": b"newer", "talk (2).m4a": AUDIO}


# --- work folders -------------------------------------------------------------------------------------------


def test_a_work_folder_is_private_empty_and_removed(tmp_path, folders):
    """What a killed run left is not there, only the owner may look, and nothing remains."""
    leftover = tmp_path / "state/work/job/old"
    leftover.mkdir(parents=True)

    with folders.work_folder("job") as folder:
        (folder / "chunk").write_bytes(b"x")
        inside, mode = sorted(path.name for path in folder.iterdir()), folder.stat().st_mode & 0o777

    assert (inside, mode) == (["chunk"], 0o700)
    assert not folder.exists()


def test_work_folders_of_killed_runs_are_cleared(tmp_path, folders):
    """Only the work folders of the jobs that are named stay."""
    for name in ("dead", "alive"):
        (tmp_path / "state/work" / name).mkdir(parents=True)

    folders.clear_work(except_ids={"alive"})

    assert [path.name for path in (tmp_path / "state/work").iterdir()] == ["alive"]
