"""What a foreground run shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from voxtrald.cli.progress import PlainDisplay, TerminalDisplay, gate_text, outcome_text
from voxtrald.dispatch.gate import GateChanged
from voxtrald.errors import Reason
from voxtrald.foreground import Begun, Ended
from voxtrald.pipeline.outcome import Changed, Deferred, Done, Failed, Interrupted, Tally
from voxtrald.pipeline.progress import ChunkProgress
from voxtrald.store.ledger_chunks import ChunkState
from voxtrald.transcript.model import Span

PATH = Path("/in/talk\n2.mp3")
DONE = Done(outputs=("/out/talk.txt",), tally=Tally(audio_s=90.4, cost=0.00525))
PARTIAL = replace(DONE, missing=(Span(start_ms=720_000, end_ms=960_000),))


def chunk(state, **changes):
    """Report of a chunk."""
    facts = {"job": "j", "recording": str(PATH), "index": 0, "total": 2, "state": state, "length_ms": 1000}
    return ChunkProgress(**facts | changes)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (DONE, "done (90 s paid, 0.0053 USD): /out/talk.txt"),
        (PARTIAL, "done in part (90 s paid, 0.0053 USD): /out/talk.txt"),
        (Done(outputs=(), tally=Tally()), "done (0 s paid): "),
        (Done(outputs=(), tally=Tally(audio_s=61.0)), "done (61 s sent, price unknown): "),
        (
            Failed(reason=Reason.NO_AUDIO, message="no sound", hint="export it", outputs=(), tally=Tally()),
            "failed (no_audio): no sound; export it",
        ),
        (Deferred(message="no space is left"), "not done: no space is left"),
        (Deferred(message="no space is left", hint="free some"), "not done: no space is left; free some"),
        (Changed(message="talk.mp3 is gone"), "not done: talk.mp3 is gone"),
        (Interrupted(), "interrupted; what is paid is kept, run it again to go on"),
    ],
)
def test_an_outcome_is_said_in_a_line(outcome, expected):
    """How a file ended, what it cost, and what to do."""
    assert outcome_text(outcome) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("held", "https://far refuses: no key"),
        ("open", "https://far does not answer; waiting until it does"),
        ("closed", "https://far answers again"),
    ],
)
def test_a_standstill_is_said_in_a_line(state, expected):
    """Why everything waits, or that it goes on."""
    assert gate_text(GateChanged(service="https://far", state=state, reason="no key")) == expected


def test_plain_lines_tell_what_is_worth_knowing(capsys):
    """A line for the start, each piece that is done or waits, and the end; troubles go to standard error."""
    display = PlainDisplay()
    with display:
        display.show(Begun(path=PATH, job="j"))
        for state in (ChunkState.SENDING, ChunkState.DONE):
            display.show(chunk(state))
        display.show(chunk(ChunkState.WAITING, index=1, note="api_busy", total=None))
        display.show(GateChanged(service="https://far", state="open", reason=None))
        display.show(chunk(ChunkState.DONE, index=1, reused=True))
        display.show(Ended(path=PATH, outcome=DONE))
        display.show(Ended(path=PATH, outcome=Interrupted()))

    told = capsys.readouterr()
    assert told.out.splitlines() == [
        r"talk\n2.mp3: begun",
        r"talk\n2.mp3: chunk 1/2 done",
        r"talk\n2.mp3: chunk 2 waits (api_busy)",
        r"talk\n2.mp3: chunk 2/2 done (already paid for)",
        r"talk\n2.mp3: done (90 s paid, 0.0053 USD): /out/talk.txt",
    ]
    assert told.err.splitlines() == [
        "https://far does not answer; waiting until it does",
        r"talk\n2.mp3: interrupted; what is paid is kept, run it again to go on",
    ]
    assert display.outcomes == [DONE, Interrupted()]


def test_a_hole_is_a_warning_beside_the_result(capsys):
    """The result is told like any other; what is missing in it goes to standard error, on a terminal below it."""
    warning = "talk\\n2.mp3: warning: there is speech without text at 12:00\N{EN DASH}16:00, marked in its place"
    plain, terminal = PlainDisplay(), TerminalDisplay()
    with plain:
        plain.show(Ended(path=PATH, outcome=PARTIAL))
    told = capsys.readouterr()
    with terminal:
        terminal.show(Ended(path=PATH, outcome=PARTIAL))

    assert told.out == "talk\\n2.mp3: done in part (90 s paid, 0.0053 USD): /out/talk.txt\n"
    assert told.err == f"{warning}\n"
    assert warning in " ".join(capsys.readouterr().out.split())


def test_bars_go_with_their_chunks(capsys):
    """A chunk has a bar while it is on its way; one that was paid for has none; names keep to their line."""
    display = TerminalDisplay()
    with display:
        display.show(Begun(path=PATH, job="j"))
        display.show(chunk(ChunkState.SENDING))
        under_way = len(display._bars.tasks)
        display.show(chunk(ChunkState.DONE))
        display.show(chunk(ChunkState.DONE, index=1, reused=True))
        [recording] = display._bars.tasks
        display.show(Ended(path=PATH, outcome=DONE))

    assert under_way == 2
    assert (recording.description, recording.completed, recording.total) == (r"talk\n2.mp3", 2, 2)
    assert display.outcomes == [DONE]
    assert r"talk\n2.mp3: done" in capsys.readouterr().out
