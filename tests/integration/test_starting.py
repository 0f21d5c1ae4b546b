"""What a start makes of what an earlier run left half done."""

from __future__ import annotations

from functools import partial

import pytest
import structlog

from tests.storing import START, claim_file, make_folders, read_tree, ticking_clock
from voxtrald.clock import Clock
from voxtrald.pipeline.starting import clear_leftovers, close_interrupted, owner_in
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger
from voxtrald.store.publishing import Originals

SOUND = b"sound"


@pytest.fixture
def folders(tmp_path):
    """The four folders."""
    return make_folders(tmp_path)


@pytest.fixture
def ledger(tmp_path):
    """A ledger in the state folder."""
    with Ledger.open(tmp_path / "state" / "ledger.sqlite3", clock=ticking_clock()) as opened:
        yield opened


def start(ledger, folders, *alive):
    """Start while the owners named still run."""
    close_interrupted(ledger, folders=folders, is_alive=alive.__contains__)


def states(ledger):
    """Give the state of each job by its recording."""
    return {job.relative: job.state for job in ledger.jobs(list(JobState))}


def test_a_recording_that_is_still_there_waits_for_the_scan(ledger, folders, tmp_path):
    """A job whose process died is taken up again under its id; a start says how many there are."""
    job = claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    with structlog.testing.capture_logs() as events:
        start(ledger, folders)

    assert ledger.job(job.id).state is JobState.WAITING
    assert [(event["event"], event["jobs"]) for event in events] == [("jobs_resumed", 1)]


def test_a_recording_that_is_gone_is_forgotten(ledger, folders, tmp_path):
    """A job whose file somebody took out of the inbox is no job any more, nor one behind a link."""
    claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    claim_file(ledger, tmp_path, "lv/talk.m4a", SOUND)
    (tmp_path / "inbox/talk.m4a").unlink()
    (tmp_path / "inbox/lv").rename(tmp_path / "elsewhere")
    (tmp_path / "inbox/lv").symlink_to(tmp_path / "elsewhere")

    start(ledger, folders)

    assert states(ledger) == {}


def test_a_set_that_was_published_is_done(ledger, folders, tmp_path):
    """Where only the ledger had not heard of it, the job ends with the names of the whole set."""
    job = claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    folders.publish(
        job,
        stem="talk",
        documents={".txt": b"hello"},
        originals=Originals.OUTBOX,
        intend=partial(ledger.intend_publish, job.id),
    )

    start(ledger, folders)

    assert (ledger.job(job.id).state, ledger.job(job.id).outputs) == (JobState.DONE, ("talk.txt", "talk.m4a"))


def test_a_set_with_holes_that_was_published_is_partial(ledger, folders, tmp_path):
    """What was missing stood in the ledger before the first name appeared, so a kill cannot make it complete."""
    job = claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    folders.publish(
        job,
        stem="talk",
        documents={".txt": b"hello [missing 12:00-16:00]"},
        originals=Originals.OUTBOX,
        intend=partial(ledger.intend_publish, job.id),
        missing="12:00-16:00",
    )
    ledger.set_state(job.id, JobState.DEFERRED, reason="storage", detail="the ledger had no room")

    start(ledger, folders)

    ended = ledger.job(job.id)
    assert (ended.state, ended.outputs) == (JobState.PARTIAL, ("talk.txt", "talk.m4a"))
    assert (ended.reason, ended.detail) == ("incomplete", "12:00-16:00")


def test_a_file_beside_a_published_recording_follows_late(ledger, folders, tmp_path, make_files):
    """Where the power went between the two moves, the start makes the second one."""
    make_files(tmp_path / "inbox", {"talk.m4a.voxtrald.yaml": "language: lv"})
    job = claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    folders.publish(
        job,
        stem="talk",
        documents={".txt": b"hello"},
        originals=Originals.OUTBOX,
        intend=partial(ledger.intend_publish, job.id),
    )

    start(ledger, folders)

    assert list(read_tree(tmp_path / "inbox")) == []
    assert "talk.m4a.voxtrald.yaml" in read_tree(tmp_path / "outbox")


@pytest.mark.parametrize(("noted", "expected"), [("no_audio", "no_audio"), (None, "interrupted")])
def test_a_recording_that_was_quarantined_has_failed(ledger, folders, tmp_path, noted, expected):
    """The job ends with the reason that was noted before the move, or says that it was interrupted."""
    job = claim_file(ledger, tmp_path, "talk.m4a", SOUND)
    ledger.set_state(job.id, JobState.PUBLISHING, reason=noted)
    folders.quarantine(job, report="why")

    start(ledger, folders)

    ended = ledger.job(job.id)
    assert (ended.state, ended.reason) == (JobState.FAILED, expected)
    assert ended.outputs == ("talk.m4a", "talk.m4a.error.txt")


def test_a_foreground_run_is_left_alone_while_it_lives(ledger, folders, tmp_path):
    """Jobs and work folders of a living owner stay; those of a dead one go."""
    jobs = {owner: ledger.claim(f"/{owner}.m4a", size_bytes=1, mtime_ns=1, inode=1, owner=owner) for owner in "ab"}
    for job in jobs.values():
        (tmp_path / "state/work" / job.id).mkdir(parents=True)
        (tmp_path / "state/work" / job.id / "chunk").write_bytes(SOUND)

    start(ledger, folders, "a")

    assert states(ledger) == {"/a.m4a": JobState.WORKING}
    assert list(read_tree(tmp_path / "state/work")) == [f"{jobs['a'].id}/chunk"]


# --- remote copies ------------------------------------------------------------------------------------------


class Sweeping:
    """An engine of which only the sweep is used; remembers what it was asked."""

    service = "https://far"

    def __init__(self, *names) -> None:
        self.names = names
        self.deleted = []

    def sweep(self, recorded=(), *, spare=None):
        """Delete what is recorded, and of what is there what nobody wants to spare."""
        self.deleted = [*recorded, *(name for name in self.names if not spare(name))]
        return len(self.deleted)


def test_copies_of_the_dead_are_deleted_and_those_of_the_living_spared(ledger):
    """Recorded or not, a copy goes unless its owner still runs; what was never found is settled."""
    for owner, remote_id in (("dead", "r-1"), ("live", "r-2"), ("dead", None)):
        name = f"voxtrald-0a-{owner}-{remote_id}.mp3"
        ledger.intend_upload(service=Sweeping.service, name=name, key="k")
        if remote_id:
            ledger.record_upload(name=name, remote_id=remote_id)
    engine = Sweeping("voxtrald-0a-dead-x.mp3", "voxtrald-0a-live-y.mp3")

    count = clear_leftovers(engine, ledger=ledger, clock=Clock(now=ledger._clock.now), is_alive={"live"}.__contains__)

    assert (count, engine.deleted) == (2, ["r-1", "voxtrald-0a-dead-x.mp3"])
    assert [upload.remote_id for upload in ledger.undeleted(Sweeping.service)] == ["r-1", "r-2"]
    assert ledger._clock.now() > START


@pytest.mark.parametrize(
    ("name", "expected"),
    [("voxtrald-0a1b-daemon-4f5e.mp3", "daemon"), ("voxtrald-0a1b", ""), ("talk.mp3", "")],
)
def test_a_copys_name_tells_its_owner(name, expected):
    """The owner stands between the installation and the key; other names have none."""
    assert owner_in(name) == expected
