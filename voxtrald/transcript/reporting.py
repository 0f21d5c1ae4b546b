"""What the error folder says about a recording: the report, and the part of the transcript there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voxtrald.naming import shown
from voxtrald.transcript.model import Transcript
from voxtrald.transcript.rendering.clocks import clock
from voxtrald.transcript.rendering.formats.txt import render_transcript
from voxtrald.transcript.words import clean_text

_MOST_LISTED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """Why a recording was quarantined, in the words the report will use.

    Attributes:
        recording: the file's name.
        reason: the stable slug, such as `no_audio`.
        message: what happened, a sentence.
        hint: what helps, a sentence, or empty.
        tried: what was tried, in order, a sentence each.
        chunks_done: how many chunks have an answer, of `chunks_total` (0 where it was never cut).
        chunks_total: how many chunks the recording has.
        paid_s: seconds of audio that were paid for.
        cost: their price in `currency`, or None where it is unknown.
        missing: from when to when there is no text, each as in the transcript.
        when: the time of day, already written out.
    """

    recording: str
    reason: str
    message: str
    hint: str = ""
    tried: tuple[str, ...] = ()
    chunks_done: int = 0
    chunks_total: int = 0
    paid_s: float = 0.0
    cost: float | None = None
    currency: str = "USD"
    missing: tuple[str, ...] = ()
    when: str

    @property
    def is_answered(self) -> bool:
        """Whether every chunk has its answer, and something is wrong all the same."""
        return 0 < self.chunks_total == self.chunks_done


def render_error_report(report: ErrorReport) -> str:
    """Write the report: what happened, what was tried, what is kept, what to do."""
    facts = [
        f"Recording: {shown(report.recording)}",
        f"Time:      {report.when}",
        f"Reason:    {report.reason}",
    ]
    sections = [
        "This recording could not be transcribed completely."
        if report.is_answered
        else "This recording could not be transcribed.",
        "\n".join(facts),
        _section("What happened", (report.message,)),
        _section("What was tried", report.tried),
        _section("What is missing", _missing(report)),
        _section("What is kept", _kept(report)),
        _section("What to do", _advice(report)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def render_partial(recording: str, transcript: Transcript) -> str:
    """Write the part of the transcript there is; what is missing is named in its place."""
    head = f"Incomplete transcript of {shown(recording)}. What is missing is marked in its place."
    return f"{head}\n\n{render_transcript(transcript)}"


def _section(title: str, sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    return "\n".join([title, *(f"  - {clean_text(sentence)}" for sentence in sentences)])


def _kept(report: ErrorReport) -> tuple[str, ...]:
    if not report.chunks_done:
        return ()
    done = f"{report.chunks_done} of {report.chunks_total} parts are transcribed and kept."
    if not report.paid_s:
        return (done,)
    price = "" if report.cost is None else f" ({report.cost:.2f} {report.currency})"
    return (done, f"{clock(round(report.paid_s * 1000))} of audio was paid for{price}.")


def _missing(report: ErrorReport) -> tuple[str, ...]:
    more = len(report.missing) - _MOST_LISTED
    rest = (f"and {more} more places",) if more > 0 else ()
    return (*report.missing[:_MOST_LISTED], *rest)


def _advice(report: ErrorReport) -> tuple[str, ...]:
    again = "To try again, move the file back to the inbox"
    if report.is_answered:
        again += ": what is paid for is not asked again."
    elif report.chunks_done:
        again += ": only what is missing is asked and paid for again."
    else:
        again += "."
    return (report.hint, again) if report.hint else (again,)
