"""Paid answers on a real file system: kept whole, found again, never lost and never trusted when damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storing import Crash, crash_at, read_tree, small_disk
from voxtrald.errors import StorageUnavailable
from voxtrald.steps import Step
from voxtrald.store.results import KeptAnswer, KeptPlan, ResultKey, Results
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.model import Answer, AnswerSegment, Span

SHA256 = "ab" * 32
SPEECH = SpeechMap(
    duration_ms=9_000,
    maybe=(Span(start_ms=0, end_ms=4_000), Span(start_ms=6_000, end_ms=9_000)),
    surely=(Span(start_ms=500, end_ms=3_500),),
)
LIMITS = {"max_ms": 840_000, "first_ms": 120_000}


def make_key(**changes):
    """Make a key; changes replace its parts."""
    parts = {
        "audio_sha256": SHA256,
        "span": Span(start_ms=0, end_ms=60_000),
        "parameters": MappingProxyType({"model": "voxtral", "context_bias": ("Rīga",), "diarize": False}),
    }
    return ResultKey(**parts | changes)


def make_kept(text="Sveiki, Rīga!"):
    """Make an answer with every field filled."""
    answer = Answer(
        text=text,
        language="lv",
        segments=(AnswerSegment(text=text, start_ms=10, end_ms=900, speaker="A"), AnswerSegment(text="x")),
        billed_s=60.0,
        model="voxtral",
        request_id="r-1",
        dropped=("context_bias",),
    )
    return KeptAnswer(answer=answer, offset_ms=12, duration_ms=60_000, how="copied")


@pytest.fixture
def results(tmp_path):
    """Make an empty store."""
    return Results(tmp_path / "results")


def answer_path(tmp_path):
    """Give the path of the only answer that is kept."""
    return next((tmp_path / "results").glob("ab/*/answer-*.json"))


def test_a_kept_answer_is_found_as_it_was(results):
    """Every field comes back, also in another process that shares the folder."""
    results.keep(make_key(), make_kept())

    assert results.find(make_key()) == make_kept()


@pytest.mark.parametrize(
    "changes",
    [
        {"audio_sha256": "ab" + "cd" * 31},
        {"span": Span(start_ms=0, end_ms=60_001)},
        {"parameters": {"model": "voxtral", "context_bias": ("Rīga",), "diarize": True}},
    ],
)
def test_another_key_finds_nothing(results, changes):
    """An answer belongs to its content, span and parameters, all of them."""
    results.keep(make_key(), make_kept())

    assert results.find(make_key(**changes)) is None


def test_the_order_of_parameters_does_not_matter():
    """The same parameters in another order, and lists in place of tuples, are the same key."""
    reordered = {"diarize": False, "context_bias": ["Rīga"], "model": "voxtral"}

    assert make_key(parameters=reordered).digest == make_key().digest


@given(text=st.text(st.characters(codec=None)), billed_s=st.none() | st.floats(0, 1e6))
def test_any_text_can_be_kept(tmp_path_factory, text, billed_s):
    """Whatever an engine says comes back; only half surrogates, which no file can hold, are replaced."""
    results = Results(tmp_path_factory.mktemp("results"))
    answer = Answer(text=text, billed_s=billed_s)
    results.keep(make_key(), KeptAnswer(answer=answer, offset_ms=0, duration_ms=1, how="whole"))

    found = results.find(make_key())

    assert found.answer.text == text.encode("utf-8", "replace").decode()
    assert found.answer.billed_s == billed_s


def test_only_the_owner_can_read_what_was_said(results, tmp_path):
    """Files and folders of the store are closed to everybody else."""
    results.keep(make_key(), make_kept())

    path = answer_path(tmp_path)
    modes = [place.stat().st_mode & 0o777 for place in (path, *path.parents[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o700]


def test_a_kept_answer_explains_itself(results, tmp_path):
    """A person can read from the file what was asked and what was said."""
    results.keep(make_key(), make_kept())

    content = answer_path(tmp_path).read_text("utf-8")
    assert json.loads(content)["parameters"] == {
        "model": "voxtral",
        "context_bias": ["Rīga"],
        "diarize": False,
    }
    assert "Sveiki, Rīga!" in content


@pytest.mark.parametrize("damage", [b"", b"\0" * 200, b'{"format": 1}', b"[]", b'{"format": 1, "kept": "\xff"}'])
def test_a_damaged_answer_is_set_aside(results, tmp_path, damage):
    """A file that is no answer counts as not found, stays for inspection, and can be replaced."""
    results.keep(make_key(), make_kept())
    path = answer_path(tmp_path)
    path.write_bytes(damage)

    found = results.find(make_key())
    results.keep(make_key(), make_kept("again"))

    assert found is None
    assert path.with_name(f"{path.name}.damaged").read_bytes() == damage
    assert results.find(make_key()) == make_kept("again")


def test_an_answer_under_a_wrong_name_is_not_taken(results, tmp_path):
    """The whole key inside the file counts, not the part of it that the name shows."""
    results.keep(make_key(), make_kept())
    path = answer_path(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"key": "0" * 64}), "utf-8")

    assert results.find(make_key()) is None


def test_a_store_that_cannot_be_read_is_not_an_empty_one(results, tmp_path):
    """Where the store refuses, nothing is reported as missing, because that would be paid again."""
    results.keep(make_key(), make_kept())
    path = answer_path(tmp_path)
    path.unlink()
    path.mkdir()

    with pytest.raises(StorageUnavailable):
        results.find(make_key())


@pytest.mark.parametrize(("place", "is_kept"), [(0, False), (1, True)])
def test_an_answer_is_kept_whole_or_not_at_all(results, tmp_path, place, is_kept):
    """A crash before the rename leaves nothing, a crash after it leaves the answer."""
    with crash_at(place) as seen, pytest.raises(Crash):
        results.keep(make_key(), make_kept())

    assert seen == [Step.ANSWER_WRITTEN, Step.ANSWER_KEPT][: place + 1]
    assert (results.find(make_key()) is not None) == is_kept
    assert len(read_tree(tmp_path / "results")) == int(is_kept)


def test_a_plan_is_found_under_the_limits_it_was_made_for(results):
    """The same limits give the same cuts again; other limits give none."""
    plan = KeptPlan(
        spans=(Span(start_ms=0, end_ms=119_000), Span(start_ms=119_000, end_ms=200_000)), duration_ms=200_000
    )
    with crash_at(None) as seen:
        results.keep_plan(SHA256, LIMITS, plan)

    assert results.find_plan(SHA256, dict(reversed(LIMITS.items()))) == plan
    assert results.find_plan(SHA256, LIMITS | {"max_ms": 1}) is None
    assert seen == [Step.PLAN_KEPT]


def test_a_plan_with_silences_left_out_is_found_with_them(results):
    """What was left out stands in the plan; a plan of an earlier version left nothing out."""
    plan = KeptPlan(
        spans=(Span(start_ms=0, end_ms=5_000),), duration_ms=200_000, skipped=(Span(start_ms=5_000, end_ms=200_000),)
    )
    results.keep_plan(SHA256, LIMITS, plan)
    (path,) = results._folder(SHA256).glob("plan-*.json")
    whole = results.find_plan(SHA256, LIMITS)
    file = json.loads(path.read_text("utf-8"))
    del file["plan"]["skipped"]
    path.write_text(json.dumps(file), "utf-8")

    assert whole == plan
    assert results.find_plan(SHA256, LIMITS) == replace(plan, skipped=())


@pytest.mark.parametrize("durable", [False, True])
def test_a_map_of_speech_is_found_for_the_track_it_is_of(results, durable):
    """Every span comes back; another track has no map yet, and neither has another recording."""
    results.keep_speech(SHA256, {"track": 2}, SPEECH, durable=durable)

    assert results.find_speech(SHA256, {"track": 2}) == SPEECH
    assert results.find_speech(SHA256, {}) is None
    assert results.find_speech("cd" * 32, {"track": 2}) is None


def test_a_map_of_another_making_is_not_found(results, monkeypatch):
    """A newer program that finds speech in another way listens anew, and takes the place of the old map."""
    results.keep_speech(SHA256, {}, SPEECH)
    monkeypatch.setattr("voxtrald.store.results._SPEECH_FORMAT", 2)
    found = results.find_speech(SHA256, {})
    results.keep_speech(SHA256, {}, SPEECH)

    assert found is None
    assert results.find_speech(SHA256, {}) == SPEECH


def test_a_map_that_a_power_cut_emptied_is_made_anew(results):
    """What was not durable may be an empty file afterwards; that is no map, and no reason to stop."""
    results.keep_speech(SHA256, {}, SPEECH)
    (path,) = results._folder(SHA256).glob("speech-*.json")
    path.write_bytes(b"")

    assert results.find_speech(SHA256, {}) is None


def test_nothing_may_be_sent_without_room_for_its_answer(tmp_path):
    """A disk with less than 16 MiB free is refused before anything is paid."""
    small = small_disk(tmp_path / "disk", size_kb=8 << 10)
    with small as disk, pytest.raises(StorageUnavailable) as caught:
        Results(disk / "results").check_room()

    assert "no space" in caught.value.message
    Results(tmp_path / "results").check_room()


def test_a_full_disk_leaves_no_half_answer(tmp_path):
    """An answer that does not fit is refused, nothing of it stays, and it can be kept once there is room."""
    with small_disk(tmp_path / "disk", size_kb=256) as disk:
        results, ballast = Results(disk / "results"), disk / "ballast"
        ballast.write_bytes(bytes(236 << 10))
        with pytest.raises(StorageUnavailable):
            results.keep(make_key(), make_kept("x" * (64 << 10)))
        while_full = set(read_tree(disk))

        ballast.unlink()
        results.keep(make_key(), make_kept("x" * (64 << 10)))

        assert while_full == {"ballast"}
        assert results.find(make_key()) is not None
