"""Patterns of paths, for whoever lets people write them. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PIECES = re.compile(r"\*+|\?|\[(?P<not>!?)(?P<signs>\]?[^\]]*)\]|.", re.DOTALL)


def composed(text: str) -> str:
    """Compose the letters of a name or pattern (NFC): macOS shares hand out decomposed names."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for `fullmatch` on a whole `composed` path with slashes.

    `*`, `?` and `[abc]` stay within one name. `**` as a whole part stands for any number of folders, none included,
    and at the end for everything below. Case matters.

    Raises:
        ValueError: the pattern makes no sense, such as `[z-a]`.
    """
    *folders, last = composed(pattern).split("/")
    above = "".join("(?:[^/]+/)*" if folder == "**" else f"{_expression(folder)}/" for folder in folders)
    return re.compile(above + (".+" if last == "**" else _expression(last)), re.DOTALL)


def _expression(part: str) -> str:
    return "".join(_piece(found) for found in _PIECES.finditer(part))


def _piece(found: re.Match[str]) -> str:
    written = found[0]
    if written.startswith("*"):
        return "[^/]*"
    if written == "?":
        return "[^/]"
    if found["signs"]:
        return _one_of(found["signs"], negation="^" if found["not"] else "")
    return re.escape(written)


def _one_of(signs: str, *, negation: str) -> str:
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", signs)
    try:
        re.compile(f"[{escaped}]")
    except re.error as error:
        raise ValueError(f"the range in [{signs}] runs backwards") from error
    return f"(?!/)[{negation}{escaped}]"
