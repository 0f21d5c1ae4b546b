"""How far a transcript is from what was said. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_NOT_IN_WORDS = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many words were said, and how many of them were replaced, left out or added."""

    words: int
    wrong: int

    @property
    def rate(self) -> float:
        """The word error rate; above 1 where much was added."""
        return self.wrong / self.words


def compare(said: str, heard: str) -> Comparison:
    """Compare what was said, which must hold a word, with what was heard."""
    words = words_of(said)
    if not words:
        raise ValueError("nothing was said")
    return Comparison(words=len(words), wrong=count_edits(words, words_of(heard)))


def words_of(text: str) -> list[str]:
    """Split into words, without case and punctuation, which recognisers choose freely."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_IN_WORDS.sub("", composed).split()


def count_edits(before: Sequence[str], after: Sequence[str]) -> int:
    """Count the fewest words to replace, take out and put in that make one text of the other (Levenshtein)."""
    costs = list(range(len(after) + 1))  # of making the first n words of `after` from nothing
    for row, old in enumerate(before, start=1):
        diagonal, costs[0] = costs[0], row
        for column, new in enumerate(after, start=1):
            replaced = diagonal + (old != new)
            diagonal = costs[column]
            costs[column] = min(replaced, diagonal + 1, costs[column - 1] + 1)
    return costs[-1]
