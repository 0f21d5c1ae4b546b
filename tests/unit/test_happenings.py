"""What an operator is told reads well and tells nothing it should not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config.operating import TEMPLATE_FIELDS
from voxtrald.service.messages.happenings import Event, Happening, clock_time, digest_of, message_about
from voxtrald.transcript.model import Span

DONE = Happening(
    event=Event.DONE,
    recording="lv/talk.m4a",
    path="/out/lv/talk.txt",
    outputs=("/out/lv/talk.txt", "/out/lv/talk.json"),
    duration_s=3723.4,
    cost=0.22,
    currency="USD",
)
FAILED = Happening(
    event=Event.FAILED, recording="a.wav", reason="no_audio", error="there is no audio in it", hint="copy it again"
)
PARTIAL = replace(
    DONE,
    event=Event.PARTIAL,
    reason="incomplete",
    error="missing 12:00-16:00",
    hint="listen there",
    missing=(Span(start_ms=720_000, end_ms=960_000),),
)


def test_a_done_recording_is_told_with_length_cost_and_files():
    """The message about a transcript says how long it is, what it cost and where it lies."""
    message = message_about(DONE, template=None)

    assert message.title == "voxtrald: lv/talk.m4a done"
    assert message.body == ("lv/talk.m4a is transcribed (1:02:03, 0.2200 USD).\n/out/lv/talk.txt, /out/lv/talk.json")


def test_a_partial_recording_is_told_with_what_is_missing_and_where_it_is():
    """The message about a transcript with a hole names the minutes and the files, and nothing that was said."""
    message = message_about(PARTIAL, template=None)

    assert message.title == "voxtrald: lv/talk.m4a partial"
    assert message.body.splitlines() == [
        "lv/talk.m4a is transcribed, but not all of it: missing 12:00-16:00.",
        "/out/lv/talk.txt, /out/lv/talk.json",
        "listen there",
    ]


def test_a_digest_of_partial_recordings_names_what_is_missing():
    """Of each the minutes are told, as of a failure its reason."""
    message = digest_of(Event.PARTIAL, [PARTIAL] * 2, count=2)

    assert message.title == "voxtrald: 2 recordings partial"
    assert message.body.splitlines() == ["lv/talk.m4a: missing 12:00-16:00"] * 2


def test_the_story_for_a_script_has_the_holes_in_seconds():
    """A script gets from when to when there is no text; of a whole transcript, nothing."""
    assert (PARTIAL.as_json()["missing"], DONE.as_json()["missing"]) == ([[720.0, 960.0]], [])


def test_an_unknown_price_is_left_out():
    """Where no price is known, none is named."""
    message = message_about(Happening(event=Event.DONE, recording="a.wav", duration_s=5), template=None)

    assert message.body == "a.wav is transcribed (0:05)."


def test_a_failed_recording_is_told_with_reason_and_hint():
    """The message about a failure says why, in a word and in a sentence, and what helps."""
    message = message_about(FAILED, template=None)

    assert message.title == "voxtrald: a.wav failed"
    assert message.body.splitlines() == [
        "a.wav could not be transcribed: no_audio.",
        "there is no audio in it",
        "copy it again",
    ]


@pytest.mark.parametrize(
    ("event", "title"),
    [(Event.HELD, "voxtrald: work for api.example is held"), (Event.RESUMED, "voxtrald: work for api.example goes on")],
)
def test_a_hold_names_the_service(event, title):
    """Messages about all work say which service it is about."""
    happening = Happening(event=event, service="api.example", reason="the key was refused", hint="mend the key")
    message = message_about(happening, template=None)

    assert message.title == title
    assert "mend the key" in message.body
    assert ("the key was refused" in message.body) == (event is Event.HELD)


def test_every_part_that_the_settings_allow_can_be_filled_in():
    """A template with all parts is filled for each event; what does not apply is empty."""
    template = "|".join(f"{{{field}}}" for field in TEMPLATE_FIELDS)

    assert message_about(DONE, template=template).body == (
        "done|lv/talk.m4a|||/out/lv/talk.txt, /out/lv/talk.json|1:02:03|0.2200 USD"
    )
    assert message_about(PARTIAL, template=template).body == (
        "partial|lv/talk.m4a|incomplete|listen there|/out/lv/talk.txt, /out/lv/talk.json|1:02:03|0.2200 USD"
    )
    assert message_about(FAILED, template=template).body == "failed|a.wav|no_audio|copy it again||0:00|"


def test_braces_in_a_name_are_not_parts_of_a_template():
    """A recording's name is put in as it is, also where it looks like a part."""
    happening = Happening(event=Event.DONE, recording="{cost}.wav")

    assert message_about(happening, template="{recording}").body == "{cost}.wav"


def test_a_name_cannot_break_the_line():
    """Control signs in a name arrive escaped."""
    happening = Happening(event=Event.FAILED, recording="a\nb\x1b[2J.wav", reason="empty")
    message = message_about(happening, template=None)

    assert message.title == r"voxtrald: a\nb\x1b[2J.wav failed"
    assert message.body.splitlines()[0].endswith("could not be transcribed: empty.")


def test_a_digest_names_the_first_and_counts_the_rest():
    """Of many recordings, ten are named and all are counted."""
    first = [Happening(event=Event.FAILED, recording=f"{number}.wav", reason="empty") for number in range(12)]
    message = digest_of(Event.FAILED, first, count=17)

    assert message.title == "voxtrald: 17 recordings failed"
    assert message.body.splitlines()[0] == "0.wav: empty"
    assert message.body.splitlines()[9:] == ["9.wav: empty", "and 7 more"]


@given(name=st.text(st.characters(categories=["L", "N", "Cs", "Cc"])))
def test_the_story_for_a_script_is_json_whatever_the_name(name):
    """Every name, also one that is not UTF-8, arrives in the JSON as it was."""
    story = Happening(event=Event.DONE, recording=name).as_json()

    assert json.loads(json.dumps(story))["recording"] == name


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")])
def test_lengths_are_written_as_on_a_clock(seconds, text):
    """Minutes and seconds, and hours where there are some."""
    assert clock_time(seconds) == text
