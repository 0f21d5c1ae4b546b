"""Where a foreground run puts its results."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tests.storing import claim_file, make_folders, read_tree, ticking_clock
from voxtrald.config import Settings
from voxtrald.errors import StorageUnavailable
from voxtrald.pipeline import destinations
from voxtrald.pipeline.destinations import Beside
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger

SETTINGS = Settings().for_recording(PurePosixPath("talk.m4a"))
DOCUMENTS = {"txt": b"hello", "srt": b"1\n"}


@pytest.fixture
def ledger(tmp_path):
    """A ledger in the state folder."""
    make_folders(tmp_path)
    with Ledger.open(tmp_path / "state" / "ledger.sqlite3", clock=ticking_clock()) as opened:
        yield opened


@pytest.fixture
def job(ledger, tmp_path):
    """A claimed recording."""
    return claim_file(ledger, tmp_path, "talk.m4a", b"sound")


@pytest.fixture
def beside(ledger, tmp_path):
    """A place for results that is not there yet."""
    return Beside(folder=tmp_path / "results", ledger=ledger, clock=ticking_clock())


def test_results_lie_beside_one_another(beside, ledger, job, tmp_path):
    """The folder is made, the set has one name, the source stays, and the job has ended with what it left."""
    names = beside.publish(job, DOCUMENTS, settings=SETTINGS)

    assert read_tree(tmp_path / "results") == {"talk.txt": b"hello", "talk.srt": b"1\n"}
    assert read_tree(tmp_path / "inbox") == {"talk.m4a": b"sound"}
    assert (ledger.job(job.id).state, ledger.job(job.id).outputs) == (JobState.DONE, names)


def test_a_result_with_holes_is_partial(beside, ledger, job, tmp_path):
    """It is written like any other, and the job says what is missing."""
    names = beside.publish(job, DOCUMENTS, settings=SETTINGS, missing="12:00-16:00")

    ended = ledger.job(job.id)
    assert set(read_tree(tmp_path / "results")) == {"talk.txt", "talk.srt"}
    assert (ended.state, ended.outputs) == (JobState.PARTIAL, names)
    assert (ended.reason, ended.detail) == ("incomplete", "12:00-16:00")


def test_a_taken_name_moves_the_whole_set(beside, job, tmp_path):
    """Where one of the names exists, if only as a link to nowhere, all get a number."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "talk.srt").symlink_to("nowhere")

    beside.publish(job, DOCUMENTS, settings=SETTINGS)

    assert read_tree(tmp_path / "results") == {"talk (2).txt": b"hello", "talk (2).srt": b"1\n"}


def test_a_name_taken_between_look_and_write_leaves_no_half_set(beside, job, tmp_path, monkeypatch):
    """What was written under the name that somebody else took is withdrawn."""
    stems = iter(["talk", "talk (2)"])
    monkeypatch.setattr(destinations, "free_stem", lambda *_: next(stems))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "talk.srt").write_bytes(b"theirs")

    beside.publish(job, DOCUMENTS, settings=SETTINGS)

    assert read_tree(tmp_path / "results") == {
        "talk.srt": b"theirs",
        "talk (2).txt": b"hello",
        "talk (2).srt": b"1\n",
    }


def test_a_folder_that_cannot_be_written_is_waited_for(beside, ledger, job, tmp_path):
    """A file in the folder's place is the storage's trouble, and the job has not ended."""
    (tmp_path / "results").write_bytes(b"")

    with pytest.raises(StorageUnavailable):
        beside.publish(job, DOCUMENTS, settings=SETTINGS)

    assert ledger.job(job.id).state is JobState.WORKING


def test_a_failure_moves_nothing(beside, ledger, job, tmp_path):
    """A recording that fails stays where it is; where there is no part of a text, only the ledger says so."""
    names = beside.quarantine(job, report="why", partial_text=None, reason="no_audio")

    assert names == ()
    assert read_tree(tmp_path / "inbox") == {"talk.m4a": b"sound"}
    assert not (tmp_path / "results").exists()
    assert (ledger.job(job.id).state, ledger.job(job.id).reason) == (JobState.FAILED, "no_audio")


def test_the_part_there_is_of_a_failed_recording_is_kept(beside, job, tmp_path):
    """What was heard of a recording that fails is paid for: it lies in the folder, and never over another file."""
    first = beside.quarantine(job, report="why", partial_text="hel", reason="truncated")
    second = beside.quarantine(job, report="why", partial_text="hel", reason="truncated")

    assert read_tree(tmp_path / "inbox") == {"talk.m4a": b"sound"}
    assert [Path(name).name for name in (*first, *second)] == ["talk.m4a.partial.txt", "talk.m4a (2).partial.txt"]
    assert read_tree(tmp_path / "results") == {Path(name).name: b"hel" for name in (*first, *second)}
