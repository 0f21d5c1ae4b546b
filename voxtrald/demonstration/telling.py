"""What came of a demonstration, and how it is told. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxtrald.demonstration.comparing import compare
from voxtrald.naming import shown

_WIDTH = 96
_NOT_SHOWN = {"event", "level", "timestamp", "exception"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came out.

    Attributes:
        outputs: the files in the outbox.
        said: what was said in the sample.
        transcript: what was heard.
        seconds: from the drop to the transcript.
        audio_s: the sample's length.
        cost: in `currency`; None where the price is unknown, 0 where there is none.
    """

    outputs: tuple[Path, ...]
    said: str
    transcript: str
    seconds: float
    audio_s: float
    cost: float | None
    currency: str


def result_text(played: Played) -> str:
    """Show the transcript, how good it is, where it is, and what it took."""
    return "\n".join(_result_lines(played))


def _result_lines(played: Played) -> Iterator[str]:
    yield "\nThe transcript:\n"
    for paragraph in played.transcript.strip().split("\n\n"):
        yield textwrap.fill(paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  ") + "\n"
    yield quality_text(played) + "\n"
    yield "The files:\n"
    yield from (f"  {shown(str(path))}" for path in played.outputs)
    yield f"\n{effort_text(played)}"


def quality_text(played: Played) -> str:
    """Say how many words differ from what was said, and the word error rate."""
    compared = compare(played.said, played.transcript)
    wrong = f"{compared.wrong or 'none'} {'is' if compared.wrong <= 1 else 'are'} wrong"
    return f"Of {compared.words} words {wrong}: word error rate {compared.rate:.1%}."


def effort_text(played: Played) -> str:
    """Say how long it took, and what it cost where it did."""
    took = f"It took {played.seconds:.0f} s for {played.audio_s:.0f} s of audio"
    return f"{took}." if not played.cost else f"{took} and cost {played.cost:.4f} {played.currency}."


def cost_text(*, model: str, seconds: float, price_per_minute: float | None) -> str:
    """Say before what Mistral's service will take for the sample."""
    if price_per_minute is None:
        return f"The sample goes to Mistral's service, {seconds:.0f} s of audio. What {model} costs is not known here."
    cost = price_per_minute * seconds / 60
    return (
        f"The sample goes to Mistral's service, {seconds:.0f} s of audio. With {model} that costs about {cost:.4f} USD."
    )


def log_text(line: str) -> str:
    """Make a line of the log readable: the event first, and no traceback; what is not JSON stays as it is."""
    if not line.startswith("{"):
        return f"  {line}"
    fields = json.loads(line)
    shown_fields = (f"{name}={value}" for name, value in fields.items() if name not in _NOT_SHOWN)
    return "  ".join(["", fields["event"], *shown_fields])
