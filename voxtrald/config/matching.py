"""Match a recording's path inside the inbox against a rule's pattern. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath


def matches(pattern: str, relative: PurePosixPath) -> bool:
    """Tell whether the whole of `relative` fits `pattern`.

    `*`, `?` and `[abc]` stay within one folder; `**` as a whole part stands for any number of folders, none
    included, and at the end for everything below. Case matters. Composed and decomposed letters are the
    same, since macOS shares hand out decomposed names.
    """
    return _compiled(pattern).fullmatch(_composed(relative.as_posix())) is not None


def pattern_fault(pattern: str) -> str:
    """Say why `pattern` can never match a path inside the inbox, or return nothing."""
    if pattern.startswith("/"):
        return "must not begin with /, it starts at the inbox"
    if "\\" in pattern:
        return "must separate folders with /, not with a backslash"
    if any(part in {"", ".", ".."} for part in pattern.split("/")):
        return "must not have empty parts, `.` or `..` between its slashes"
    return ""


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = _composed(pattern).split("/")
    *folders, last = parts
    written = "".join(r"(?:[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in folders)
    return re.compile(written + (".+" if last == "**" else _part(last)), re.DOTALL)


_PIECES = re.compile(r"\*+|\?|\[(?P<not>!?)(?P<signs>\]?[^\]]*)\]|.", re.DOTALL)


def _part(part: str) -> str:
    return "".join(_piece(found) for found in _PIECES.finditer(part))


def _piece(found: re.Match[str]) -> str:
    written = found[0]
    if written.startswith("*"):
        return "[^/]*"
    if written == "?":
        return "[^/]"
    if found["signs"]:
        return _one_of(found["signs"], is_negated=bool(found["not"]))
    return re.escape(written)


def _one_of(signs: str, *, is_negated: bool) -> str:
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", signs)
    try:
        re.compile(f"[{escaped}]")
    except re.error:  # a range that runs backwards, such as [z-a], matches nothing
        return "[^/]" if is_negated else "(?!)"
    return f"(?!/)[^{escaped}]" if is_negated else f"(?!/)[{escaped}]"
