"""What must not leak: the key, signed addresses, spoken words, file names. And what the log must say exactly once."""

from __future__ import annotations

import re
from collections import Counter

from tests.e2e.daemon import KEY, SMALL_CHUNKS, wait_for
from tests.standin.faults import Status
from tests.standin.script import SIGN, TRANSCRIBE, UPLOAD


def test_a_session_at_debug_level_leaks_nothing(place, recordings, make_files):
    """With answers, refusals and failures of every kind, the log at debug level holds no key, address or word."""
    talk, memo = recordings.make("mp3-cbr", 30, seed=2), recordings.make("wav", 2, seed=7)
    echo = {"detail": f"bad key {KEY} for https://storage.example/blob?sig=SECRETSIG"}
    place.standin.script.add(Status(500, body=echo), match=SIGN)
    place.standin.script.add(Status(401, body=echo), match=UPLOAD)
    place.standin.script.add(Status(429, body=echo), match=TRANSCRIBE)
    place.standin.script.add(
        Status(400, body={"detail": "cannot be decoded"}), times=None, when=lambda call: memo.words[0] in spoken(call)
    )
    make_files(place.inbox, {"noise.mp3": bytes(range(256)) * 64})
    daemon = place.start({"chunks": SMALL_CHUNKS, "logging": {"level": "debug"}})
    place.drop(talk.path, "Scheidung Müller.mp3")
    wait_for((place.outbox / "Scheidung Müller.mp3").exists, what="the talk done")
    place.drop(memo.path, "memo.wav")
    place.wait_for_error("memo.wav.error.txt", "noise.mp3.error.txt")

    assert daemon.stop() == 0
    log = daemon.log.read_text()
    assert KEY not in log
    assert "SECRETSIG" not in log
    assert re.findall(r"sig=|[?&]se=", log) == []
    assert [word for word in (*talk.words, *memo.words) if re.search(rf"\b{word}\b", log)] == []
    for report in place.error.rglob("*.txt"):
        assert KEY not in report.read_text()


def spoken(call):
    """Give the words in what a call sends."""
    return [word.text for word in call.words()]


def test_names_at_the_service_tell_nothing(place, recordings):
    """What is uploaded bears no part of the recording's name, its folder or this machine."""
    daemon = place.start({"chunks": SMALL_CHUNKS})
    place.drop(recordings.make("mp3-cbr", 30, seed=2).path, "Patientin Huber/Gespräch.mp3")
    place.finish("Patientin Huber/Gespräch.mp3")

    assert daemon.stop() == 0
    names = {request.filename for request in place.standin.calls(UPLOAD)}
    assert len(names) >= 4
    assert [
        name for name in names if not re.fullmatch(r"voxtrald-[0-9a-z]+-daemon-[0-9a-f]{16}\.(mp3|wav)", name)
    ] == []


def test_every_job_ends_in_the_log_exactly_once(place, recordings, make_files):
    """However a recording ends, one line of the log says so, with its job and its name."""
    make_files(place.inbox, {"noise.mp3": bytes(range(256)) * 64, "page.mp3": "<!DOCTYPE html><html></html>"})
    place.standin.script.add(Status(500), nth=2)
    daemon = place.start()
    for seed in (1, 2, 3, 4):
        place.drop(recordings.make("wav", 1.2, seed=seed).path, f"memo-{seed}.wav")
    daemon.wait_event("recording_done", count=4)
    daemon.wait_event("recording_failed", count=2)

    assert daemon.stop() == 0
    begun = Counter(event["job"] for event in daemon.events("recording_begun"))
    ended = Counter(event["job"] for name in ("recording_done", "recording_failed") for event in daemon.events(name))
    assert begun == ended
    assert set(ended.values()) == {1}
    names = {event["recording"] for name in ("recording_done", "recording_failed") for event in daemon.events(name)}
    assert names == {"noise.mp3", "page.mp3", *(f"memo-{seed}.wav" for seed in (1, 2, 3, 4))}
