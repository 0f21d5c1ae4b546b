"""Killed at each durable step: a restart ends as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.e2e.crashing import CONFIG, Bill, assert_one_set, at_step, booked_s, chunks_s, died, half_done, status_of
from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Status
from voxtrald.steps import Step

SECONDS = 45.0

# Where a step comes several times in one recording, it is not the first one that kills.
NTH = {
    Step.CHUNK_PREPARED: 2,
    Step.UPLOAD_INTENDED: 2,
    Step.UPLOAD_SENT: 3,
    Step.UPLOAD_RECORDED: 2,
    Step.ANSWER_RECEIVED: 3,
    Step.ANSWER_WRITTEN: 2,
    Step.ANSWER_KEPT: 2,
    Step.REMOTE_DELETED: 2,
    Step.OUTPUT_WRITTEN: 3,
    Step.OUTPUT_PUBLISHED: 2,
}


@pytest.mark.parametrize("step", list(Step))
def test_a_kill_at_any_step_costs_only_time(place, recordings, step):
    """Killed at a step and started again: one whole exact set, nothing half done, nothing kept paid or booked twice."""
    talk = recordings.make("m4a-faststart", SECONDS)
    place.standin.latency = (0.1, 0.0)
    doomed = place.start(CONFIG, command=at_step("kill", step, NTH.get(step, 1)))
    place.drop(talk.path, "talk.m4a")
    died(doomed, after="daemon_stopped")
    bill = Bill(place=place)
    bill.after_crash()

    daemon = place.start()
    place.finish("talk.m4a", timeout_s=40)
    wait_for(lambda: status_of(place, "talk.m4a") == "done", what="done in the status")

    assert place.words("talk") == talk.words
    assert len(place.result("talk")["chunks"]) >= 4
    assert_one_set(place, original="talk.m4a")
    bill.assert_paid(chunks_s(place))
    assert booked_s(place) == chunks_s(place)
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        (Step.OUTPUT_WRITTEN, 1),
        (Step.OUTPUT_WRITTEN, 2),
        (Step.OUTPUT_PUBLISHED, 1),
        (Step.OUTPUT_PUBLISHED, 2),
        (Step.SOURCE_MOVED, 1),
        (Step.JOB_ENDED, 1),
    ],
)
def test_a_kill_during_a_quarantine_costs_only_time(place, recordings, step, nth):
    """Killed while a failed recording is set aside: it ends in the error folder once, with its reports and reason."""
    talk = recordings.make("m4a-faststart", SECONDS)
    spoilt = talk.words[len(talk.words) // 2]
    place.standin.script.add(
        Status(400, body={"detail": "no"}), times=None, when=lambda call: spoilt in [word.text for word in call.words()]
    )
    doomed = place.start(CONFIG, command=at_step("kill", step, nth))
    place.drop(talk.path, "talk.m4a")
    died(doomed, after="daemon_stopped")
    bill = Bill(place=place)
    assert bill.after_crash() == 0

    daemon = place.start()
    place.wait_for_error("talk.m4a", timeout_s=40)
    wait_for(lambda: status_of(place, "talk.m4a") == "failed", what="failed in the status")

    assert files_in(place.error) == ["talk.m4a", "talk.m4a.error.txt", "talk.m4a.partial.txt"]
    assert "rejected_by_api" in place.run("status").stdout
    assert (place.error / "talk.m4a").read_bytes() == talk.path.read_bytes()
    assert files_in(place.inbox) == files_in(place.outbox) == half_done(place) == []
    wait_for(lambda: not place.standin.files, what="the deletion of every remote copy")
    assert set(place.standin.paid.values()) == {1}
    assert daemon.stop() == 0
