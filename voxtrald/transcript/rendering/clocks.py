"""Positions in a recording as people and subtitle players read them."""

from __future__ import annotations

from voxtrald.transcript.model import Span

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


def missing_note(gap: Span) -> str:
    """Say in brackets from when to when there is no transcript, rounded outwards to seconds."""
    end_ms = -(-gap.end_ms // _SECOND_MS) * _SECOND_MS
    return f"[missing {clock(gap.start_ms)}–{clock(end_ms)}]"  # noqa: RUF001 (ranges take an en dash)
