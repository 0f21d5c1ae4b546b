"""What a service leaves out or makes up is asked again, and stands in the result with its price."""

from __future__ import annotations

import pytest

from tests.e2e.crashing import CONFIG, Bill, at_step, booked_s, died, status_of
from tests.e2e.daemon import wait_for
from tests.standin.faults import Hole, Loop
from voxtrald.steps import Step

SECONDS = 40.0


@pytest.fixture
def talk(recordings):
    """Give a recording of 40 seconds."""
    return recordings.make("m4a-faststart", SECONDS, seed=2)


def lost_words(talk):
    """Give the words of twelve seconds in the middle."""
    return [word.text for word in talk.placed if 14_000 <= word.start_ms < 26_000]


def spoil(place, talk, fault):
    """Have the first answer about a talk spoilt in the middle."""
    lost = lost_words(talk)
    place.standin.script.add(fault(lost), when=lambda call: lost[0] in [word.text for word in call.words()])


def test_what_is_wrong_is_asked_again(place, recordings):
    """A hole and a loop are mended word by word, at a price that stands in all books; a whole text costs no more."""
    talks = {
        name: recordings.make("m4a-faststart", SECONDS, seed=seed)
        for seed, name in enumerate(("whole", "hole", "loop"), start=2)
    }
    spoil(place, talks["hole"], Hole)
    spoil(place, talks["loop"], Loop)
    daemon = place.start({})
    for name, talk in talks.items():
        place.drop(talk.path, f"{name}.m4a")
    place.finish(*(f"{name}.m4a" for name in talks))
    daemon.wait_event("recording_done", count=3)
    results = {name: place.result(name) for name in talks}
    repaired = {name: [one["repaired"] for one in result["findings"]] for name, result in results.items()}
    repairs = [repair for result in results.values() for repair in result["repairs"]]

    assert {name: place.words(name) for name in talks} == {name: talk.words for name, talk in talks.items()}
    assert (repaired["whole"], results["whole"]["repairs"]) == ([], [])
    assert all(repaired[name] and all(repaired[name]) for name in ("hole", "loop"))
    assert [(one["kept"], one["reused"], one["cost"] > 0) for one in repairs] == [("new", False, True)] * 2
    assert all(result["coverage"]["missing"] == [] for result in results.values())
    assert len(daemon.events("repair_answered", kept="new")) == 2
    assert sum(result["usage"]["audio_s"] for result in results.values()) == booked_s(place)
    assert booked_s(place) == place.standin.seconds_paid
    assert daemon.stop() == 0
    place.assert_clean()


def test_a_kill_amid_a_repair_costs_only_time(place, talk):
    """Killed when a repair was just paid: a restart asks for the same place, and so for nothing that was paid."""
    place.standin.script.add(Hole(lost_words(talk)))
    doomed = place.start({**CONFIG, "chunks": {}}, command=at_step("kill", Step.ANSWER_KEPT, 2))
    place.drop(talk.path, "talk.m4a")
    died(doomed, after="recording_done")
    bill = Bill(place=place)

    assert bill.after_crash() == 0

    daemon = place.start()
    place.finish("talk.m4a")
    wait_for(lambda: status_of(place, "talk.m4a") == "done", what="done in the status")
    result = place.result("talk")

    assert place.words("talk") == talk.words
    assert [one["kept"] for one in result["repairs"]] == ["new"]
    bill.assert_paid(round(result["chunks"][0]["billed_s"] + result["repairs"][0]["billed_s"]))
    assert booked_s(place) == place.standin.seconds_paid
    assert daemon.stop() == 0
