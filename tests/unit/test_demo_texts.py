"""What the demonstration says."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from voxtrald.config import EngineSettings
from voxtrald.demonstration.choosing import local_model, price_text, require_key, usual_model
from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.play import show_event
from voxtrald.demonstration.telling import Played, cost_text, effort_text, log_text, quality_text, result_text
from voxtrald.demonstration.trouble import DemoFailed


class Said:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def say(self, text):
        """Keep it."""
        self.texts.append(text)

    def count(self, done, total):
        """Keep it."""
        self.texts.append(f"{done}/{total}")


@pytest.fixture
def _with_a_recogniser(monkeypatch) -> None:
    """Make believe that faster-whisper is installed."""
    module = ModuleType("faster_whisper")
    module.__spec__ = ModuleSpec("faster_whisper", None)
    monkeypatch.setitem(sys.modules, "faster_whisper", module)


def played(**changes) -> Played:
    """Give a result with these changes."""
    usual = {
        "outputs": (Path("/demo/outbox/meetings/sample.txt"), Path("/demo/outbox/meetings/sample.m4a")),
        "said": "The bridge will be closed for one week.",
        "transcript": "The bridge will be closed for one week.\n",
        "seconds": 6.4,
        "audio_s": 60.8,
        "cost": 0.0,
        "currency": "USD",
    }
    return Played(**(usual | changes))


def choose(named, tmp_path) -> str:
    """Choose a model for the recogniser on this machine."""
    return local_model(named, environ={"XDG_CACHE_HOME": str(tmp_path)}, patience=Patience(), say=print)


def test_the_result_has_the_transcript_and_every_file():
    """The whole text is shown, paragraph by paragraph, and each file with its path."""
    text = result_text(played(transcript=f"First part.\n\n{'second part ' * 20}\n"))

    assert "\n  First part.\n" in text
    assert text.split().count("second") == 20
    assert max(map(len, text.splitlines())) <= 120
    assert "  /demo/outbox/meetings/sample.txt\n  /demo/outbox/meetings/sample.m4a\n" in text


@pytest.mark.parametrize(
    ("transcript", "text"),
    [
        ("The bridge will be closed for one week.", "Of 8 words none is wrong: word error rate 0.0%."),
        ("The bridge will be closed for a week.", "Of 8 words 1 is wrong: word error rate 12.5%."),
        ("The bridge will be closed.", "Of 8 words 3 are wrong: word error rate 37.5%."),
    ],
)
def test_the_quality_is_told_in_words_and_as_a_rate(transcript, text):
    """The number of wrong words agrees with the verb, and the rate with both."""
    assert quality_text(played(transcript=transcript)) == text


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (0.0, "It took 6 s for 61 s of audio."),
        (None, "It took 6 s for 61 s of audio."),
        (0.0035, "It took 6 s for 61 s of audio and cost 0.0035 USD."),
    ],
)
def test_a_cost_is_told_where_there_is_one(cost, text):
    """A recogniser on this machine costs nothing, and nothing is said about it."""
    assert effort_text(played(cost=cost)) == text


def test_the_price_is_told_before():
    """Before the sample is sent, its price stands there, also where it is not known."""
    assert "about 0.0040 USD" in cost_text(model="m", seconds=60, price_per_minute=0.004)
    assert "not known" in cost_text(model="m", seconds=60, price_per_minute=None)
    assert "USD" in price_text(EngineSettings().model)
    assert "not known" in price_text("a-model-of-tomorrow")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("no such luck", "  no such luck"),
        (
            '{"event": "work_held", "level": "error", "timestamp": "2026-01-01", "reason": "refused"}',
            "  work_held  reason=refused",
        ),
        ('{"event": "program_failed", "error": "Broken()", "exception": "Trace"}', "  program_failed  error=Broken()"),
    ],
)
def test_a_line_of_the_log_can_be_read(line, text):
    """An event is shown with its fields and without a traceback; other lines stay as they are."""
    assert log_text(line) == text


def test_events_are_told_in_plain_words():
    """What happens to the recording is shown; other events are not."""
    show = Said()
    for event in (
        {"event": "recording_begun"},
        {"event": "outage_began"},
        {"event": "recogniser_started"},
        {"event": "recording_done", "chunks": 3, "repairs": 0},
        {"event": "recording_partial", "chunks": 4, "repairs": 2, "missing": "0:12-0:20"},
    ):
        show_event(event, show=show)

    assert [text.split(";")[0] for text in show.texts] == [
        "the daemon has found it and begun",
        "the service does not answer",
        "3/3",
        "6/6",
        "there is speech without text at 0:12-0:20",
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"event": "recording_failed", "error": "no sound", "hint": "speak up"}, "no sound"),
        ({"event": "work_held", "reason": "401", "hint": "mend the key"}, "401"),
    ],
)
def test_what_cannot_go_on_ends_the_demo(event, reason):
    """A failed recording or held work is a failure of the demonstration, with the reason and what to do."""
    with pytest.raises(DemoFailed, match=reason) as failed:
        show_event(event, show=Said())

    assert failed.value.hint == event["hint"]


def test_without_a_recogniser_it_says_what_to_install(monkeypatch, tmp_path):
    """Where faster-whisper is missing, nothing is fetched and the extra is named."""
    monkeypatch.setitem(sys.modules, "faster_whisper", None)

    with pytest.raises(DemoFailed) as failed:
        choose(None, tmp_path)

    assert "pip install 'voxtrald[local]'" in failed.value.hint
    assert "--engine mistral" in failed.value.hint


@pytest.mark.usefixtures("_with_a_recogniser")
def test_a_named_model_is_a_folder_or_a_name(monkeypatch, tmp_path):
    """A folder with weights is given as a whole path; a bare name is left to the recogniser."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.bin").touch()
    monkeypatch.chdir(tmp_path)

    assert choose("mine", tmp_path) == str(tmp_path / "mine")
    assert choose("tiny.en", tmp_path) == "tiny.en"
    assert choose("somebody/whisper", tmp_path) == "somebody/whisper"


@pytest.mark.usefixtures("_with_a_recogniser")
@pytest.mark.parametrize("named", [".", "./nowhere", "/nowhere/at/all"])
def test_a_folder_without_weights_is_refused(named, monkeypatch, tmp_path):
    """What is plainly a path, and leads to no model, is not handed on as a name."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DemoFailed, match=r"no model\.bin"):
        choose(named, tmp_path)


def test_mistral_needs_a_key():
    """The service is asked only where the environment holds a key; the usual model is the configuration's."""
    with pytest.raises(DemoFailed, match="MISTRAL_API_KEY"):
        require_key({})

    require_key({"MISTRAL_API_KEY": "k"})
    assert usual_model() == EngineSettings().model
