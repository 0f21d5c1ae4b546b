"""Phrases from timed words, for whoever reads along. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from voxtrald.transcript.words import ends_sentence

Timed = tuple[int, int, str]
"""start_ms, end_ms and the text, of a word with the blank before it where there is one."""

_PAUSE_MS = 1_000


def make_phrases(words: Iterable[Timed]) -> tuple[Timed, ...]:
    """Join words up to the end of a sentence or to a pause of a second. No word is lost, and none moves."""
    return tuple(
        (phrase[0][0], max(end_ms for _, end_ms, _ in phrase), "".join(text for _, _, text in phrase).strip())
        for phrase in _parted(words)
    )


def strip_words(words: Iterable[Timed]) -> tuple[Timed, ...]:
    """Give the words without the blanks between them."""
    return tuple((start_ms, end_ms, text.strip()) for start_ms, end_ms, text in words)


def _parted(words: Iterable[Timed]) -> Iterator[Sequence[Timed]]:
    phrase: list[Timed] = []
    for word in words:
        if phrase and _is_end(phrase[-1], word):
            yield phrase
            phrase = []
        phrase.append(word)
    if phrase:
        yield phrase


def _is_end(before: Timed, after: Timed) -> bool:
    """Tell whether a phrase ends between two words.

    After the full stop inside a number (3.5) there is no blank; after a Chinese one there never is.
    """
    begins_anew = after[2][:1].isspace() or not before[2].isascii()
    return after[0] - before[1] >= _PAUSE_MS or (ends_sentence(before[2]) and begins_anew)
