"""Where a recording goes in whose text something is missing although every part was answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest

from voxtrald.config import OutputSettings, Settings
from voxtrald.errors import Reason, RecordingError
from voxtrald.pipeline.assembling import error_report, incomplete
from voxtrald.pipeline.recording import Incomplete, publish, refuse_incomplete
from voxtrald.pipeline.settled import Gathered
from voxtrald.transcript.document import (
    ChunkFacts,
    Document,
    EngineFacts,
    Inspection,
    Repair,
    SourceFacts,
    Usage,
)
from voxtrald.transcript.inspecting import Kind
from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.rendering.clocks import spans_text

HOLE = Span(start_ms=720_000, end_ms=960_000)
ALL = Span(start_ms=0, end_ms=1_000_000)
GATHERED = Gathered(chunks=(), duration_ms=ALL.end_ms)
TO_OUTBOX, TO_ERROR = OutputSettings(), OutputSettings(partial="error")


def document(*missing, text="Before.", lost_end=None):
    """Make the result of a recording in one part that was answered, with these spans missing."""
    segments = (Segment(start_ms=0, end_ms=1000, text=text),) if text else ()
    source = SourceFacts(
        name="talk.m4a",
        sha256="ab",
        size_bytes=1,
        duration_ms=ALL.end_ms,
        container="mov",
        codec="aac",
        lost_end=lost_end,
    )
    chunk = ChunkFacts(span=ALL, how="whole", request_id=None, billed_s=1.0, attempts=1, reused=False)
    transcript = Transcript(text=text, language="en", segments=segments, duration_ms=ALL.end_ms, missing=missing)
    return Document(
        version="1",
        source=source,
        engine=EngineFacts(kind="mistral", model="m"),
        transcript=transcript,
        chunks=(chunk,),
        usage=Usage(audio_s=1.0, cost=None),
    )


class Outbox:
    """A destination that remembers what it was given."""

    def publish(self, job, documents, *, settings, missing=""):
        """Take the set."""
        self.took = (job, sorted(documents), settings, missing)
        return ("talk.txt",)


def assignment(destination, **output):
    """Make an assignment as far as publishing needs it."""
    settings = Settings(output=OutputSettings(**output)).for_recording(PurePosixPath("talk.m4a"))
    return SimpleNamespace(job="job", settings=settings, destination=destination)


@pytest.mark.parametrize("output", [TO_OUTBOX, TO_ERROR])
def test_a_complete_text_goes_to_the_outbox_wherever_holes_go(output):
    """Nothing is refused where nothing is missing."""
    assert refuse_incomplete(document(), GATHERED, output=output) is None


def test_a_hole_is_no_failure_unless_the_settings_say_so():
    """By default a text with a hole is published, with the place marked."""
    assert refuse_incomplete(document(HOLE), GATHERED, output=TO_OUTBOX) is None


def test_a_hole_is_a_failure_where_the_settings_say_so():
    """It names the reason and the place, and carries what there is for the file beside the report."""
    holed = document(HOLE)
    with pytest.raises(Incomplete) as raised:
        refuse_incomplete(holed, GATHERED, output=TO_ERROR)

    assert (raised.value.reason, raised.value.document) == (Reason.INCOMPLETE, holed)
    assert raised.value.message == "there is speech without text at 12:00\N{EN DASH}16:00"
    assert ".partial.txt" in raised.value.hint
    assert "output.partial: outbox" in raised.value.hint


def test_where_there_is_no_text_at_all_none_is_promised():
    """The hint does not name a file that will not be there."""
    with pytest.raises(Incomplete) as raised:
        refuse_incomplete(document(ALL, text=""), GATHERED, output=TO_ERROR)

    assert ".partial.txt" not in raised.value.hint


@pytest.mark.parametrize("output", [TO_OUTBOX, TO_ERROR])
@pytest.mark.parametrize(
    ("gathered", "lost_end", "reason"),
    [
        (
            Gathered(chunks=(), duration_ms=1, error=RecordingError(Reason.GAVE_UP, "no answer")),
            None,
            Reason.GAVE_UP,
        ),
        (GATHERED, Span(start_ms=1_000_000, end_ms=2_000_000), Reason.TRUNCATED),
    ],
)
def test_other_reasons_come_first_and_hold_wherever_holes_go(output, gathered, lost_end, reason):
    """A part without an answer or a lost end is a failure with its own reason."""
    with pytest.raises(Incomplete) as raised:
        refuse_incomplete(document(HOLE, lost_end=lost_end), gathered, output=output)

    assert raised.value.reason is reason


def test_the_report_lists_every_place():
    """Where the sentence names only the first, the list in the report goes on."""
    spans = [Span(start_ms=minute * 60_000, end_ms=minute * 60_000 + 9_000) for minute in range(13)]
    engine = SimpleNamespace(capabilities=SimpleNamespace(currency="USD"))
    job = SimpleNamespace(path=PurePosixPath("talk.m4a"), engine=engine)
    holed = document(*spans)
    report = error_report(job, incomplete(holed), document=holed, now=datetime(2026, 11, 23, tzinfo=UTC))

    assert report.count("\n  - 12:00\N{EN DASH}12:09\n") == 1
    assert "1 of 1 parts are transcribed and kept" in report


@pytest.mark.parametrize(
    ("kept", "came"),
    [("new", "the new text was taken"), ("old", "the first text was better"), ("none", "no text either")],
)
def test_the_report_says_what_was_asked_again(kept, came):
    """Who reads of a hole sees that it was tried, and what came of it."""
    repair = Repair(span=HOLE, kinds=(Kind.HOLE,), kept=kept)
    engine = SimpleNamespace(capabilities=SimpleNamespace(currency="USD"))
    job = SimpleNamespace(path=PurePosixPath("talk.m4a"), engine=engine)
    holed = replace(document(HOLE), inspection=Inspection(repairs=(repair,)))
    report = error_report(job, incomplete(holed), document=holed, now=datetime(2026, 11, 23, tzinfo=UTC))

    assert f"\nWhat was tried\n  - 12:00\N{EN DASH}16:00: asked again, {came}\n" in report


@pytest.mark.parametrize(("missing", "said"), [((), ""), ((HOLE,), "12:00\N{EN DASH}16:00")])
def test_the_destination_and_the_outcome_are_told_what_is_missing(missing, said):
    """The set is published with what is missing in it, in the formats that were asked for."""
    outbox = Outbox()
    job = assignment(outbox, formats=("txt", "srt"))
    done = publish(job, document(*missing))

    assert outbox.took == ("job", ["srt", "txt"], job.settings, said)
    assert (done.outputs, done.missing, done.is_partial) == (("talk.txt",), missing, bool(missing))
    assert (done.tally.chunks, done.tally.repairs) == (1, 0)


def test_of_many_holes_the_first_are_named_and_all_are_counted():
    """Ten stand with their times, rounded outwards; the rest is a number."""
    spans = [Span(start_ms=minute * 60_000 + 900, end_ms=minute * 60_000 + 1_100) for minute in range(13)]
    named = spans_text(spans)

    assert named.startswith("0:00\N{EN DASH}0:02, 1:00\N{EN DASH}1:02, ")
    assert named.endswith("9:00\N{EN DASH}9:02 and 3 more")
    assert spans_text(()) == ""
