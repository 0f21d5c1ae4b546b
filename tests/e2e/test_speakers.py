"""Speakers keep their names through all pieces of a recording: by clips of their voices, or over the overlaps."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import pytest

from tests.e2e.crashing import Bill, at_step, chunks_s, died
from tests.sound.formats import FORMATS
from tests.sound.speech import compose, give_voices, speak, write_wav
from tests.standin.faults import Status
from tests.standin.script import TRANSCRIBE

KNOWS_VOICES = {"model": "voxtral-mini-transcribe-3-0", "diarize": True}
KNOWS_NONE = {"model": "voxtral-mini-2602", "diarize": True}
SHORT = {"max_minutes": 0.4, "first_minutes": 0.4, "search_s": 3, "overlap_s": 1}
LONG = {"max_minutes": 0.6, "first_minutes": 0.6, "search_s": 3, "overlap_s": 1}


def record(folder, *, seconds, turns, kind):
    """Record a talk in which each turn is a sentence of a speaker; give the file and who says which word."""
    words = compose(seconds * 1000, seed=5, sentence_words=(3, 4), sentence_pause_ms=(400, 600))
    words = give_voices(words, turns)
    wav = write_wav(folder / "talk.source", speak(words, seconds * 1000))
    return FORMATS[kind].write(wav, folder / "talk"), {word.text: word.voice for word in words}


@pytest.fixture(scope="session")
def meeting(tmp_path_factory):
    """Record a meeting of three people, and of a fourth who comes late; each speaks for seconds at a time."""
    at_first, later = [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 1], [3, 3, 3, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    turns = [*at_first, *later * 8]
    return record(tmp_path_factory.mktemp("meeting"), seconds=100, turns=turns, kind="m4a-moov-last")


@pytest.fixture(scope="session")
def interview(tmp_path_factory):
    """Record an interview of two people; each says a sentence at a time."""
    return record(tmp_path_factory.mktemp("interview"), seconds=150, turns=[0, 1], kind="mp3-lean")


def who_said_what(result, truth):
    """Pairs of label and voice, as many as occur."""
    segments = result["segments"]
    return {(segment["speaker"], truth[word]) for segment in segments for word in segment["text"].split()}


def clips_sent(standin):
    """The names under which each transcription was sent clips."""
    sent = [json.loads((call.values("speaker_references") or ("{}",))[0]) for call in standin.calls(TRANSCRIBE)]
    return [sorted(clips) for clips in sent], sent


def is_one_to_one(pairs):
    """Whether each label is one voice, and each voice has one label."""
    return len({label for label, _ in pairs}) == len({voice for _, voice in pairs}) == len(pairs)


def test_clips_of_the_first_chunks_name_the_speakers_of_the_others(place, meeting):
    """A model that compares voices is sent clips of those who spoke in the first two chunks, and the names stay."""
    path, truth = meeting
    daemon = place.start({"engine": {**KNOWS_VOICES, "delivery": "direct"}, "chunks": SHORT})
    place.drop(path)
    daemon.wait_event("recording_done")
    result = place.result("talk")
    names, sent = clips_sent(place.standin)

    assert len(result["chunks"]) >= 5
    assert [len(one) for one in names] == [0, 3, *[4] * (len(names) - 2)]
    assert names[1] == ["known_0_speaker_1", "known_0_speaker_2", "known_0_speaker_3"]
    assert all(len(base64.b64decode(clip)) < 100_000 for clips in sent for clip in clips.values())
    assert sorted(who_said_what(result, truth)) == [(f"speaker_{voice + 1}", voice) for voice in range(4)]
    assert [join["sure"] for join in result["speakers"]["joins"]] == [False, *[True] * (len(names) - 2)]
    assert (place.outbox / "talk.txt").read_text().count("speaker_4?: ") == 1
    place.assert_clean()


def test_overlaps_join_the_speakers_where_a_model_knows_no_voices(place, interview):
    """Another model is sent no clips: chunks overlap at every cut, and who speaks there keeps the name."""
    path, truth = interview
    daemon = place.start({"engine": KNOWS_NONE, "chunks": LONG})
    place.drop(path)
    daemon.wait_event("recording_done")
    result = place.result("talk")
    chunks = result["chunks"]

    assert len(chunks) >= 5
    assert all(after["start"] < before["end"] for before, after in pairwise(chunks))
    assert result["text"].split() == list(truth)
    assert sorted(who_said_what(result, truth)) == [("speaker_1", 0), ("speaker_2", 1)]
    assert all(join["sure"] for join in result["speakers"]["joins"])
    assert not any(clips_sent(place.standin)[0])
    place.assert_clean()


def test_after_a_crash_the_same_clips_are_sent_and_nothing_is_paid_twice(place, meeting):
    """The next start finds the clips again in the kept answer: each chunk is paid once, and a second copy is free."""
    path, truth = meeting
    place.configure({"engine": KNOWS_VOICES, "chunks": SHORT, "limits": {"requests": 1}})
    bill = Bill(place=place)
    dying = place.start(command=at_step("kill", "answer_kept", 3), wait=False)
    place.drop(path)
    died(dying, after="recording_done")
    bill.after_crash()
    place.start()
    place.finish(path.name)

    place.drop(path, "again.m4a")
    place.finish("again.m4a")

    bill.assert_paid(chunks_s(place))
    assert all(chunk["reused"] for chunk in place.result("again")["chunks"])
    assert is_one_to_one(who_said_what(place.result("talk"), truth))


def test_a_service_that_wants_no_clips_costs_names_and_no_text(place, meeting):
    """Clips that are refused are left out at once: the text is whole, and the joints are marked as unsure."""
    path, truth = meeting
    place.standin.script.add(
        Status(400, body={"message": "something about audio", "code": "1"}),
        times=99,
        when=lambda call: call.form.get("speaker_references") is not None,
    )
    place.start({"engine": KNOWS_VOICES, "chunks": SHORT})
    place.drop(path)
    place.finish(path.name)
    result = place.result("talk")

    assert result["text"].split() == list(truth)
    assert result["engine"]["downgrades"] == ["speaker_references"]
    assert not any(join["sure"] for join in result["speakers"]["joins"])
    assert (place.outbox / "talk.txt").read_text().count("?: ") >= len(result["speakers"]["joins"])
