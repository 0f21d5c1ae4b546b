"""Arithmetic with stretches of time: join, cut out, what two have in common."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from voxtrald.transcript.model import Span


def union(spans: Iterable[Span], *, gap_ms: int = 0) -> tuple[Span, ...]:
    """Join spans that touch, overlap, or lie no further apart than `gap_ms`; in order, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for start_ms, end_ms in sorted((span.start_ms, span.end_ms) for span in spans if span.length_ms > 0):
        if joined and start_ms <= joined[-1][1] + gap_ms:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_ms))
        else:
            joined.append((start_ms, end_ms))
    return tuple(Span(start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms in joined)


def without(whole: Span, taken: Sequence[Span]) -> tuple[Span, ...]:
    """Give what is left of `whole` without the spans of `taken`, which `union` has made."""
    left: list[Span] = []
    at_ms = whole.start_ms
    for span in taken:
        left.append(Span(start_ms=at_ms, end_ms=min(span.start_ms, whole.end_ms)))
        at_ms = max(at_ms, span.end_ms)
    left.append(Span(start_ms=at_ms, end_ms=whole.end_ms))
    return tuple(span for span in left if span.length_ms > 0)


def within(spans: Sequence[Span], window: Span) -> tuple[Span, ...]:
    """Give the parts of `spans`, which `union` has made, that lie in `window`."""
    first = max(0, bisect_right(spans, window.start_ms, key=lambda span: span.start_ms) - 1)
    found: list[Span] = []
    for index in range(first, len(spans)):
        span = spans[index]
        if span.start_ms >= window.end_ms:
            break
        start_ms, end_ms = max(span.start_ms, window.start_ms), min(span.end_ms, window.end_ms)
        if start_ms < end_ms:
            found.append(Span(start_ms=start_ms, end_ms=end_ms))
    return tuple(found)


def length_within(spans: Sequence[Span], window: Span) -> int:
    """Add up, in ms, what of `spans`, which `union` has made, lies in `window`."""
    return sum(span.length_ms for span in within(spans, window))


def widened(span: Span, by_ms: int) -> Span:
    """Give a span that begins so much sooner and ends so much later; it never begins before 0."""
    return Span(start_ms=max(0, span.start_ms - by_ms), end_ms=span.end_ms + by_ms)
