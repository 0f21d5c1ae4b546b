"""A text that does not fit its sound is asked again where it does not, and says what stays missing."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from tests.hostile.bench import Delivery, Listener, open_bench
from tests.sound.speech import compose, speak, write_wav
from tests.unit.test_result_schema import SCHEMA
from voxtrald.config import Settings
from voxtrald.dispatch.spending import Cap, Window
from voxtrald.errors import ApiRefused, RecordingError
from voxtrald.pipeline.making import Making
from voxtrald.pipeline.mending import inspect_unheard
from voxtrald.pipeline.settled import Gathered, Settled
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.model import Answer, AnswerSegment, Span

LENGTH_MS = 40_000
WORDS = compose(LENGTH_MS, seed=1, word_pause_ms=(60, 150), sentence_pause_ms=(300, 500))
TEXTS = [word.text for word in WORDS]
LOST = frozenset(word.text for word in WORDS if 14_000 <= word.start_ms < 26_000)


@dataclass
class Forgetful(Listener):
    """An engine that does to its first answers what it is told to.

    Attributes:
        spoils: one for each request, in order: what to make of the true answer; whatever follows is true.
    """

    spoils: list[object] = field(default_factory=list)

    def deliver(self, chunk):
        """Begin a delivery."""
        spoil = self.spoils.pop(0) if self.spoils else (lambda answer: answer)
        return Spoilt(listener=self, chunk=chunk, spoil=spoil)


@dataclass
class Spoilt(Delivery):
    """A delivery whose answer is spoilt."""

    spoil: object

    def attempt(self):
        """Listen, and make something of it."""
        return self.spoil(Delivery.attempt(self))


def forgets(answer):
    """Leave twelve seconds out."""
    kept = tuple(segment for segment in answer.segments if segment.text not in LOST)
    return replace(answer, segments=kept, text=" ".join(segment.text for segment in kept))


def repeats(answer):
    """Say one phrase a hundred times in the place of twelve seconds."""
    lost = [segment for segment in answer.segments if segment.text in LOST]
    loop = replace(lost[0], end_ms=lost[-1].end_ms, text=" ".join(["babab dubad"] * 100))
    kept = [segment for segment in answer.segments if segment.text not in LOST]
    told = tuple(sorted([*kept, loop], key=lambda segment: segment.start_ms))
    return replace(answer, segments=told, text=" ".join(segment.text for segment in told))


def refuses(_):
    """Refuse for good."""
    raise ApiRefused("no", status=422)


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Give a recording of which every word is known."""
    return write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", speak(WORDS, LENGTH_MS))


@pytest.fixture
def carried(tmp_path, talk):
    """Give a function that carries the talk past an engine; it may be called again with the same state."""
    with ExitStack() as closing:
        benches = []

        def carry(*spoils, caps=(), **sections):
            if not benches:
                benches.append(open_bench(tmp_path / "bench", closing, **sections))
            benches[0].tools.budget.use(caps)
            benches[0].listener = Forgetful(spoils=list(spoils))
            name = tmp_path / f"talk-{len(list((tmp_path / 'bench' / 'inbox').iterdir()))}.wav"
            return benches[0].carry(shutil.copyfile(talk, name))

        yield carry


def result(carried_file):
    """Read the JSON result, and hold it against its schema."""
    told = json.loads(carried_file.shelf.documents["json"])
    Draft202012Validator(SCHEMA).validate(told)
    return told


def test_a_text_that_fits_is_left_alone(carried):
    """A whole answer has no findings, is asked once, and all of its speech has text."""
    done = carried()
    told = result(done)

    assert (told["findings"], told["repairs"], done.asked) == ([], [], 1)
    assert told["coverage"]["missing"] == []
    assert told["coverage"]["covered_s"] > 0.95 * told["coverage"]["speech_s"] > 20
    assert told["text"].split() == TEXTS
    assert not done.outcome.is_partial


@pytest.mark.parametrize(("spoil", "kind"), [(forgets, "hole"), (repeats, "loop")])
def test_what_is_wrong_is_asked_again_and_mended(carried, spoil, kind):
    """Twelve seconds without text, or with a loop in their place, are asked once more, paid, and whole."""
    done = carried(spoil)
    told = result(done)
    (repair,) = told["repairs"]

    assert told["text"].split() == TEXTS
    assert [(one["kind"], one["repaired"]) for one in told["findings"]] == [(kind, True)]
    assert (repair["kept"], repair["reused"], repair["kinds"]) == ("new", False, [kind])
    assert repair["cost"] == pytest.approx(0.06 * repair["billed_s"] / 60, abs=1e-5)
    assert told["usage"]["audio_s"] == pytest.approx(LENGTH_MS / 1000 + repair["billed_s"], abs=0.1)
    assert len(told["chunks"]) == 1
    assert done.asked == 2
    assert (told["coverage"]["missing"], done.outcome.missing) == ([], ())


def test_a_repair_is_paid_once(carried):
    """The same recording again reuses the answers of both rounds, and is as whole as the first time."""
    carried(forgets)

    again = carried()
    told = result(again)

    assert again.asked == 0
    assert [one["reused"] for one in told["repairs"]] == [True]
    assert told["text"].split() == TEXTS
    assert told["usage"] == {"audio_s": 0, "cost": 0, "currency": "USD"}


def test_a_hole_that_stays_is_shown(carried):
    """Where the second answer has the same hole, the place is missing in every format, and the outcome says so."""
    done = carried(forgets, forgets)
    told = result(done)
    ((start, end),) = told["coverage"]["missing"]

    assert 13 < start < 14.6
    assert 25.4 < end < 27
    assert [one["repaired"] for one in told["findings"]] == [False]
    assert [one["kept"] for one in told["repairs"]] == ["old"]
    assert b"[missing " in done.shelf.documents["txt"]
    assert b"[missing " in done.shelf.documents["srt"]
    assert [word for word in told["text"].split() if word in LOST] == []
    assert done.outcome.is_partial
    assert done.asked == 2


def test_a_refused_repair_fails_nothing(carried):
    """A second request that is refused for good leaves the hole open; the recording is published with its mark."""
    done = carried(forgets, refuses)
    told = result(done)

    assert told["repairs"] == []
    assert len(told["coverage"]["missing"]) == 1
    assert done.outcome.is_partial


def test_what_cannot_be_made_is_left_out(carried, monkeypatch):
    """Where no audio can be made for a second request, the hole stays open and nothing more is asked."""

    def fail(*_, **__):
        raise RecordingError("unreadable", "no sound")

    monkeypatch.setattr(Making, "encode", fail)
    done = carried(forgets)

    assert len(result(done)["coverage"]["missing"]) == 1
    assert done.asked == 1


def test_a_repair_beyond_a_limit_on_spending_is_left_out(carried):
    """What would pass a limit is not asked again, and the recording does not wait for money."""
    done = carried(forgets, caps=[Cap(key="limits.max_cost_per_day", amount=0.05, window=Window.DAY)])
    told = result(done)

    assert (len(told["coverage"]["missing"]), told["repairs"], done.asked) == (1, [], 1)
    assert done.outcome.is_partial


def test_nothing_is_asked_again_where_nothing_may_be(carried):
    """A share of nothing finds and says, and asks once."""
    done = carried(forgets, inspect={"repair_share": 0.0})
    told = result(done)

    assert [one["kind"] for one in told["findings"]] == ["hole"]
    assert (len(told["coverage"]["missing"]), told["repairs"], done.asked) == (1, [], 1)


def test_an_inspection_can_be_turned_off(carried):
    """Without inspection nobody listens: a hole is not known, and nothing is said of findings."""
    done = carried(forgets, inspect={"enabled": False})
    told = result(done)

    assert {"findings", "repairs"}.isdisjoint(told)
    assert (told["coverage"], done.asked) == (None, 1)
    assert not done.outcome.is_partial


def test_a_recording_that_only_the_engine_has_is_judged_by_its_text():
    """Without the sound a loop is found by the times of the text; nothing is missing, and nobody knows the speech."""
    span = Span(start_ms=0, end_ms=LENGTH_MS)
    loop = AnswerSegment(text="babab dubad " * 100, start_ms=0, end_ms=10_000)
    kept = KeptAnswer(answer=Answer(text="", segments=(loop,)), offset_ms=0, duration_ms=LENGTH_MS, how="address")
    gathered = Gathered(chunks=(Settled(span=span, kept=kept),), duration_ms=LENGTH_MS)
    assignment = SimpleNamespace(settings=Settings().for_recording(PurePosixPath("talk.url")))

    mended = inspect_unheard(assignment, gathered).mended

    assert [str(one.finding.kind) for one in mended.inspection.findings] == ["loop"]
    assert (mended.inspection.coverage, mended.transcript.missing, mended.asked) == (None, (), ())
