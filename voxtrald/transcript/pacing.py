"""How long it takes to say something, in any script.

Syllables tell the speed of speech best: between 5.2 a second (Mandarin) and 7.8 (Japanese, Spanish) when people read
aloud (Pellegrino, Coupé and Marsico, "A cross-language perspective on speech information rate", Language 87, 2011).
Chinese, Japanese and Korean write about one sign for each; alphabets need two to three letters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LETTERS_PER_S: Final = 12.0
SIGNS_PER_S: Final = 5.0

FASTEST: Final = 2.5
"""How much faster than usual people can speak: 30 letters a second, some six English words, is beyond an auctioneer."""

SLOWEST: Final = 5.0
"""How much slower than usual they speak in running speech: 2.4 letters a second is less than a dictation."""

_SIGN: Final = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)


def usual_ms(text: str) -> int:
    """Say how long it usually takes to say a text; blanks and punctuation take no time. Digits count as words do."""
    total_s = 0.0
    for character in text:
        if _SIGN.match(character):
            total_s += 1 / SIGNS_PER_S
        elif character.isdecimal():
            total_s += 4 / LETTERS_PER_S  # "7" is said as a word
        elif character.isalnum() or unicodedata.combining(character):
            total_s += 1 / LETTERS_PER_S
    return round(total_s * 1000)
