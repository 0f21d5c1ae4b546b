"""Positions in a recording as people and subtitle players read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from voxtrald.transcript.model import Span

_MOST_SHOWN: Final = 10
_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS


def clock(at_ms: int) -> str:
    """Show a position as `12:05`, from one hour on as `1:12:05`; what is left of a second is cut off."""
    minutes, seconds = divmod(at_ms // _SECOND_MS, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def precise_clock(at_ms: int, *, separator: str) -> str:
    """Show a position as `00:12:05.250`, with what the format wants before the milliseconds."""
    hours, rest_ms = divmod(at_ms, _HOUR_MS)
    minutes, rest_ms = divmod(rest_ms, _MINUTE_MS)
    seconds, milliseconds = divmod(rest_ms, _SECOND_MS)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"


def span_text(span: Span) -> str:
    """Show from when to when, as in `12:00–16:00`, rounded outwards to seconds."""  # noqa: RUF002 (as below)
    end_ms = -(-span.end_ms // _SECOND_MS) * _SECOND_MS
    return f"{clock(span.start_ms)}–{clock(end_ms)}"  # noqa: RUF001 (ranges take an en dash)


def spans_text(spans: Sequence[Span]) -> str:
    """Show where several stretches are, the first ten by their times; empty where there is none."""
    named = ", ".join(map(span_text, spans[:_MOST_SHOWN]))
    more = len(spans) - _MOST_SHOWN
    return f"{named} and {more} more" if more > 0 else named


def missing_note(gap: Span) -> str:
    """Say in brackets from when to when there is no transcript, rounded outwards to seconds."""
    return f"[missing {span_text(gap)}]"
