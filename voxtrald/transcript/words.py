"""Words and the spaces between them, in scripts with and without spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Breaking spaces only: the no-break spaces of French punctuation are part of the text.
_BREAKING_SPACE = re.compile(r"[^\S\u00a0\u2007\u202f]+")
_RUN = re.compile(r"[^\S\u00a0\u2007\u202f]*(?:\S|[\u00a0\u2007\u202f])+[^\S\u00a0\u2007\u202f]*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'»”’)\]」』]*$")  # noqa: RUF001 (other scripts end sentences too)

_EAST_ASIAN = "\u3001-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003ffff"
_SOUTH_EAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_EAST_ASIAN_CHARACTER = re.compile(f"[{_EAST_ASIAN}]")
_UNSPACED_CHARACTER = re.compile(f"[{_EAST_ASIAN}{_SOUTH_EAST_ASIAN}]")
_LEADING_VOWELS = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"  # written before their consonant
_NEVER_FIRST = "ぁぃぅぇぉっゃゅょァィゥェォッャュョー々"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word with the blank that follows it, and when it is spoken.

    In scripts without spaces a word is one character with its marks and punctuation.
    """

    text: str
    start_ms: int
    end_ms: int


def clean_text(text: str) -> str:
    """Make one line of what an engine said: blanks joined, control characters and broken code points out.

    An engine's text reaches terminals, subtitle files and UTF-8 encoders; an escape sequence or half a
    surrogate pair (both are valid in JSON) must not.
    """
    one_line = _BREAKING_SPACE.sub(" ", _SURROGATE.sub("\ufffd", text))
    kept = "".join(
        character for character in one_line if unicodedata.category(character) != "Cc" and character != "\ufeff"
    )
    return kept.strip()


def split_words(text: str) -> list[str]:
    """Split into words, each with the blanks after it; joined together they are `text` again."""
    words: list[str] = []
    for run in _RUN.findall(text):
        words.extend(_split_unspaced(run) if _UNSPACED_CHARACTER.search(run) else [run])
    return words


def _split_unspaced(run: str) -> list[str]:
    pieces: list[str] = []
    for character in run:
        if pieces and not _may_break(pieces[-1][-1], character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _may_break(before: str, after: str) -> bool:
    """Tell whether a line may end between two neighbours, by the plainest Unicode line breaking rules."""
    is_glued = after.isspace() or after in _NEVER_FIRST or _is_closing(after)
    if is_glued or before in _LEADING_VOWELS or unicodedata.category(before) in {"Ps", "Pi"}:
        return False
    return bool(_UNSPACED_CHARACTER.match(before) or _UNSPACED_CHARACTER.match(after))


def _is_closing(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cf" or (category[0] in "MP" and category not in {"Ps", "Pi"})


def time_words(text: str, *, start_ms: int, end_ms: int) -> list[TimedWord]:
    """Spread the words of a timed text over its time, each by its share of the characters."""
    words = split_words(text)
    total = sum(len(word) for word in words)
    timed: list[TimedWord] = []
    position = 0
    for word in words:
        word_start_ms = start_ms + (end_ms - start_ms) * position // total
        position += len(word)
        word_end_ms = start_ms + (end_ms - start_ms) * position // total
        timed.append(TimedWord(text=word, start_ms=word_start_ms, end_ms=word_end_ms))
    return timed


def ends_sentence(text: str) -> bool:
    """Tell whether `text` ends like a sentence."""
    return _SENTENCE_END.search(text.rstrip()) is not None


def key_of(word: str) -> str:
    """Return what is compared when two chunks may have heard the same word: no case, no punctuation."""
    return "".join(
        character for character in word.casefold() if character.isalnum() or unicodedata.combining(character)
    )


def blank_between(left: str, right: str) -> str:
    """Return what belongs between two texts: a space, or nothing inside Chinese and Japanese."""
    is_east_asian = _EAST_ASIAN_CHARACTER.match(left[-1:]) and _EAST_ASIAN_CHARACTER.match(right[:1])
    return "" if is_east_asian else " "


def join_texts(texts: Iterable[str]) -> str:
    """Join texts into one line."""
    parts: list[str] = []
    for text in texts:
        if parts:
            parts.append(blank_between(parts[-1], text))
        parts.append(text)
    return "".join(parts)
