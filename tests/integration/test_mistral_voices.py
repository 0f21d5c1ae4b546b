"""Speakers known by clips of their voices: what is sent, and what happens where that goes wrong."""

from __future__ import annotations

import base64
import json
import os

import pytest

from tests.integration.workbench import TEXT, heard
from tests.sound.formats import FORMATS
from tests.sound.speech import compose, speak, write_wav
from tests.standin.faults import Status
from tests.standin.script import TRANSCRIBE
from voxtrald.errors import ApiDenied, ConfigError, StorageUnavailable

BOTH = pytest.mark.parametrize("delivery", ["upload", "direct"])


@pytest.fixture
def clips(tmp_path):
    """Record two voices."""
    made = {}
    for seed, name in enumerate(("Ilze", "Jānis")):
        spoken = speak(compose(4_000, seed=seed), 4_000)
        made[name] = write_wav(tmp_path / f"{seed}.wav", spoken, 16_000)
    return made


def sent(standin):
    """The clips of the last request, by name."""
    texts = standin.calls(TRANSCRIBE)[-1].values("speaker_references")
    return {name: base64.b64decode(clip) for text in texts for name, clip in json.loads(text).items()}


@BOTH
def test_clips_are_sent_and_speakers_are_named(standin, bench, chunk, clips, delivery):
    """Each clip goes out under the speaker's name, and the answer uses the names."""
    made = bench(delivery=delivery, diarize=True, speaker_references=clips)
    underway = made.engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert heard(answer) == TEXT
    assert {segment.speaker for segment in answer.segments} <= {"Ilze", "Jānis"}
    assert answer.dropped == ()
    assert sent(standin) == {name: path.read_bytes() for name, path in clips.items()}


def test_a_clip_is_a_parameter_by_its_content(bench, clips):
    """Another clip makes another request, and the same content at another place or time does not."""
    engine = bench(diarize=True, speaker_references=clips).engine
    before = engine.parameters
    content = clips["Ilze"].read_bytes()

    clips["Ilze"].write_bytes(content + b"\0\0")
    other = engine.parameters
    clips["Ilze"].write_bytes(content)
    os.utime(clips["Ilze"], (1, 1))

    assert other != before
    assert engine.parameters == before
    assert before["speaker_references"][0].startswith("Ilze=")


def test_a_model_that_knows_no_voices_is_sent_none(standin, bench, chunk, clips):
    """The second generation is not sent the clips, and that is told."""
    underway = bench(model="voxtral-mini-2602", diarize=True, speaker_references=clips).engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert answer.dropped == ("speaker_references",)
    assert sent(standin) == {}


@BOTH
def test_refused_clips_are_left_out(standin, bench, chunk, clips, delivery):
    """A service that refuses the clips by name still tells speakers apart, and the downgrade is told."""
    body = {"object": "error", "message": "speaker_references: a clip has 2 s", "param": None, "code": "1"}
    standin.script.add(Status(400, body=body))
    underway = bench(delivery=delivery, diarize=True, speaker_references=clips).engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert answer.dropped == ("speaker_references",)
    assert answer.segments[0].speaker == "speaker_1"


@BOTH
def test_a_refused_question_for_the_language_is_left_out(standin, bench, chunk, delivery):
    """A service that does not know the question is not asked again, and the downgrade is told."""
    body = {"detail": [{"loc": ["body", "return_language"], "msg": "Extra inputs are not permitted", "type": "x"}]}
    standin.script.add(Status(422, body=body))
    engine = bench(delivery=delivery).engine
    first, second = engine.deliver(chunk), engine.deliver(chunk)

    answers = [first.attempt(), second.attempt()]
    first.close()
    second.close()

    assert [answer.dropped for answer in answers] == [("return_language",)] * 2
    assert [request.values("return_language") for request in standin.calls(TRANSCRIBE)] == [("true",), (), ()]


def test_speakers_met_on_the_way_join_those_who_were_configured(standin, bench, chunk, clips):
    """An engine made for one recording sends its clips, too; the one it was made from sends what it always did."""
    both = dict(clips)
    engine = bench(delivery="direct", diarize=True, speaker_references={"Ilze": both["Ilze"]}).engine
    twin = engine.with_voices({"known_0_speaker_1": both["Jānis"]})

    twin.deliver(chunk).attempt()
    by_twin = sent(standin)
    engine.deliver(chunk).attempt()

    assert (engine.capabilities.voice_clips, bench(diarize=True).engine.capabilities.voice_clips) == (7, 8)
    assert by_twin == {"Ilze": both["Ilze"].read_bytes(), "known_0_speaker_1": both["Jānis"].read_bytes()}
    assert list(sent(standin)) == ["Ilze"]


@pytest.mark.parametrize("what", ["speaker_references: a clip is too quiet", "this cannot be heard"])
def test_speakers_met_on_the_way_cost_no_answer(standin, bench, chunk, clips, what):
    """Whatever the service says of a clip that nobody gave us, it is asked without; configured clips go on."""
    engine = bench(delivery="direct", diarize=True, speaker_references={"Ilze": clips["Ilze"]}).engine
    twin = engine.with_voices({"known_0_speaker_1": clips["Jānis"]})
    standin.script.add(Status(400, body={"object": "error", "message": what, "param": None, "code": "1"}))

    answer = twin.deliver(chunk).attempt()
    engine.deliver(chunk).attempt()

    assert heard(answer) == TEXT
    assert answer.dropped == ("speaker_references",)
    assert list(sent(standin)) == ["Ilze"]


def test_a_model_that_knows_no_voices_takes_no_clips(bench):
    """The second generation says so, for the plan to make chunks overlap."""
    assert bench(model="voxtral-mini-2602", diarize=True).engine.capabilities.voice_clips == 0


def test_clips_that_are_none_are_told_before_any_work(bench, clips, tmp_path):
    """A missing file, a folder, an empty file and another format are problems of the configuration, all at once."""
    empty = tmp_path / "empty.wav"
    empty.touch()
    m4a = FORMATS["m4a-faststart"].write(clips["Ilze"], tmp_path / "clip")
    wrong = {"A": tmp_path / "none.wav", "B": tmp_path, "C": empty, "D": m4a}

    with pytest.raises(ConfigError) as caught:
        bench(diarize=True, speaker_references=clips | wrong)

    assert [problem.key for problem in caught.value.problems] == [
        f"engine.speaker_references.{name}" for name in "ABCD"
    ]


def test_a_clip_that_vanished_holds_work(bench, chunk, clips):
    """Nothing is sent without the clip; when it is back, the same delivery goes on."""
    underway = bench(delivery="direct", diarize=True, speaker_references=clips).engine.deliver(chunk)
    content = clips["Ilze"].read_bytes()
    clips["Ilze"].unlink()

    with pytest.raises(StorageUnavailable, match=r"0\.wav"):
        underway.attempt()
    clips["Ilze"].write_bytes(content)

    assert heard(underway.attempt()) == TEXT


def test_no_clip_is_in_an_error(standin, bench, chunk, clips):
    """A service that repeats the request in its complaint does not put a voice into our message."""
    clip = base64.b64encode(clips["Ilze"].read_bytes()).decode()
    standin.script.add(Status(403, body={"detail": f"no {clip}"}))

    with pytest.raises(ApiDenied) as caught:
        bench(delivery="direct", diarize=True, speaker_references=clips).engine.deliver(chunk).attempt()

    assert clip[:40] not in caught.value.message
