"""Joining two chunks that heard the same few seconds.

The longest run of words that both heard, at about the same time, is the joint: what comes before it is taken
from the earlier chunk, what comes after it from the later one. So every word comes from the chunk in which it
lies farther from the edge, and a word that an edge cut in half comes from the chunk that has it whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, takewhile

from voxtrald.transcript.model import Segment, Span
from voxtrald.transcript.words import TimedWord, key_of, time_words

# Nobody speaks faster. A match that would make the overlap hold more than this is a coincidence.
_FASTEST_CHARACTERS_PER_S = 40
_SPARE_CHARACTERS = 40
# How far apart two chunks may hear the same word, per matching word: clocks of short segments are good to
# about a second, inside long segments word times are estimates.
_SURE_SHIFT_MS = 1_000
_WIDEST_SHIFT_MS = 3_000
_SHIFT_COST_PER_S = 4
_SHORTEST_HALF_WORD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A word near the joint; `blur_ms` grows with the segment in which its time was estimated."""

    key: str
    start_ms: int
    end_ms: int
    blur_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Consecutive words heard by both: first index in the tail, first index in the head, how many."""

    tail_at: int
    head_at: int
    length: int


Sides = tuple[tuple[Segment, ...], tuple[Segment, ...]]


def stitch(left: Sequence[Segment], right: Sequence[Segment], *, overlap: Span) -> Sides:
    """Fit the segments of two neighbouring chunks together; what both heard in `overlap` is kept once.

    Where no words agree the joint is the middle of the overlap, and nothing is dropped where the other chunk
    is silent.

    Returns:
        What to take from `left`, and what to take from `right`.
    """
    most = _SPARE_CHARACTERS + _FASTEST_CHARACTERS_PER_S * overlap.length_ms // 1000
    near_left = dropwhile(lambda segment: segment.end_ms <= overlap.start_ms, left)
    near_right = takewhile(lambda segment: segment.start_ms < overlap.end_ms, right)
    tail = _hear_last(list(near_left), most=most)
    head = _hear_first(list(near_right), most=most)
    run = _find_run(tail, head, most=most)
    kept, dropped = _split_at(run, tail, head) if run else _split_by_time(tail, head, overlap=overlap)
    following = _drop_first(right, dropped)
    until_ms = following[0].start_ms if following else overlap.end_ms
    return tuple(_drop_last(left, len(tail) - kept, until_ms=until_ms)), tuple(following)


# --- the words near the joint -------------------------------------------------------------------------------


def _words_of(segment: Segment) -> list[TimedWord]:
    """Return the segment's words; loose punctuation belongs to the word before it."""
    words: list[TimedWord] = []
    for word in time_words(segment.text, start_ms=segment.start_ms, end_ms=segment.end_ms):
        if words and not key_of(word.text):
            words[-1] = replace(words[-1], text=words[-1].text + word.text, end_ms=word.end_ms)
        else:
            words.append(word)
    return words


def _hear(segment: Segment) -> list[_Heard]:
    blur_ms = (segment.end_ms - segment.start_ms) // 8
    return [
        _Heard(key=key_of(word.text), start_ms=word.start_ms, end_ms=word.end_ms, blur_ms=blur_ms)
        for word in _words_of(segment)
    ]


def _hear_last(segments: Sequence[Segment], *, most: int) -> list[_Heard]:
    heard = [word for segment in segments for word in _hear(segment)]
    return _take(reversed(heard), most=most)[::-1]


def _hear_first(segments: Sequence[Segment], *, most: int) -> list[_Heard]:
    return _take((word for segment in segments for word in _hear(segment)), most=most)


def _take(words: Iterable[_Heard], *, most: int) -> list[_Heard]:
    """Take words as long as `most` characters hold them."""
    taken: list[_Heard] = []
    characters = 0
    for word in words:
        characters += len(word.key)
        if characters > most:
            break
        taken.append(word)
    return taken


# --- what both heard ----------------------------------------------------------------------------------------


def _find_run(tail: Sequence[_Heard], head: Sequence[_Heard], *, most: int) -> _Run | None:
    runs = [run for run in _list_runs(tail, head) if _is_believable(run, tail, head, most=most)]
    return max(runs, key=lambda run: _score(run, tail, head), default=None)


def _list_runs(tail: Sequence[_Heard], head: Sequence[_Heard]) -> list[_Run]:
    lengths: dict[tuple[int, int], int] = {}
    for i in range(len(tail)):
        for j in range(len(head)):
            if _is_same(tail[i].key, head[j].key, is_last=i == len(tail) - 1, is_first=j == 0):
                lengths[i, j] = lengths.get((i - 1, j - 1), 0) + 1
    return [
        _Run(tail_at=i - length + 1, head_at=j - length + 1, length=length)
        for (i, j), length in lengths.items()
        if (i + 1, j + 1) not in lengths
    ]


def _is_same(tail_key: str, head_key: str, *, is_last: bool, is_first: bool) -> bool:
    """Compare two words; the tail's last may have lost its end, the head's first its beginning."""
    if min(len(tail_key), len(head_key)) < _SHORTEST_HALF_WORD:
        return tail_key == head_key != ""
    return (
        tail_key == head_key
        or (is_last and head_key.startswith(tail_key))
        or (is_first and tail_key.endswith(head_key))
    )


def _is_believable(run: _Run, tail: Sequence[_Heard], head: Sequence[_Heard], *, most: int) -> bool:
    """Tell whether the overlap can hold what this run implies, and whether the clocks agree well enough."""
    shared = sum(len(word.key) for word in (*head[: run.head_at], *tail[run.tail_at :]))
    blur_ms = tail[run.tail_at].blur_ms + head[run.head_at].blur_ms
    allowed_ms = run.length * min(_SURE_SHIFT_MS + blur_ms, _WIDEST_SHIFT_MS)
    return shared <= most and _shift_ms(run, tail, head) <= allowed_ms


def _score(run: _Run, tail: Sequence[_Heard], head: Sequence[_Heard]) -> float:
    """Weigh what agrees against the words only one chunk would lose to it and the distance in time."""
    ends = run.tail_at + run.length, run.head_at + run.length
    pairs = zip(tail[run.tail_at : ends[0]], head[run.head_at : ends[1]], strict=True)
    agreed = sum(min(len(left.key), len(right.key)) for left, right in pairs)
    lost = sum(len(word.key) for word in (*head[: run.head_at], *tail[ends[0] :]))
    return agreed - lost / 2 - _SHIFT_COST_PER_S * _shift_ms(run, tail, head) / 1000


def _shift_ms(run: _Run, tail: Sequence[_Heard], head: Sequence[_Heard]) -> int:
    return abs(tail[run.tail_at].start_ms - head[run.head_at].start_ms)


# --- the joint ----------------------------------------------------------------------------------------------


def _split_at(run: _Run, tail: Sequence[_Heard], head: Sequence[_Heard]) -> tuple[int, int]:
    """Return how many words of the tail to keep and of the head to drop: half of the run from each."""
    if run.length == 1:
        is_whole_in_tail = len(tail[run.tail_at].key) >= len(head[run.head_at].key)
        from_tail = 1 if is_whole_in_tail else 0
    else:
        from_tail = run.length // 2
    return run.tail_at + from_tail, run.head_at + from_tail


def _split_by_time(tail: Sequence[_Heard], head: Sequence[_Heard], *, overlap: Span) -> tuple[int, int]:
    """Cut at the overlap's middle; a half in which only one chunk heard something keeps what it heard."""
    middle_ms = (overlap.start_ms + overlap.end_ms) // 2
    kept = max((i + 1 for i, word in enumerate(tail) if word.start_ms < middle_ms), default=0)
    dropped = next((j for j, word in enumerate(head) if word.end_ms > middle_ms), len(head))
    tail_spoke_first = any(overlap.start_ms < word.end_ms <= middle_ms for word in tail)
    head_spoke_last = any(middle_ms <= word.start_ms < overlap.end_ms for word in head)
    return kept if head_spoke_last else len(tail), dropped if tail_spoke_first else 0


def _drop_last(segments: Sequence[Segment], count: int, *, until_ms: int) -> list[Segment]:
    """Drop words from the end; what is left of a segment ends where the next chunk's words begin."""
    kept = list(segments)
    while count > 0 and kept:
        words = _words_of(kept[-1])
        whole = kept.pop()
        if count < len(words):
            stays = words[: len(words) - count]
            end_ms = max(min(stays[-1].end_ms, until_ms), whole.start_ms)
            kept.append(replace(whole, text=_text_of(stays), end_ms=end_ms))
        count -= len(words)
    return kept


def _drop_first(segments: Sequence[Segment], count: int) -> list[Segment]:
    kept = list(segments)
    while count > 0 and kept:
        words = _words_of(kept[0])
        whole = kept.pop(0)
        if count < len(words):
            stays = words[count:]
            kept.insert(0, replace(whole, text=_text_of(stays), start_ms=stays[0].start_ms))
        count -= len(words)
    return kept


def _text_of(words: Iterable[TimedWord]) -> str:
    return "".join(word.text for word in words).strip()
