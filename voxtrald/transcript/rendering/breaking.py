"""Where subtitles break: words into cues, cues into lines.

Limits after the Netflix Timed Text Style Guide (general requirements): two lines of 42 characters, at most 7
seconds. East Asian wide characters count twice, so their lines hold 21.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from voxtrald.transcript.words import TimedWord, ends_sentence

LINE_COLUMNS = 42
SHORTEST_MS = 1_000
LONGEST_MS = 7_000

_CUE_COST = 12
_EMPTY_COST = 8
_TIME_COST_PER_S = 20
_SENTENCE_COST, _CLAUSE_COST, _CONJUNCTION_COST, _PLAIN_COST = 0, 3, 6, 10
_CLAUSE_END = re.compile("[,;:—–،、，；：][\"'»”’)\\]」』]*$")  # noqa: RUF001 (other scripts have commas too)
# A break before these is easy to read. Other languages break at punctuation and by balance alone.
_CONJUNCTIONS_OF = {
    "en": "and or but because that which who when while if so",
    "de": "und oder aber denn weil dass wenn als ob sondern",
    "fr": "et ou mais car que qui quand si parce",
    "es": "y o pero porque cuando",
    "it": "e ma perché che quando",
    "lv": "un vai bet ka ja jo kad",
}
_CONJUNCTIONS = frozenset(word for words in _CONJUNCTIONS_OF.values() for word in words.split())


def columns(text: str) -> int:
    """Return how wide a text is shown: marks take no room, East Asian wide characters take two columns."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class _Ruler:
    """Measures stretches of words; a blank at a stretch's end takes no room."""

    def __init__(self, words: Sequence[str]) -> None:
        self._edges = [0, *accumulate(columns(word) for word in words)]
        self._blanks = [columns(word) - columns(word.rstrip()) for word in words]

    def width(self, first: int, end: int) -> int:
        """Return the width of `words[first:end]`."""
        return self._edges[end] - self._edges[first] - self._blanks[end - 1]

    def line_end(self, first: int) -> int:
        """Return the end of the longest line from `first`; a word wider than a line has one to itself."""
        end = bisect_right(self._edges, self._edges[first] + LINE_COLUMNS) - 1
        while end < len(self._blanks) and self.width(first, end + 1) <= LINE_COLUMNS:
            end += 1
        return max(end, first + 1)


def break_cues(words: Sequence[TimedWord]) -> list[Sequence[TimedWord]]:
    """Divide words into cues that fit two lines.

    The cheapest division wins: few cues, filled evenly, none too short or too long in time, broken at a
    sentence's end rather than at a comma, there rather than before a conjunction, and there rather than
    anywhere.
    """
    ruler = _Ruler([word.text for word in words])
    break_costs = [_break_cost(before.text, after.text) for before, after in pairwise(words)]
    break_costs.append(_SENTENCE_COST)
    best = [(0.0, 0)] + [(math.inf, 0)] * len(words)  # for each end: the cost up to it, where its cue begins
    for first in range(len(words)):
        line_end = ruler.line_end(first)
        last_end = ruler.line_end(line_end) if line_end < len(words) else line_end
        for end in range(first + 1, min(last_end, len(words)) + 1):
            cost = best[first][0] + break_costs[end - 1]
            cost += _cue_cost(words[first], words[end - 1], width=ruler.width(first, end))
            best[end] = min(best[end], (cost, first))
    return _trace(words, [first for _, first in best])


def _trace(words: Sequence[TimedWord], firsts: Sequence[int]) -> list[Sequence[TimedWord]]:
    cues: list[Sequence[TimedWord]] = []
    end = len(words)
    while end > 0:
        cues.append(words[firsts[end] : end])
        end = firsts[end]
    return cues[::-1]


def _cue_cost(first: TimedWord, last: TimedWord, *, width: int) -> float:
    length_ms = last.end_ms - first.start_ms
    excess_ms = max(length_ms - LONGEST_MS, SHORTEST_MS - length_ms, 0)
    emptiness = max(1 - width / (2 * LINE_COLUMNS), 0)
    return _CUE_COST + _EMPTY_COST * emptiness**2 + _TIME_COST_PER_S * excess_ms / 1000


def _break_cost(before: str, after: str) -> int:
    if ends_sentence(before):
        return _SENTENCE_COST
    if _CLAUSE_END.search(before.rstrip()):
        return _CLAUSE_COST
    return _CONJUNCTION_COST if after.strip().casefold() in _CONJUNCTIONS else _PLAIN_COST


def break_lines(words: Sequence[str]) -> tuple[str, ...]:
    """Lay a cue's words out as one line where they fit, else as two of about the same width."""
    ruler = _Ruler(words)
    if len(words) == 1 or ruler.width(0, len(words)) <= LINE_COLUMNS:
        return ("".join(words).rstrip(),)
    at = min(range(1, len(words)), key=lambda split: _line_cost(words, split, ruler=ruler))
    return ("".join(words[:at]).rstrip(), "".join(words[at:]).rstrip())


def _line_cost(words: Sequence[str], split: int, *, ruler: _Ruler) -> tuple[int, int]:
    """Weigh a line break: fitting comes first, then balance against a good place to break."""
    upper, lower = ruler.width(0, split), ruler.width(split, len(words))
    excess = max(upper - LINE_COLUMNS, 0) + max(lower - LINE_COLUMNS, 0)
    return excess, abs(upper - lower) + 2 * _break_cost(words[split - 1], words[split])
