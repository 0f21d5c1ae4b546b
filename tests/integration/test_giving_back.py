"""Failed recordings on their way back to the inbox, and what the ledger knows of them then."""

from __future__ import annotations

import pytest

from tests.storing import claim_file, make_folders, read_tree, ticking_clock
from voxtrald.cli.retry import give_back
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger


@pytest.fixture
def folders(tmp_path):
    """The four folders."""
    return make_folders(tmp_path)


@pytest.fixture
def ledger(tmp_path):
    """A ledger in the state folder."""
    with Ledger.open(tmp_path / "state" / "ledger.sqlite3", clock=ticking_clock()) as opened:
        yield opened


@pytest.fixture
def failed(ledger, folders, tmp_path):
    """A recording in the error folder, asked for again."""
    job = claim_file(ledger, tmp_path, "lv/talk.m4a", b"sound")
    names = folders.quarantine(job, report="why").names
    ledger.end(job.id, JobState.FAILED, outputs=names, reason="gave_up", detail="why")
    [requeued] = ledger.requeue()
    return requeued


def test_a_recording_goes_back_without_its_report(failed, folders, ledger, tmp_path, capsys):
    """It lies where it was dropped, its job waits, and the error folder is empty."""
    assert give_back(failed, folders=folders, ledger=ledger)
    assert read_tree(tmp_path / "inbox") == {"lv/talk.m4a": b"sound"}
    assert read_tree(tmp_path / "error") == {}
    assert ledger.job(failed.id).state is JobState.WAITING
    assert "lv/talk.m4a is back" in capsys.readouterr().out


def test_a_recording_that_cannot_be_moved_stays_failed(failed, folders, ledger, tmp_path, capsys):
    """Where the inbox cannot be written, the recording can be asked for again later, by the same name."""
    (tmp_path / "inbox" / "lv").rmdir()
    (tmp_path / "inbox").rmdir()
    (tmp_path / "inbox").write_bytes(b"in the way")

    assert not give_back(failed, folders=folders, ledger=ledger)
    assert "cannot use" in capsys.readouterr().err
    [again] = ledger.requeue(["talk.m4a"])
    assert (again.reason, again.outputs) == (failed.reason, failed.outputs)


def test_a_recording_that_is_gone_is_forgotten(failed, folders, ledger, tmp_path):
    """What somebody took out of the error folder is no job any more."""
    (tmp_path / "error" / "lv" / "talk.m4a").unlink()

    assert not give_back(failed, folders=folders, ledger=ledger)
    assert ledger.jobs(list(JobState)) == ()
