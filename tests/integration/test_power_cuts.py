"""What is on the disk before the next thing happens: a power cut takes what was not synced."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.storing import START, claim_file, make_folders, ticking_clock
from voxtrald.store import durable
from voxtrald.store.jobs import JobState, Publication
from voxtrald.store.ledger import Ledger
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.store.publishing import Originals
from voxtrald.transcript.model import Span

DOCUMENTS = {".txt": b"hello\n", ".json": b'{"text": "hello"}\n', ".srt": b"1\n"}
FULL = 2  # https://www.sqlite.org/pragma.html#pragma_synchronous

SYNCED = {
    "intend_upload": lambda ledger, _: ledger.intend_upload(service="far", name="n", key="k"),
    "intend_publish": lambda ledger, job: ledger.intend_publish(
        job.id, Publication(folder=".", stem="talk", outputs=(), source_name=None)
    ),
    "note_attempt": lambda ledger, job: ledger.note_attempt(
        job.id, "k", attempts=1, error="busy", next_at=START + timedelta(seconds=9)
    ),
    "set_state": lambda ledger, job: ledger.set_state(job.id, JobState.PUBLISHING, reason="no_audio"),
}
FOLLOWING = {
    "note_identity": lambda ledger, job: ledger.note_identity(job.id, sha256="a" * 64),
    "note_chunk": lambda ledger, job: ledger.note_chunk(
        job.id, 0, span=Span(start_ms=0, end_ms=9), state=ChunkState.DONE
    ),
    "record_spend": lambda ledger, job: ledger.record_spend(
        "k", job_id=job.id, model="m", folder=".", audio_s=1.0, cost=None, currency="USD"
    ),
    "record_upload": lambda ledger, _: ledger.record_upload(name="n", remote_id="r"),
    "record_deletion": lambda ledger, _: ledger.record_deletion(remote_id="r"),
    "end": lambda ledger, job: ledger.end(job.id, JobState.DONE),
}


@pytest.fixture
def ledger(tmp_path):
    """Open a ledger in the state folder."""
    with Ledger.open(tmp_path / "state" / "ledger.db", clock=ticking_clock()) as ledger:
        yield ledger


def synchronous(ledger):
    """Ask how the latest commit was synced."""
    return ledger._database.read("PRAGMA synchronous")[0]["synchronous"]


@pytest.mark.parametrize("verb", SYNCED)
def test_what_must_be_known_after_a_power_cut_is_waited_for(ledger, tmp_path, verb):
    """What was announced to the world outside, or would be counted anew, is on the disk when the ledger returns."""
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    before = synchronous(ledger)
    SYNCED[verb](ledger, job)

    assert before < FULL
    assert synchronous(ledger) == FULL


@pytest.mark.parametrize("verb", FOLLOWING)
def test_what_the_next_start_finds_out_by_itself_is_not_waited_for(ledger, tmp_path, verb):
    """What can be told from files, answers and the far side becomes durable with the next thing that is waited for."""
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    SYNCED["intend_upload"](ledger, job)
    FOLLOWING[verb](ledger, job)

    assert synchronous(ledger) < FULL


@pytest.fixture
def disk(monkeypatch):
    """Note what is synced and which names appear, in order; give the list."""
    seen = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor):
        seen.append(("synced", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    def noted_link(source, target, **options):
        seen.append(("named", Path(target).name))
        link(source, target, **options)

    monkeypatch.setattr(durable.os, "fsync", noted_fsync)
    monkeypatch.setattr(durable.os, "link", noted_link)
    return seen


def test_every_document_is_on_the_disk_with_its_name_before_the_recording_leaves(ledger, tmp_path, disk):
    """The content is synced before its name appears, and all names before the recording's move, which is synced last.

    The folder is synced once for all documents.
    """
    folders = make_folders(tmp_path)
    job = claim_file(ledger, tmp_path, "talk.m4a", b"sound")
    disk.clear()
    folders.publish(
        job,
        stem="talk",
        documents=DOCUMENTS,
        originals=Originals.OUTBOX,
        intend=lambda publication: ledger.intend_publish(job.id, publication),
    )
    whats = ["tmp" if name.endswith(".tmp") else name for _, name in disk]

    assert whats == ["tmp", "talk.txt", "tmp", "talk.json", "tmp", "talk.srt", "outbox", "talk.m4a", "outbox", "inbox"]
