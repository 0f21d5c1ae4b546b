"""The fake words and the symbols that code them: 65,536 words, each its own number.

A word is a proquint (Daniel S. Wilkerson, "A Proposal for Proquints", 2009): five letters, consonant and
vowel in turn, that spell 16 bits. Its sound carries the same 16 bits as four hex symbols and a CRC-12 as three
more.
"""

from __future__ import annotations

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
VOCABULARY = 1 << 16
SYMBOLS = 7


def word_of(index: int) -> str:
    """Spell `index` (modulo 65,536) as a five-letter word."""
    bits = index % VOCABULARY
    return (
        CONSONANTS[bits >> 12]
        + VOWELS[bits >> 10 & 3]
        + CONSONANTS[bits >> 6 & 15]
        + VOWELS[bits >> 4 & 3]
        + CONSONANTS[bits & 15]
    )


def index_of(word: str) -> int:
    """Read a word back into its number.

    Raises:
        ValueError: the word is not in the vocabulary.
    """
    if len(word) != 5:
        raise ValueError(f"not a word of this vocabulary: {word!r}")
    first, second, third, fourth, fifth = tuple(word)
    return (
        CONSONANTS.index(first) << 12
        | VOWELS.index(second) << 10
        | CONSONANTS.index(third) << 6
        | VOWELS.index(fourth) << 4
        | CONSONANTS.index(fifth)
    )


def symbols_of(index: int) -> tuple[int, ...]:
    """Give the seven hex symbols of a word: four of the number, three of its checksum."""
    check = _crc12(index)
    return (index >> 12, index >> 8 & 15, index >> 4 & 15, index & 15, check >> 8, check >> 4 & 15, check & 15)


def index_from(symbols: tuple[int, ...]) -> int | None:
    """Read seven symbols back, or None where the checksum says they are not one word."""
    first, second, third, fourth = symbols[:4]
    index = first << 12 | second << 8 | third << 4 | fourth
    return index if symbols_of(index) == symbols else None


def _crc12(index: int) -> int:
    """CRC-12 with polynomial x^12 + x^11 + x^3 + x^2 + x + 1 over the two bytes of `index`."""
    remainder = index << 12
    for bit in range(15, -1, -1):
        if remainder >> (bit + 12) & 1:
            remainder ^= 0x180F << bit
    return remainder & 0xFFF
