"""The ledger on a real SQLite file: what is written survives, and damage is told plainly."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.storing import START, claim_file, crash_at, read_tree, small_disk, ticking_clock
from voxtrald.clock import Clock
from voxtrald.engines.base import UploadJournal
from voxtrald.errors import StorageUnavailable, StoreError
from voxtrald.steps import Step
from voxtrald.store.jobs import ENDED, PUBLISHED, UNFINISHED, JobState, Output, Publication
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.store.schema import MIGRATIONS
from voxtrald.transcript.model import Span

FAR = "https://far"
FILE = {"size_bytes": 10, "mtime_ns": 1, "inode": 7}


@pytest.fixture
def path(tmp_path):
    """Give the path of a ledger."""
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path):
    """Open an empty ledger."""
    with Ledger.open(path, clock=ticking_clock()) as ledger:
        yield ledger


def spend(ledger, *, at=START, **changes):
    """Record that an answer was paid just after an instant."""
    facts = {"key": "k", "job_id": "j", "model": "voxtral", "folder": "lv", "audio_s": 60.0, "cost": 0.5}
    ledger._clock.now.at = at
    ledger.record_spend(**{"currency": "USD"} | facts | changes)


# --- jobs ---------------------------------------------------------------------------------------------------


def test_a_new_recording_becomes_a_job(ledger):
    """A claim makes a job that is being worked on and announces it once it is written."""
    with crash_at(None) as seen:
        job = ledger.claim("lv/talk.m4a", **FILE)

    assert (job.relative, job.state, job.attempts, job.inode) == ("lv/talk.m4a", JobState.WORKING, 1, 7)
    assert seen == [Step.JOB_CLAIMED]


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_an_unfinished_job_is_taken_up_again(ledger, state):
    """The same file goes on under its old id, with one more attempt and without the old reason."""
    first = ledger.claim("talk.m4a", **FILE)
    ledger.set_state(first.id, state, reason="outage", detail="no network")

    again = ledger.claim("talk.m4a", **FILE | {"inode": 8})

    assert (again.id, again.attempts, again.inode) == (first.id, 2, 8)
    assert (again.state, again.reason, again.detail) == (JobState.WORKING, None, None)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_finished_job_is_not_taken_up_again(ledger, state):
    """The same file after an end is a new job, and so is another one under its name; the end stays on record."""
    first = ledger.claim("talk.m4a", **FILE)
    ledger.end(first.id, state)

    assert ledger.claim("talk.m4a", **FILE).id > first.id
    assert ledger.claim("talk.m4a", **FILE | {"size_bytes": 11}).id > first.id
    assert [job.id for job in ledger.recent(5)] == [first.id]


def test_another_file_of_the_same_name_is_another_job(ledger):
    """A replaced file begins anew, and the unfinished job of its predecessor is forgotten."""
    first = ledger.claim("talk.m4a", **FILE)

    second = ledger.claim("talk.m4a", **FILE | {"size_bytes": 11})

    assert [job.id for job in ledger.unfinished()] == [second.id]
    assert second.id != first.id


def test_ids_sort_by_age_even_when_the_clock_is_set_back(path):
    """A later job's id sorts after an earlier one's, whatever the clock says."""
    times = iter([START, START, START - timedelta(days=1), START, START, START, START])
    clock = Clock(monotonic_s=lambda: 0.0, now=lambda: next(times))
    with Ledger.open(path, clock=clock) as ledger:
        ids = [ledger.claim(f"{number}.m4a", **FILE).id for number in range(3)]

    assert ids == sorted(set(ids))
    assert {len(job_id) for job_id in ids} == {10}


def test_what_becomes_known_is_kept(ledger):
    """Later facts about a recording do not erase earlier ones."""
    job = ledger.claim("talk.m4a", **FILE)
    ledger.note_identity(job.id, sha256="ab")
    ledger.note_identity(job.id, duration_ms=1000, chunks_total=2)

    found = ledger.job(job.id)

    assert (found.sha256, found.duration_ms, found.chunks_total) == ("ab", 1000, 2)


def test_intended_names_are_kept_as_they_are(ledger):
    """Names that are not UTF-8 survive, in paths, intentions and outputs."""
    name = os.fsdecode(b"\xe4\xf6 talk")
    job = ledger.claim(f"{name}.m4a", **FILE)
    publication = Publication(
        folder=".", stem=name, outputs=(Output(name=f"{name}.txt", sha256="ab"),), source_name=None, missing="0:10-0:20"
    )
    with crash_at(None) as seen:
        ledger.intend_publish(job.id, publication)
        publishing = ledger.job(job.id)
        ledger.end(job.id, JobState.DONE, outputs=[f"{name}.txt"], detail=name)

    assert (publishing.state, publishing.publication) == (JobState.PUBLISHING, publication)
    assert ledger.job(job.id).relative == f"{name}.m4a"
    assert ledger.job(job.id).outputs == (f"{name}.txt",)
    assert seen == [Step.PUBLISH_INTENDED, Step.JOB_ENDED]


def test_an_intention_of_an_earlier_version_is_complete(ledger):
    """Names that were written down before anybody knew what may be missing are those of a whole transcript."""
    job = ledger.claim("talk.m4a", **FILE)
    earlier = '{"folder": ".", "stem": "talk", "outputs": [], "source_name": null}'
    ledger._database.write("UPDATE job SET publication = ? WHERE id = ?", (earlier, job.id))

    publication = ledger.job(job.id).publication

    assert publication == Publication(folder=".", stem="talk", outputs=(), source_name=None, missing="")


def test_an_end_is_done_partial_or_failed(ledger):
    """A job cannot end in a state that is none."""
    job = ledger.claim("talk.m4a", **FILE)

    with pytest.raises(ValueError, match="not an end"):
        ledger.end(job.id, JobState.WAITING)


@pytest.mark.parametrize("state", sorted(PUBLISHED))
def test_a_file_that_is_done_is_known(ledger, state):
    """Where originals stay, the very same file is recognised, also one done in part, and a changed one is not."""
    job = ledger.claim("talk.m4a", **FILE)
    before = ledger.finished("talk.m4a", size_bytes=10, mtime_ns=1)
    ledger.end(job.id, state)

    assert before is None
    assert ledger.finished("talk.m4a", size_bytes=10, mtime_ns=1).id == job.id
    assert ledger.finished("talk.m4a", size_bytes=10, mtime_ns=2) is None


def test_jobs_of_dead_processes_wait_again(ledger):
    """What was being worked on waits, except where its owner still runs; what waits otherwise stays so."""
    working, publishing, foreign, deferred = (
        ledger.claim(f"{name}.m4a", **FILE, owner="alive" if name == "foreign" else "")
        for name in ("working", "publishing", "foreign", "deferred")
    )
    ledger.set_state(publishing.id, JobState.PUBLISHING)
    ledger.set_state(deferred.id, JobState.DEFERRED)

    count = ledger.resume_interrupted(is_alive={"alive"}.__contains__)

    assert count == 2
    assert [job.state for job in ledger.unfinished()] == [
        JobState.WAITING,
        JobState.WAITING,
        JobState.WORKING,
        JobState.DEFERRED,
    ]
    assert ledger.job(working.id).state is JobState.WAITING
    assert ledger.job(foreign.id).state is JobState.WORKING


@pytest.mark.parametrize(
    ("names", "expected"),
    [(None, ["a.m4a", "lv/b.m4a"]), (["b.m4a"], ["lv/b.m4a"]), (["lv/b.m4a"], ["lv/b.m4a"]), (["x"], [])],
)
def test_failed_jobs_can_wait_again(ledger, names, expected):
    """Failed jobs are named by path or file name; they start at their first attempt and keep their id."""
    ends = {"done.m4a": JobState.DONE, "partial.m4a": JobState.PARTIAL}
    for relative in ("a.m4a", "lv/b.m4a", *ends):
        job = ledger.claim(relative, **FILE)
        ledger.note_attempt(job.id, "k", attempts=8, error="api_busy", next_at=None)
        ledger.end(job.id, ends.get(relative, JobState.FAILED), outputs=[relative])

    chosen = ledger.requeue(names)

    assert [job.relative for job in chosen] == expected
    assert [job.outputs for job in chosen] == [(relative,) for relative in expected]
    assert [job.relative for job in ledger.jobs({JobState.WAITING})] == expected
    assert all(ledger.attempts_of(job.id) == {} for job in chosen)
    assert [ledger.claim(job.relative, **FILE).id for job in chosen] == [job.id for job in chosen]


def test_jobs_are_counted_and_the_last_ends_come_first(ledger):
    """Counts name every state; recent lists ends only, the latest first."""
    jobs = [ledger.claim(f"{number}.m4a", **FILE) for number in range(4)]
    ledger.end(jobs[2].id, JobState.DONE)
    ledger.end(jobs[0].id, JobState.FAILED)

    counts = ledger.counts()

    assert (counts[JobState.WORKING], counts[JobState.DONE], counts[JobState.DEFERRED]) == (2, 1, 0)
    assert [job.id for job in ledger.recent(5)] == [jobs[0].id, jobs[2].id]


def test_a_forgotten_job_keeps_what_it_cost(ledger):
    """Attempts and chunks go with the job; spent money stays on record, under an id that stays taken."""
    job = ledger.claim("talk.m4a", **FILE)
    ledger.note_attempt(job.id, "k", attempts=1, error="api_busy", next_at=None)
    ledger.note_chunk(job.id, 0, span=Span(start_ms=0, end_ms=1), state=ChunkState.DONE)
    spend(ledger, job_id=job.id)

    ledger.forget(job.id)

    assert ledger.attempts_of(job.id) == {}
    assert ledger.spend_since(START)[0].answers == 1
    assert ledger.claim("talk.m4a", **FILE).id > job.id
    with pytest.raises(KeyError):
        ledger.job(job.id)


# --- chunks -------------------------------------------------------------------------------------------------


def test_attempts_survive_a_restart(path):
    """After the ledger is opened anew, counts, errors and next times are what they were."""
    with Ledger.open(path, clock=ticking_clock()) as ledger:
        job = ledger.claim("talk.m4a", **FILE)
        for attempts in (1, 2):
            ledger.note_attempt(job.id, "k", attempts=attempts, error="api_busy", next_at=START)

    with Ledger.open(path, clock=ticking_clock()) as ledger:
        found = ledger.attempts_of(job.id)

    assert (found["k"].attempts, found["k"].error, found["k"].next_at) == (2, "api_busy", START)


def test_a_job_sums_up_its_chunks(ledger):
    """Done and reused chunks, billed seconds and cost are added up per job."""
    job = ledger.claim("talk.m4a", **FILE)
    spans = [Span(start_ms=start, end_ms=start + 10) for start in (0, 10, 20)]
    ledger.note_chunk(job.id, 0, span=spans[0], state=ChunkState.SENDING)
    ledger.note_chunk(job.id, 0, span=spans[0], state=ChunkState.DONE, billed_s=1.0)
    ledger.note_chunk(job.id, 1, span=spans[1], state=ChunkState.DONE, reused=True)
    ledger.note_chunk(job.id, 2, span=spans[2], state=ChunkState.FAILED)
    spend(ledger, job_id=job.id, audio_s=30.0, cost=0.25)
    spend(ledger, job_id=job.id, audio_s=30.0, cost=0.25)

    found = ledger.job(job.id)

    assert (found.chunks_done, found.chunks_reused, found.billed_s, found.cost) == (2, 1, 60.0, 0.5)


def test_chunks_that_are_done_say_since_when(ledger):
    """In the order in which they got their answer; one that is tried again has none."""
    job = ledger.claim("talk.m4a", **FILE)
    spans = [Span(start_ms=start, end_ms=start + 10) for start in (0, 10, 20)]
    for index in (1, 0):
        ledger.note_chunk(job.id, index, span=spans[index], state=ChunkState.DONE, reused=index == 0)
    ledger.note_chunk(job.id, 2, span=spans[2], state=ChunkState.FAILED)
    done = ledger.done_chunks(job.id)

    assert [(one.span, one.reused) for one in done] == [(spans[1], False), (spans[0], True)]
    assert START < done[0].done_at < done[1].done_at


def test_ends_are_counted_from_an_instant_on(ledger):
    """Done, partial and failed since then, and nothing that goes on."""
    ends = (JobState.DONE, JobState.DONE, JobState.FAILED, JobState.PARTIAL)
    for name, state in zip("abcp", ends, strict=True):
        ledger.end(ledger.claim(f"{name}.m4a", **FILE).id, state)
    ledger.claim("d.m4a", **FILE)

    assert ledger.ended_since(START) == {JobState.DONE: 2, JobState.PARTIAL: 1, JobState.FAILED: 1}
    assert ledger.ended_since(START + timedelta(days=1)) == dict.fromkeys(ENDED, 0)


# --- money --------------------------------------------------------------------------------------------------


def test_spending_is_summed_per_folder(ledger):
    """Sums go by folder and never mix currencies; an unknown price counts seconds only, the old is left out."""
    spend(ledger, at=START - timedelta(days=1))
    spend(ledger)
    spend(ledger, at=START + timedelta(days=1), folder="en", cost=None)
    spend(ledger, at=START + timedelta(days=30), currency="EUR")

    sums = [(one.folder, one.currency, one.audio_s, one.cost) for one in ledger.spend_by_folder(START)]

    assert sums == [("en", "USD", 60.0, 0.0), ("lv", "EUR", 60.0, 0.5), ("lv", "USD", 60.0, 0.5)]


def test_spending_counts_from_the_given_instant_in_any_zone(ledger):
    """An instant is an instant: the zone in which it is written does not move the border."""
    spend(ledger, at=datetime.fromisoformat("2026-11-23T13:00:00+02:00"))
    spend(ledger, at=datetime.fromisoformat("2026-11-23T12:00:00+00:00"))

    since = ledger.spend_since(datetime(2026, 11, 23, 11, 30, tzinfo=UTC))

    assert [(one.currency, one.answers) for one in since] == [("USD", 1)]


def test_an_answer_paid_twice_is_two_expenses(ledger):
    """The same key may be paid again after a crash; both payments are on record."""
    spend(ledger)
    spend(ledger)

    assert ledger.spend_since(START)[0].cost == 1.0


def test_spending_counts_for_its_rule_and_currency(ledger):
    """The sum for a limit is that of one currency, of all recordings or of those that one rule matched."""
    spend(ledger, at=START - timedelta(days=1), rule="lv/**")
    spend(ledger, rule="lv/**")
    spend(ledger, rule="en/**")
    spend(ledger, currency="EUR", rule="lv/**")
    spend(ledger, cost=None)

    assert ledger.cost_since(START, currency="USD") == 1.0
    assert ledger.cost_since(START, currency="USD", rule="lv/**") == 0.5
    assert ledger.cost_since(START, currency="USD", rule="ru/**") == 0.0


def test_spending_is_summed_per_day(ledger):
    """A day is a day in UTC; currencies are not mixed, and empty days are left out."""
    spend(ledger, at=START - timedelta(days=2))
    for hour in (0, 11):
        spend(ledger, at=START.replace(hour=hour))
    spend(ledger, at=START + timedelta(days=1), currency="EUR")

    days = [
        (str(one.day), one.currency, one.cost, one.answers) for one in ledger.spend_by_day(START - timedelta(days=1))
    ]

    assert days == [("2026-11-23", "USD", 1.0, 2), ("2026-11-24", "EUR", 0.5, 1)]


# --- remote copies ------------------------------------------------------------------------------------------


def test_remote_copies_are_open_until_their_deletion_is_confirmed(ledger):
    """A copy is listed from its intention to its deletion; copies that share an id go together."""
    journal: UploadJournal = ledger.journal_of(FAR)
    for name in ("a.mp3", "b.mp3", "c.mp3"):
        journal.intend_upload(name=name, key=name[0])
    journal.record_upload(name="a.mp3", remote_id="r-1")
    journal.record_upload(name="b.mp3", remote_id="r-1")
    before = [(upload.name, upload.remote_id) for upload in ledger.undeleted(FAR)]

    journal.record_deletion(remote_id="r-1")

    assert before == [("a.mp3", "r-1"), ("b.mp3", "r-1"), ("c.mp3", None)]
    assert [upload.name for upload in ledger.undeleted(FAR)] == ["c.mp3"]


def test_a_second_upload_of_a_chunk_is_a_second_copy(ledger):
    """The id goes to the latest intention of that name; the earlier copy keeps its own."""
    for remote_id in ("r-1", "r-2"):
        ledger.intend_upload(service=FAR, name="a.mp3", key="a")
        ledger.record_upload(name="a.mp3", remote_id=remote_id)

    assert [upload.remote_id for upload in ledger.undeleted(FAR)] == ["r-1", "r-2"]


def test_an_upload_that_nobody_intended_is_a_mistake(ledger):
    """Recording an id without an intention is refused, because it would hide an order of steps gone wrong."""
    with pytest.raises(KeyError):
        ledger.record_upload(name="a.mp3", remote_id="r-1")


def test_a_sweep_settles_intentions_that_came_to_nothing(ledger):
    """After a search of the far side only younger intentions stay open."""
    ledger.intend_upload(service=FAR, name="old.mp3", key="o")
    swept_at = ledger._clock.now()
    ledger.intend_upload(service=FAR, name="new.mp3", key="n")

    ledger.record_sweep(FAR, before=swept_at)

    assert [upload.name for upload in ledger.undeleted(FAR)] == ["new.mp3"]


def test_copies_at_one_service_mean_nothing_to_another(ledger):
    """A copy is listed and settled for the service it was sent to, and for no other."""
    ledger.journal_of(FAR).intend_upload(name="a.mp3", key="a")
    ledger.record_sweep("https://other", before=ledger._clock.now())

    assert ledger.undeleted("https://other") == ()
    assert [upload.name for upload in ledger.undeleted(FAR)] == ["a.mp3"]


# --- the service --------------------------------------------------------------------------------------------


def test_an_installation_keeps_its_id(path):
    """The id is drawn once and stays."""
    ids = []
    for _ in range(2):
        with Ledger.open(path, clock=ticking_clock()) as ledger:
            ids.append(ledger.installation_id)

    assert ids[0] == ids[1]
    assert len(bytes.fromhex(ids[0])) == 4


def test_a_hold_keeps_its_beginning(ledger):
    """A hold that is declared again has the newer reason and the older beginning, until it is released."""
    ledger.note_gate("https://far", state="held", reason="the key was refused")
    since = ledger.shut_gates()[0].since
    ledger.note_gate("https://far", state="held", reason="the account is out of credit")
    gates = ledger.shut_gates()
    ledger.note_gate("https://far", state="closed", reason=None)

    assert [(gate.reason, gate.since) for gate in gates] == [("the account is out of credit", since)]
    assert ledger.shut_gates() == ()


def test_each_service_has_a_gate_of_its_own(ledger):
    """A hold of one and an outage of another stand beside one another, until a start forgets both."""
    ledger.note_gate("https://one", state="held", reason="refused")
    ledger.note_gate("https://two", state="open", reason=None)
    gates = ledger.shut_gates()
    ledger.forget_gates()

    assert [(gate.service, gate.state, gate.reason) for gate in gates] == [
        ("https://one", "held", "refused"),
        ("https://two", "open", ""),
    ]
    assert ledger.shut_gates() == ()


def test_a_heartbeat_tells_who_and_since_when(ledger):
    """The last sign of life can be read back."""
    before = ledger.heartbeat()
    ledger.beat(pid=42, started_at=START)

    assert before is None
    assert (ledger.heartbeat().pid, ledger.heartbeat().started_at) == (42, START)


def test_an_orderly_end_takes_the_heartbeat_back(ledger):
    """After the daemon has said that it ends, nobody takes its last beat for life."""
    ledger.beat(pid=42, started_at=START)
    ledger.fall_silent()

    assert ledger.heartbeat() is None


# --- the file -----------------------------------------------------------------------------------------------


def test_threads_share_a_ledger(ledger):
    """Parallel claims and payments are all on record, each once."""
    barrier = threading.Barrier(8)

    def work(worker):
        barrier.wait()
        for number in range(10):
            job = ledger.claim(f"{worker}-{number}.m4a", **FILE)
            spend(ledger, job_id=job.id)
            ledger.end(job.id, JobState.DONE)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.counts()[JobState.DONE] == 80
    assert ledger.spend_since(START)[0].answers == 80


KILLED = """
import os, signal, sys
from pathlib import Path
from voxtrald.clock import Clock
from voxtrald.store.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]), clock=Clock())
job = ledger.claim("talk.m4a", size_bytes=10, mtime_ns=1, inode=7)
ledger.note_attempt(job.id, "k", attempts=3, error="api_busy", next_at=None)
ledger._database._connection.execute("BEGIN IMMEDIATE")
ledger._database._connection.execute("DELETE FROM job")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_what_it_had_written(path):
    """After kill -9 in the middle of a transaction, all before it is there and nothing of it."""
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)

    with Ledger.open(path, clock=ticking_clock()) as ledger:
        job = ledger.claim("talk.m4a", **FILE)
        attempts = ledger.attempts_of(job.id)

    assert killed.returncode == -signal.SIGKILL
    assert job.attempts == 2
    assert attempts["k"].attempts == 3


def test_looking_creates_nothing(path):
    """Reading a ledger that is not there, or that nobody has open, leaves the folder as it was."""
    missing = Ledger.open_read_only(path, clock=ticking_clock())
    with Ledger.open(path, clock=ticking_clock()) as ledger:
        ledger.claim("talk.m4a", **FILE)
    before = read_tree(path.parent)
    with Ledger.open_read_only(path, clock=ticking_clock()) as reader:
        jobs = reader.unfinished()

    assert missing is None
    assert read_tree(path.parent) == before == {"ledger.db": before["ledger.db"]}
    assert [job.relative for job in jobs] == ["talk.m4a"]


def test_looking_after_a_crash_sees_everything(path):
    """A killed daemon leaves its log behind; a reader sees what is in it and repairs nothing."""
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    before = read_tree(path.parent)

    with Ledger.open_read_only(path, clock=ticking_clock()) as reader:
        jobs = reader.unfinished()

    assert [job.relative for job in jobs] == ["talk.m4a"]
    assert {name: before[name] for name in ("ledger.db", "ledger.db-wal")} == {
        name: content for name, content in read_tree(path.parent).items() if name != "ledger.db-shm"
    }


def test_looking_sees_what_a_running_daemon_writes(ledger, path):
    """A reader beside an open ledger sees each change, and cannot write."""
    ledger.claim("first.m4a", **FILE)
    with Ledger.open_read_only(path, clock=ticking_clock()) as reader:
        first = len(reader.unfinished())
        ledger.claim("second.m4a", **FILE)
        second = len(reader.unfinished())
        with pytest.raises(StorageUnavailable):
            reader.note_gate("https://far", state="held", reason="no")

    assert (first, second) == (1, 2)


def test_only_the_owner_can_read_the_ledger(ledger, path):
    """The file and its companions are closed to everybody else: they name recordings."""
    ledger.claim("talk.m4a", **FILE)

    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}
    assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm"), 0o600)


@pytest.mark.parametrize("damage", [b"not a ledger" * 400, None])
@pytest.mark.parametrize("opening", [Ledger.open, Ledger.open_read_only])
def test_a_damaged_ledger_is_told_with_a_way_out(path, damage, opening):
    """A file that is no database, or one with overwritten pages, is refused with a hint and left alone."""
    with Ledger.open(path, clock=ticking_clock()) as ledger:
        for number in range(200):
            ledger.claim(f"{number}.m4a", **FILE)
    content = damage or (whole := path.read_bytes())[:4096] + b"\xff" * (len(whole) - 4096)
    path.write_bytes(content)

    with pytest.raises(StoreError) as caught, opening(path, clock=ticking_clock()) as ledger:
        ledger.unfinished()

    assert "damaged" in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == content


def test_a_newer_ledger_is_refused(path):
    """A ledger of a later version is left alone."""
    Ledger.open(path, clock=ticking_clock()).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    for opening in (Ledger.open, Ledger.open_read_only):
        with pytest.raises(StoreError, match="newer"):
            opening(path, clock=ticking_clock())


def test_an_older_ledger_is_brought_up_to_date_and_not_by_looking(path):
    """A daemon goes on with the ledger of an earlier version; who only looks says what to do first."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        for script in MIGRATIONS[:2]:
            connection.executescript(script)
        connection.execute(
            "INSERT INTO spend (key, job_id, model, folder, audio_s, cost, currency, at)"
            " VALUES ('k', 'j', 'm', x'2e', 60.0, 0.5, 'USD', ?)",
            (START.isoformat(timespec="microseconds"),),
        )
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    with pytest.raises(StoreError, match="older"):
        Ledger.open_read_only(path, clock=ticking_clock())
    with Ledger.open(path, clock=ticking_clock()) as ledger:
        sums = [ledger.cost_since(START, currency="USD", rule=rule) for rule in ("", "lv/**")]
    Ledger.open_read_only(path, clock=ticking_clock()).close()

    assert sums == [0.5, 0.0]


def test_a_full_disk_is_waited_for(tmp_path):
    """A full disk is a storage trouble; once there is room the same ledger goes on, with nothing lost."""
    disk = tmp_path / "disk"
    with small_disk(disk, size_kb=512), Ledger.open(disk / "ledger.db", clock=ticking_clock()) as ledger:
        job = claim_file(ledger, disk, "talk.m4a", b"audio")
        with pytest.raises(OSError, match="No space"):
            (disk / "ballast").write_bytes(bytes(1 << 20))
        with pytest.raises(StorageUnavailable) as caught:
            fill(ledger, job)

        (disk / "ballast").unlink()
        ledger.end(job.id, JobState.DONE)

        assert "disk is full" in caught.value.message
        assert ledger.job(job.id).state is JobState.DONE


def fill(ledger, job):
    """Write more than a small disk holds."""
    for number in range(1000):
        ledger.note_attempt(job.id, f"{number}", attempts=1, error="x" * 500, next_at=None)
