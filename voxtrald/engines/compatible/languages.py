"""From a language's English name to its code: some servers answer `english` where others answer `en`. Pure.

The names are those of Whisper's tokenizer (openai/whisper, whisper/tokenizer.py), which these servers repeat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_CODE = re.compile(r"[a-z]{2,3}")
_NAMES = """
    af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian,
    bn bengali, bo tibetan, br breton, bs bosnian, ca catalan, cs czech, cy welsh, da danish, de german, el greek,
    en english, es spanish, et estonian, eu basque, fa persian, fi finnish, fo faroese, fr french, gl galician,
    gu gujarati, ha hausa, haw hawaiian, he hebrew, hi hindi, hr croatian, ht haitian creole, hu hungarian,
    hy armenian, id indonesian, is icelandic, it italian, ja japanese, jw javanese, ka georgian, kk kazakh, km khmer,
    kn kannada, ko korean, la latin, lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy,
    mi maori, mk macedonian, ml malayalam, mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, ne nepali,
    nl dutch, nn nynorsk, no norwegian, oc occitan, pa punjabi, pl polish, ps pashto, pt portuguese, ro romanian,
    ru russian, sa sanskrit, sd sindhi, si sinhala, sk slovak, sl slovenian, sn shona, so somali, sq albanian,
    sr serbian, su sundanese, sv swedish, sw swahili, ta tamil, te telugu, tg tajik, th thai, tk turkmen, tl tagalog,
    tr turkish, tt tatar, uk ukrainian, ur urdu, uz uzbek, vi vietnamese, yi yiddish, yo yoruba, yue cantonese,
    zh chinese
"""
CODES: Mapping[str, str] = MappingProxyType(
    {name: code for code, _, name in (entry.strip().partition(" ") for entry in _NAMES.split(","))}
)


def code_of(language: object) -> str | None:
    """Give the ISO 639 code of a language that an answer names in either way; None for anything else."""
    text = language.strip().lower() if isinstance(language, str) else ""
    return CODES.get(text) or (text if _CODE.fullmatch(text) else None)
