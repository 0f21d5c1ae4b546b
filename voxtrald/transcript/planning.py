"""Where a long recording is cut: search windows first, then the spans that are sent.

Planning has two rounds because the first chunk must not wait. Its window depends on the limits alone, so it
can be searched, prepared and sent while the exact duration is still being measured. The other windows are
computed from the duration and the first cut, do not depend on one another and can be searched in parallel.

Where long silences are left out, all is known before anything is planned: what lies between two of them is cut by
itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from voxtrald.transcript.model import Cut, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLimits:
    """How long chunks may be and how far a cut may move to find a quiet place.

    Contradictory settings (a search wider than the chunk, an overlap as long as it) are narrowed by the
    properties below, so that every plan ends and no two windows meet.

    Attributes:
        max_ms: longest chunk, overlap included.
        first_ms: longest first chunk.
        search_ms: how far from its mark a cut may lie.
        overlap_ms: how much two chunks share where the cut between them is not quiet.
        voices_ms: how much they share at every cut, for speakers to be found again; 0 where none are looked for.
    """

    max_ms: int
    first_ms: int
    search_ms: int
    overlap_ms: int
    voices_ms: int = 0

    @property
    def shared_ms(self) -> int:
        """The overlap in use: at most a tenth of a chunk, so that never three chunks overlap."""
        return min(max(self.overlap_ms, self.voices_ms), self.max_ms // 10)

    @property
    def reach_ms(self) -> int:
        """The search distance in use: at most a sixth of a chunk, so that neighbouring windows never meet."""
        return min(self.search_ms, (self.max_ms - self.shared_ms) // 6)


def needs_cutting(duration_ms: int, limits: ChunkLimits) -> bool:
    """Tell whether the recording is longer than one request may be."""
    return duration_ms > limits.max_ms


def first_window(limits: ChunkLimits) -> Span:
    """Return where to look for the first cut; the duration plays no part."""
    end_ms = min(limits.first_ms, limits.max_ms)
    return Span(start_ms=max(end_ms - limits.search_ms, end_ms // 2), end_ms=end_ms)


def search_windows(duration_ms: int, *, first_cut: Cut, limits: ChunkLimits) -> tuple[Span, ...]:
    """Return where to look for the cuts after the first one.

    The marks divide what follows the first cut into equal parts, so no last chunk is tiny. Whatever cuts are
    chosen inside the windows, both edges included, no chunk becomes longer than `max_ms`, overlaps included.
    """
    rest_ms = duration_ms - first_cut.at_ms
    chunks = _count_chunks(rest_ms, limits)
    marks = [first_cut.at_ms + rest_ms * number // chunks for number in range(1, chunks)]
    return tuple(Span(start_ms=mark - limits.reach_ms, end_ms=mark + limits.reach_ms) for mark in marks)


def _count_chunks(rest_ms: int, limits: ChunkLimits) -> int:
    """Return the smallest number of equal chunks that stay within the limit wherever their cuts fall."""
    for chunks in count(1):
        movable_edges = min(chunks - 1, 2)
        # The marks are rounded down, which may make one part a millisecond longer than the others.
        longest_ms = rest_ms // chunks + 1 + movable_edges * limits.reach_ms + limits.shared_ms
        if longest_ms <= limits.max_ms or rest_ms <= chunks:
            break
    return chunks


def plan_spans(duration_ms: int, cuts: Sequence[Cut], *, limits: ChunkLimits) -> tuple[Span, ...]:
    """Return the spans to send; together they cover `[0, duration_ms)`.

    Every span ends at its cut. Where the cut is not quiet, or voices are compared, the next span starts
    `shared_ms` before it: a word that the cut halves is whole in the later chunk, and a word that the later start
    halves is whole in the earlier one. The overlap lies on one side only because the first chunk is on its way
    before anything else is planned. Cuts at or behind the end are ignored: the first one is searched before the
    exact duration is known.
    """
    inside = sorted((cut for cut in cuts if 0 < cut.at_ms < duration_ms), key=lambda cut: cut.at_ms)
    starts_ms = [0]
    for previous_ms, cut in zip([0, *(cut.at_ms for cut in inside)], inside, strict=False):
        back_ms = limits.shared_ms if limits.voices_ms or not cut.quiet else 0
        starts_ms.append(max(cut.at_ms - back_ms, previous_ms))
    ends_ms = [*(cut.at_ms for cut in inside), duration_ms]
    return tuple(Span(start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms in zip(starts_ms, ends_ms, strict=True))


# --- with silences left out ----------------------------------------------------------------------------------------


def worth_skipping(silences: Sequence[Span], *, duration_ms: int) -> tuple[Span, ...]:
    """Choose from the silences, in order, those without which fewer seconds are billed.

    A silence that is left out parts what is around it in two chunks, and each is billed in whole seconds.
    """
    chosen: list[Span] = []
    begin_ms = 0
    for silence in silences:
        apart_s = _billed_s(silence.start_ms - begin_ms) + _billed_s(duration_ms - silence.end_ms)
        if apart_s < _billed_s(duration_ms - begin_ms):
            chosen.append(silence)
            begin_ms = silence.end_ms
    return tuple(chosen)


def _billed_s(length_ms: int) -> int:
    return -(-length_ms // 1000)


def stretch_windows(stretches: Sequence[Span], *, limits: ChunkLimits) -> tuple[Span, ...]:
    """Return where to look for the cuts within stretches that are longer than one request may be."""
    return tuple(
        _later(window, by_ms=stretch.start_ms)
        for stretch in stretches
        if needs_cutting(stretch.length_ms, limits)
        for window in search_windows(stretch.length_ms, first_cut=_BEGINNING, limits=limits)
    )


_BEGINNING = Cut(at_ms=0, quiet=True)


def plan_stretches(stretches: Sequence[Span], cuts: Sequence[Cut], *, limits: ChunkLimits) -> tuple[Span, ...]:
    """Return the spans to send; together they cover the stretches and nothing else. See `plan_spans`."""
    spans: list[Span] = []
    for stretch in stretches:
        inside = [Cut(at_ms=cut.at_ms - stretch.start_ms, quiet=cut.quiet) for cut in cuts]
        planned = plan_spans(stretch.length_ms, inside, limits=limits)
        spans += [_later(span, by_ms=stretch.start_ms) for span in planned]
    return tuple(spans)


def _later(span: Span, *, by_ms: int) -> Span:
    return Span(start_ms=span.start_ms + by_ms, end_ms=span.end_ms + by_ms)
