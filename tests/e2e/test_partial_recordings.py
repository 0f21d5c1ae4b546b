"""A service that leaves speech out, also when it is asked again: the recording says so wherever somebody looks."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.e2e.crashing import at_step, died, status_of
from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Rewrite
from tests.webhook import webhook
from voxtrald.steps import Step

SECONDS = 40.0
HOLE_MS = (14_000, 28_000)
MARK = re.compile(r"\[missing \d+:\d+\N{EN DASH}\d+:\d+\]")
CONFIG = {"output": {"formats": ["txt", "json"]}}


@pytest.fixture
def talk(recordings):
    """A talk of forty seconds."""
    return recordings.make("wav", SECONDS, seed=3)


@pytest.fixture
def unheard(place, talk):
    """Have the service leave out what is said in the middle, each time; give the words."""
    words = {word.text for word in talk.placed if HOLE_MS[0] <= word.start_ms < HOLE_MS[1]}

    def leave_out(answer):
        kept = [segment for segment in answer["segments"] if not words & set(segment["text"].split())]
        return answer | {"segments": kept, "text": " ".join(segment["text"].strip() for segment in kept)}

    place.standin.script.add(Rewrite(leave_out), times=None)
    return words


def test_a_hole_that_stays_is_told_everywhere(place, talk, unheard):
    """Asked twice in vain, it is marked in its place, and log, status and message name it; no other word is lost."""
    with webhook() as hook:
        daemon = place.start(CONFIG | {"notify": {"urls": [hook.url()], "on": ["failed"]}})
        place.drop(talk.path, "talk.wav")
        place.finish("talk.wav")
        (event,) = daemon.wait_event("recording_partial")
        wait_for(hook.titles, what="the message")
        text = (place.outbox / "talk.txt").read_text("utf-8")
        state = status_of(place, "talk.wav")

        assert daemon.stop() == 0
        assert hook.titles() == ["voxtrald: talk.wav partial"]
        assert str(place.outbox / "talk.txt") in hook.posts[0]["message"]
        assert event["missing"] in hook.posts[0]["message"]
    (mark,) = MARK.findall(text)
    said = MARK.sub("", text).split()
    result = place.result("talk")
    assert (state, mark) == ("partial", f"[missing {event['missing']}]")
    assert said == [word for word in talk.words if word in said]
    assert not unheard & set(said)
    assert len(result["repairs"]) >= 1
    assert len(result["coverage"]["missing"]) == event["holes"] == 1
    assert place.standin.seconds_paid > SECONDS
    place.assert_clean()


def test_a_kill_before_the_ledger_hears_of_it_does_not_make_it_whole(place, talk, unheard):
    """Killed when the set is out and the job has not ended, it ends as what it is, and nothing is paid again."""
    once = CONFIG | {"inspect": {"repair_share": 0}}
    doomed = place.start(once, command=at_step("kill", Step.SOURCE_MOVED))
    place.drop(talk.path, "talk.wav")
    died(doomed, after="recording_partial")
    paid_s = place.standin.seconds_paid
    daemon = place.start()
    wait_for(lambda: status_of(place, "talk.wav") == "partial", what="partial in the status")

    assert unheard
    assert files_in(place.outbox) == ["talk.json", "talk.txt", "talk.wav"]
    assert place.standin.seconds_paid == paid_s
    assert daemon.stop() == 0


def test_a_hole_can_be_a_failure_and_be_taken_as_it_is_later(place, talk, unheard):
    """It goes to the error folder with its marks; tried again under the other setting, it is published at no cost."""
    place.start({"output": {**CONFIG["output"], "partial": "error"}})
    place.drop(talk.path, "talk.wav")
    place.wait_for_error("talk.wav")
    (failed,) = place.started[0].wait_event("recording_failed")
    report = (place.error / "talk.wav.error.txt").read_text("utf-8")
    partial = (place.error / "talk.wav.partial.txt").read_text("utf-8")
    assert place.started[0].stop() == 0
    paid_s = place.standin.seconds_paid
    (mark,) = MARK.findall(partial)
    daemon = place.start(CONFIG)
    retried = place.run("retry", "talk.wav")
    place.wait_for_source("talk.wav")
    daemon.wait_event("recording_partial")

    assert (failed["reason"], retried.returncode) == ("incomplete", 0)
    assert f"  - {mark.removeprefix('[missing ').removesuffix(']')}\n" in report
    assert mark in (place.outbox / "talk.txt").read_text("utf-8")
    assert unheard.isdisjoint(partial.split())
    assert place.standin.seconds_paid == paid_s
    assert daemon.stop() == 0
    place.assert_clean()


@pytest.mark.parametrize(("partial", "code", "left"), [("outbox", 0, "talk.txt"), ("error", 1, "talk.wav.partial.txt")])
def test_a_file_done_at_once_is_written_with_its_mark(place, talk, unheard, tmp_path, partial, code, left):
    """In the foreground a hole is a warning, or a failure where the settings say so; the text lies beside it."""
    place.configure({"output": {"formats": ["txt"], "partial": partial}, "inspect": {"repair_share": 0}})
    folder = tmp_path / "desk"
    folder.mkdir()
    run = place.run("transcribe", shutil.copyfile(talk.path, folder / "talk.wav"))

    assert run.returncode == code
    assert "speech without text at 0:" in run.stderr
    assert files_in(folder) == sorted(["talk.wav", left])
    assert MARK.search((folder / left).read_text("utf-8"))
    assert unheard.isdisjoint((folder / left).read_text("utf-8").split())
