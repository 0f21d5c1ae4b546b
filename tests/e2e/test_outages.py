"""When the service is away or refuses the key, work waits: no attempt is used up and no file is moved."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, files_in, wait_for
from tests.standin.faults import Hang, Status
from tests.standin.script import ANY, TRANSCRIBE
from tests.standin.server import Standin

HASTY = {"attempts": 2, "first_wait_s": 0.05, "max_wait_s": 0.2}
"""So few attempts that an outage would use them up at once if it did."""


def free_port():
    """Find a port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def away(port, recordings_config=None):
    """Configure a service that is not there."""
    return {"engine": {"base_url": f"http://127.0.0.1:{port}"}, "retry": HASTY, **(recordings_config or {})}


def assert_waiting(place, name, *, sign):
    """Assert that a recording waits where it was dropped, and that `status` says why."""
    assert files_in(place.inbox) == [name]
    assert files_in(place.error) == []
    assert files_in(place.outbox) == []
    wait_for(lambda: sign in place.run("status").stdout, what=f"{sign!r} in the status")


def chunks_of(place, which):
    """Count the chunks of the one recording in work."""
    return sum(each["chunks"][which] or 0 for each in place.status()["running"])


def test_a_service_that_is_down_at_the_start_is_waited_for(place, recordings):
    """With nobody listening no file moves and the status says so; when the service comes, the work is done."""
    memo, port = recordings.make(), free_port()
    daemon = place.start(away(port))
    place.drop(memo.path, "memo.wav")
    daemon.wait_event("outage_began")
    assert_waiting(place, "memo.wav", sign="does not answer")
    with Standin(port=port) as late:
        place.finish("memo.wav")

        assert daemon.stop() == 0
        assert late.paid.total() == 1
        assert late.violations == []
    assert place.words("memo") == memo.words
    assert len(daemon.events("outage_began")) == 1


def test_a_service_that_goes_down_in_between_is_waited_for(place, recordings):
    """An outage in the middle of a recording costs nothing but time, and what was answered is not asked again."""
    talk, port = recordings.make("wav", 40, seed=2), free_port()
    with Standin(port=port) as first:
        first.script.add(Hang(), nth=3, times=None)
        daemon = place.start(away(port, {"chunks": SMALL_CHUNKS, "retry": {**HASTY, "attempts": 4}}))
        place.drop(talk.path, "talk.wav")
        wait_for(lambda: chunks_of(place, "done") >= 2, what="two answers")
    daemon.wait_event("outage_began")
    assert_waiting(place, "talk.wav", sign="does not answer")
    # Not what the service has paid: an answer that was on its way when it went down is lost, and must be asked again.
    left = chunks_of(place, "total") - chunks_of(place, "done")
    with Standin(port=port) as second:
        place.finish("talk.wav")

        assert daemon.stop() == 0
        assert second.paid.total() <= left
    assert place.words("talk") == talk.words


def test_a_service_that_only_says_503_is_an_outage_too(place, recordings):
    """While everything is answered with 503 nothing is given up; afterwards all of it is done."""
    memos = {f"memo-{seed}": recordings.make("wav", 1.2, seed=seed) for seed in range(1, 7)}
    place.standin.script.add(Status(503), match=ANY, times=None)
    daemon = place.start({"retry": HASTY})
    for name, memo in memos.items():
        place.drop(memo.path, f"{name}.wav")
    daemon.wait_event("outage_began")
    wait_for(lambda: len(place.standin.requests) > 20, what="some probes")
    assert files_in(place.inbox) == sorted(f"{name}.wav" for name in memos)
    assert files_in(place.error) == []
    place.standin.script.clear()
    place.finish(*(f"{name}.wav" for name in memos))

    assert daemon.stop() == 0
    assert {name: place.words(name) for name in memos} == {name: memo.words for name, memo in memos.items()}
    assert set(place.standin.paid.values()) == {1}
    assert daemon.events("work_resumed") != []


def test_an_outage_lets_one_request_through_at_a_time(place, recordings):
    """During an outage the service is asked by one probe at a time, not by everything that waits."""
    place.standin.script.add(Status(503), match=ANY, times=None)
    daemon = place.start({"retry": HASTY})
    for seed in range(1, 9):
        place.drop(recordings.make("wav", 1.2, seed=seed).path, f"memo-{seed}.wav")
    daemon.wait_event("outage_began")
    seen = len(place.standin.requests) + 8  # those that were on their way when it began
    wait_for(lambda: len(place.standin.requests) >= seen + 5, what="some probes")

    assert {request.in_flight for request in place.standin.requests[seen:]} == {1}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_holds_all_work(place, recordings, status):
    """401, 402 and 403 move no file, say why once in the log and in the status, and end without anyone's help."""
    place.standin.script.add(Status(status), times=None)
    daemon = place.start()
    for seed in (1, 2, 3):
        place.drop(recordings.make("wav", 1.2, seed=seed).path, f"memo-{seed}.wav")
    daemon.wait_event("work_held")
    refused = len(place.standin.calls(TRANSCRIBE))
    wait_for(lambda: len(place.standin.calls(TRANSCRIBE)) >= refused + 4, what="some more refusals")
    assert files_in(place.inbox) == ["memo-1.wav", "memo-2.wav", "memo-3.wav"]
    assert files_in(place.error) == []
    assert len(daemon.events("work_held")) == 1
    assert str(status) in daemon.events("work_held")[0]["reason"]
    assert "held: http" in place.run("status").stdout
    place.standin.script.clear()  # somebody paid the bill
    place.finish("memo-1.wav", "memo-2.wav", "memo-3.wav")

    assert daemon.stop() == 0
    assert "held" not in place.run("status").stdout
    assert set(place.standin.paid.values()) == {1}


def test_a_new_key_is_used_after_a_reload(place, recordings):
    """With a wrong key in its file all work waits; the file replaced and SIGHUP sent, the work in hand goes on."""
    key_file = place.root / "key"
    key_file.write_text("wrong-key\n")
    key_file.chmod(0o600)
    daemon = place.start({"engine": {"api_key_file": key_file}, "retry": {"first_wait_s": 0.05, "max_wait_s": 60}})
    place.drop(recordings.make(seed=1).path, "memo-1.wav")
    daemon.wait_event("work_held")
    place.drop(recordings.make(seed=2).path, "memo-2.wav")
    key_file.write_text("test-key\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("reloaded")
    place.finish("memo-1.wav", "memo-2.wav", timeout_s=20)

    assert daemon.stop() == 0
    assert place.words("memo-1") == recordings.make(seed=1).words
    assert place.words("memo-2") == recordings.make(seed=2).words
    place.assert_clean()


def test_work_goes_on_when_the_held_recording_is_taken_away(place, recordings):
    """A hold whose only recording is deleted does not keep later recordings waiting for ever."""
    place.standin.script.add(Status(401), times=None)
    daemon = place.start()
    dropped = place.drop(recordings.make(seed=1).path, "memo-1.wav")
    daemon.wait_event("work_held")
    dropped.unlink()
    place.drop(recordings.make(seed=2).path, "memo-2.wav")
    place.standin.script.clear()
    place.finish("memo-2.wav")

    assert daemon.stop() == 0
    assert place.words("memo-2") == recordings.make(seed=2).words
