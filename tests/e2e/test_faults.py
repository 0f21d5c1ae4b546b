"""What goes wrong at the service costs time, never a word and never a second payment."""

from __future__ import annotations

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, files_in, wait_for
from tests.standin.faults import CutJson, EmptyObject, Html, Reset, ResetAfterBytes, ShortBody, SlowBody, Status
from tests.standin.script import SIGN, TRANSCRIBE, UPLOAD

PASSING = [
    *(Status(status) for status in (404, 408, 409, 425, 500, 502, 503, 504)),
    Status(429, retry_after=0.1),
    Reset("head"),
    Reset("body"),
    Html(),
    EmptyObject(),
    CutJson(),
    ShortBody(),
    ResetAfterBytes(),
    SlowBody(0.3),
]
PAID_AND_LOST = (CutJson, ShortBody, ResetAfterBytes)
MEMOS = 30


def make_memos(recordings, count=MEMOS):
    """Make short recordings, each with words of its own."""
    return {f"memo-{seed}": recordings.make("wav", 1.2, seed=seed) for seed in range(1, count + 1)}


def drop_memos(place, memos):
    """Drop them all and wait until all are done."""
    for name, memo in memos.items():
        place.drop(memo.path, f"{name}.wav")
    place.finish(*(f"{name}.wav" for name in memos), timeout_s=60)


def wrong_memos(place, memos):
    """Give the memos whose transcript is not what was said."""
    return {name: place.words(name) for name, memo in memos.items() if place.words(name) != memo.words}


@pytest.mark.parametrize(
    ("delivery", "call"),
    [("upload", UPLOAD), ("upload", SIGN), ("upload", TRANSCRIBE), ("direct", TRANSCRIBE)],
    ids=["upload", "sign", "transcribe", "direct"],
)
def test_every_passing_fault_costs_only_time(place, recordings, delivery, call):
    """Each fault that passes, met once between good answers, leaves every transcript complete and paid once."""
    memos = make_memos(recordings)
    for number, fault in enumerate(PASSING):
        place.standin.script.add(fault, match=call, nth=2 * number + 1)
    daemon = place.start({"engine": {"delivery": delivery}})
    drop_memos(place, memos)

    assert daemon.stop() == 0
    assert wrong_memos(place, memos) == {}
    lost = sum(isinstance(fault, PAID_AND_LOST) for fault in PASSING) if call == TRANSCRIBE else 0
    assert place.standin.paid.total() == len(memos) + lost
    assert len(daemon.events("attempt_failed")) == len(PASSING) - 1
    assert daemon.events("recording_failed") == []
    if call == UPLOAD:  # one whose answer got lost left a copy nobody knows; the next start comes for it
        place.start().wait_event("leftovers_cleared")
    place.assert_clean()


def test_uploads_that_no_transcription_finds_are_tried_until_found(place, recordings):
    """Eight pieces of which three meet a 404 right after their upload end complete, each paid once."""
    talk = recordings.make("mp3-cbr", 60, seed=2)
    refusal = Status(404, body={"detail": "Not Found"})
    for nth in (2, 4, 6):
        place.standin.script.add(refusal, nth=nth)
    daemon = place.start({"chunks": SMALL_CHUNKS})
    place.drop(talk.path, "talk.mp3")
    place.finish("talk.mp3")

    assert daemon.stop() == 0
    assert place.words("talk") == talk.words
    assert len(place.result("talk")["chunks"]) >= 8
    assert [request.status for request in place.standin.calls(TRANSCRIBE)].count(404) == 3
    assert set(place.standin.paid.values()) == {1}
    assert place.result("talk")["usage"]["audio_s"] == place.standin.seconds_paid
    place.assert_clean()


def test_an_upload_that_never_becomes_visible_is_uploaded_anew(place, recordings):
    """A copy that the service lost is given up after a few 404s and sent again, and both are deleted."""
    memo = recordings.make()
    place.standin.script.forget_uploads(1)
    place.start()
    place.drop(memo.path, "memo.wav")
    place.finish("memo.wav")

    assert place.words("memo") == memo.words
    assert len(place.standin.calls(UPLOAD)) == 2
    assert place.standin.paid.total() == 1
    place.assert_clean()


@pytest.mark.parametrize("delivery", ["upload", "direct"])
def test_the_wait_the_server_asks_for_is_kept(place, recordings, delivery):
    """After a 429 with Retry-After the next attempt comes no earlier than that, although our own wait is shorter."""
    place.standin.script.add(Status(429, retry_after=1.5))
    place.start({"engine": {"delivery": delivery}})
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    refused, answered = place.standin.calls(TRANSCRIBE)
    assert (refused.status, answered.status) == (429, 200)
    assert answered.started_s - refused.ended_s >= 1.5


def test_a_service_that_takes_fewer_requests_costs_no_recording(place, recordings):
    """Where the service refuses what is one too many, every recording waits its turn, however few its attempts are."""
    names = [f"memo-{number}.wav" for number in range(10)]
    place.standin.concurrency_cap = 1
    place.standin.latency = (0.2, 0.0)
    place.start({"retry": {"attempts": 2, "first_wait_s": 0.05, "max_wait_s": 0.4}})
    for number, name in enumerate(names):
        place.drop(recordings.make(seed=number).path, name)
    for name in names:
        place.finish(name)

    assert any(call.status == 429 for call in place.standin.calls(TRANSCRIBE))
    assert [place.words(f"memo-{number}") for number in range(10)] == [
        recordings.make(seed=number).words for number in range(10)
    ]


def test_a_refused_option_is_left_out_and_said_so(place, recordings):
    """An optional parameter the service refuses by name is dropped; the transcript comes and tells of it."""
    detail = [{"loc": ["body", "diarize"], "msg": "not supported", "type": "value_error"}]
    place.standin.script.add(
        Status(422, body={"detail": detail}), times=None, when=lambda call: call.form.get("diarize")
    )
    place.start({"engine": {"diarize": True}})
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert place.words("memo") == recordings.make().words
    assert [text for text in place.result("memo")["engine"]["downgrades"] if "diarize" in text] != []


def poison(place, talk):
    """Let the service break on one piece of a recording for ever; give the word that is in it."""
    word = talk.words[len(talk.words) // 2]
    place.standin.script.add(
        Status(500), times=None, when=lambda call: word in [placed.text for placed in call.words()]
    )
    return word


GIVES_UP = {"chunks": SMALL_CHUNKS, "retry": {"attempts": 3, "first_wait_s": 0.05, "max_wait_s": 0.1}}


@pytest.fixture
def failed(place, recordings):
    """A recording that was given up because of one piece, and the daemon that did it."""
    talk = recordings.make("wav", 40, seed=2)
    word = poison(place, talk)
    daemon = place.start(GIVES_UP)
    place.drop(talk.path, "sub/talk.wav")
    # Something else succeeds meanwhile; where nothing does, the service is blamed and not the recording.
    memos = make_memos(recordings, 12)
    drop_memos_despite(place, memos)
    daemon.wait_event("recording_failed")  # said after the files are there
    return daemon, talk, word


def drop_memos_despite(place, memos):
    """Drop memos one after the other until a recording has failed."""
    names = iter(memos.items())

    def look():
        if (place.error / "sub" / "talk.wav").exists():
            return True
        if (following := next(names, None)) is not None:
            place.drop(following[1].path, f"{following[0]}.wav")
            wait_for((place.outbox / f"{following[0]}.wav").exists, what=f"{following[0]} done")
        return False

    wait_for(look, what="the quarantine of the talk")


def test_a_recording_with_a_hopeless_piece_is_set_aside_with_what_there_is(place, failed):
    """The error folder gets the recording, a report, and the text with its hole marked; nothing goes to the outbox."""
    daemon, talk, word = failed

    names = [name for name in files_in(place.error) if name.startswith("sub/")]
    assert names == ["sub/talk.wav", "sub/talk.wav.error.txt", "sub/talk.wav.partial.txt"]
    partial = (place.error / "sub/talk.wav.partial.txt").read_text()
    assert "[missing " in partial
    assert word not in partial.split()
    assert set(partial.split()) & set(talk.words) != set()
    assert "gave_up" in (place.error / "sub/talk.wav.error.txt").read_text()
    assert [event["reason"] for event in daemon.events("recording_failed")] == ["gave_up"]
    assert files_in(place.outbox / "sub") == []
    assert files_in(place.inbox) == []


@pytest.mark.parametrize("way", ["by hand", "by name", "all"])
def test_moving_a_failed_recording_back_pays_only_for_what_is_missing(place, failed, way):
    """Dragged back or retried by command, a recording asks only for its missing piece, and its report goes."""
    daemon, talk, _ = failed
    place.standin.script.clear()
    pieces_paid = len(place.standin.paid)
    if way == "by hand":
        (place.error / "sub/talk.wav").rename(place.inbox / "sub/talk.wav")
    else:
        assert place.run("retry", "--all" if way == "all" else "talk.wav").returncode == 0
    wait_for((place.outbox / "sub/talk.wav").exists, what="the talk in the outbox")

    assert daemon.stop() == 0
    assert place.words("sub/talk") == talk.words
    assert [chunk["reused"] for chunk in place.result("sub/talk")["chunks"]].count(False) == 1
    assert len(place.standin.paid) == pieces_paid + 1
    assert set(place.standin.paid.values()) == {1}
    place.assert_clean()


def test_a_recording_that_breaks_the_service_does_not_hold_up_the_others(place, recordings):
    """A recording on which the service always fails neither stops others nor passes for an outage for ever."""
    bad, good = recordings.make(seed=1), recordings.make(seed=2)
    place.standin.script.add(
        Status(500), times=None, when=lambda call: bad.words[0] in [placed.text for placed in call.words()]
    )
    daemon = place.start({"retry": {"attempts": 2, "first_wait_s": 0.05, "max_wait_s": 0.1}})
    place.drop(bad.path, "bad.wav")
    daemon.wait_event("outage_began")
    place.drop(good.path, "good.wav")
    wait_for((place.outbox / "good.wav").exists, what="good.wav done")
    place.wait_for_error("bad.wav")

    assert place.words("good") == good.words
    assert daemon.stop() == 0
