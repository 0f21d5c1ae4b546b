"""Told to stop: at once, without loss, and without blaming a recording."""

from __future__ import annotations

import signal
import time

import psutil
import pytest

from tests.e2e.crashing import CONFIG, assert_one_set, at_step, chunks_s, kept_s, settled_s
from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Hang
from voxtrald.steps import Step

SECONDS = 45.0
ENDING = (signal.SIGTERM, signal.SIGINT)


def wait_for_request(place):
    """Wait until a transcription is under way."""
    wait_for(lambda: place.standin.records._open["transcription"], what="a transcription under way")


@pytest.fixture
def talk(recordings):
    """Give a recording of several chunks."""
    return recordings.make("m4a-faststart", SECONDS)


@pytest.fixture
def finishes(place, talk):
    """Give a function that starts the daemon again and checks that the recording ends as if nothing had been."""

    def finish():
        daemon = place.start()
        place.finish("talk.m4a")
        daemon.wait_event("recording_done")
        assert place.words("talk") == talk.words
        assert_one_set(place, original="talk.m4a")
        assert daemon.stop() == 0

    return finish


@pytest.mark.parametrize("number", ENDING)
def test_an_answer_that_comes_within_the_grace_is_kept(place, talk, finishes, number):
    """A signal during requests ends the daemon with 0 when their answers have come, and none is paid twice."""
    place.standin.latency = (1.0, 0.0)
    daemon = place.start({**CONFIG, "stop_grace_s": 20})
    place.drop(talk.path, "talk.m4a")
    wait_for_request(place)
    daemon.signal(number)

    assert daemon.wait(timeout_s=15) == 0
    assert kept_s(place) == settled_s(place.standin) > 0
    assert [*files_in(place.outbox), *files_in(place.error)] == []
    assert files_in(place.inbox) == ["talk.m4a"]
    place.standin.latency = (0.0, 0.0)
    finishes()
    assert settled_s(place.standin) == chunks_s(place)


def test_a_request_that_outlasts_the_grace_does_not_hold_the_end_up(place, talk, finishes):
    """A stop ends with 0 when the grace is over, though a request hangs, and the next start finishes the work."""
    place.standin.script.add(Hang())
    daemon = place.start({**CONFIG, "stop_grace_s": 2})
    place.drop(talk.path, "talk.m4a")
    wait_for_request(place)
    asked_s = time.monotonic()

    assert daemon.stop() == 0
    assert time.monotonic() - asked_s < 2 + 1
    assert files_in(place.error) == []
    assert files_in(place.inbox) == ["talk.m4a"]
    place.standin.script.release()
    finishes()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGINT),
        (signal.SIGINT, signal.SIGTERM),
    ],
)
def test_a_second_signal_ends_at_once(place, talk, finishes, first, second):
    """A daemon that waits for a request after one signal dies of the next one."""
    place.standin.script.add(Hang())
    daemon = place.start({**CONFIG, "stop_grace_s": 60})
    place.drop(talk.path, "talk.m4a")
    wait_for_request(place)
    daemon.signal(first)
    daemon.wait_event("stop_asked")
    daemon.signal(second)

    assert daemon.wait(timeout_s=5) == -second
    place.standin.script.release()
    finishes()


def with_ffmpeg(process: psutil.Process) -> list[psutil.Process]:
    """List the processes below one, where an ffmpeg is among them."""
    below = process.children(recursive=True)
    return below if any(each.name().startswith("ffmpeg") for each in below) else []


def test_a_stop_ends_every_child(place, recordings):
    """A signal while audio is worked on leaves no ffmpeg behind, ends with 0 and blames no recording."""
    long = recordings.make("mkv", 240.0)
    daemon = place.start({"limits": {"requests": 1}})
    ours = psutil.Process(daemon.process.pid)
    place.drop(long.path, "long.mkv")
    children = wait_for(lambda: with_ffmpeg(ours), what="an ffmpeg at work", timeout_s=30)

    assert daemon.stop() == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert files_in(place.inbox) == ["long.mkv"]
    assert [*files_in(place.outbox), *files_in(place.error)] == []
    assert files_in(place.state / "work") == []


@pytest.mark.parametrize("step", [Step.PUBLISH_INTENDED, Step.OUTPUT_PUBLISHED, Step.SOURCE_MOVED])
def test_a_stop_while_publishing_lets_the_set_be_finished(place, talk, step):
    """A signal between the files of a set ends the daemon only when the whole set is there."""
    daemon = place.start(CONFIG, command=at_step("stop", step))
    place.drop(talk.path, "talk.m4a")

    assert daemon.wait(timeout_s=40) == 0
    assert place.words("talk") == talk.words
    assert_one_set(place, original="talk.m4a")
    assert len(daemon.events("recording_done")) == 1


@pytest.mark.parametrize(
    "step", [Step.JOB_CLAIMED, Step.CHUNK_PREPARED, Step.UPLOAD_SENT, Step.ANSWER_KEPT, Step.OUTPUT_PUBLISHED]
)
def test_a_dead_thread_ends_the_daemon_with_70(place, talk, finishes, step):
    """An error nobody expects, in whatever thread, ends the daemon with 70, says why, and costs no recording."""
    daemon = place.start(CONFIG, command=at_step("break", step))
    place.drop(talk.path, "talk.m4a")

    assert daemon.wait(timeout_s=40) == 70
    assert "Unexpected" in daemon.tail()
    assert daemon.events("program_failed") or daemon.events("worker_died")
    assert files_in(place.error) == []
    finishes()
