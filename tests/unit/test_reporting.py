"""What the error folder says."""

from __future__ import annotations

from voxtrald.transcript.model import Segment, Span, Transcript
from voxtrald.transcript.reporting import ErrorReport, render_error_report, render_partial


def test_a_report_says_what_happened_what_was_tried_and_what_to_do():
    """Somebody who finds the report next to their file knows how to go on, and what it cost so far."""
    report = ErrorReport(
        recording="talk.m4a",
        reason="gave_up",
        message="The service did not answer.",
        hint="Wait until the network is back.",
        tried=("Asked 8 times for part 3.",),
        chunks_done=2,
        chunks_total=3,
        paid_s=1_680.0,
        cost=0.084,
        when="2026-11-23 17:51",
    )

    expected = """\
This recording could not be transcribed.

Recording: talk.m4a
Time:      2026-11-23 17:51
Reason:    gave_up

What happened
  - The service did not answer.

What was tried
  - Asked 8 times for part 3.

What is kept
  - 2 of 3 parts are transcribed and kept.
  - 28:00 of audio was paid for (0.08 USD).

What to do
  - Wait until the network is back.
  - To try again, move the file back to the inbox: only what is missing is asked and paid for again.
"""
    assert expected == render_error_report(report)


def test_a_report_without_answers_promises_nothing():
    """Where nothing was tried, paid or kept, the report does not speak of it."""
    report = ErrorReport(recording="a.mp3", reason="empty", message="The file is empty.", when="now")

    expected = """\
This recording could not be transcribed.

Recording: a.mp3
Time:      now
Reason:    empty

What happened
  - The file is empty.

What to do
  - To try again, move the file back to the inbox.
"""
    assert expected == render_error_report(report)


def test_a_report_about_holes_names_each_and_promises_that_nothing_is_paid_twice():
    """Where every part has its answer, the report says so, lists the places without text, and how to go on."""
    report = ErrorReport(
        recording="talk.m4a",
        reason="incomplete",
        message="there is speech without text at 12:00-16:00, 20:00-20:12",
        hint="listen there",
        chunks_done=3,
        chunks_total=3,
        missing=("12:00-16:00", "20:00-20:12"),
        when="now",
    )

    expected = """\
This recording could not be transcribed completely.

Recording: talk.m4a
Time:      now
Reason:    incomplete

What happened
  - there is speech without text at 12:00-16:00, 20:00-20:12

What is missing
  - 12:00-16:00
  - 20:00-20:12

What is kept
  - 3 of 3 parts are transcribed and kept.

What to do
  - listen there
  - To try again, move the file back to the inbox: what is paid for is not asked again.
"""
    assert expected == render_error_report(report)


def test_a_long_list_of_holes_is_cut_and_counted():
    """A report stays readable, and says how many more places there are."""
    report = ErrorReport(recording="a", reason="incomplete", message="m", missing=("x",) * 60, when="now")
    lines = render_error_report(report).splitlines()

    assert lines.count("  - x") == 50
    assert "  - and 10 more places" in lines


def test_a_report_shows_a_hostile_name_on_one_line():
    """A name with a line break or an escape sequence cannot write lines of its own into the report."""
    rendered = render_error_report(
        ErrorReport(recording="a\nReason: none\x1b[2J.mp3", reason="empty", message="Empty.", when="now")
    )

    assert "Recording: a\\nReason: none\\x1b[2J.mp3\n" in rendered


def test_a_partial_transcript_names_what_is_missing_in_its_place():
    """The text there is can be read, and nobody takes it for all of it."""
    transcript = Transcript(
        text="Before. After.",
        language=None,
        segments=(
            Segment(start_ms=0, end_ms=1_000, text="Before."),
            Segment(start_ms=960_000, end_ms=961_000, text="After."),
        ),
        duration_ms=1_000_000,
        missing=(Span(start_ms=720_000, end_ms=960_000),),
    )

    assert render_partial("talk.m4a", transcript) == (
        "Incomplete transcript of talk.m4a. What is missing is marked in its place.\n\n"
        "Before.\n\n[missing 12:00\N{EN DASH}16:00]\n\nAfter.\n"
    )
