"""Match a recording's path inside the inbox against a rule's pattern. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath

from voxtrald.globbing import compile_glob, composed


def matches(pattern: str, relative: PurePosixPath) -> bool:
    """Tell whether the whole of `relative` fits `pattern`, which is one that `pattern_fault` has nothing against."""
    return compile_glob(pattern).fullmatch(composed(relative.as_posix())) is not None


def pattern_fault(pattern: str) -> str:
    """Say why `pattern` can never match a path inside the inbox, or return nothing."""
    if pattern.startswith("/"):
        return "must not begin with /, it starts at the inbox"
    if "\\" in pattern:
        return "must separate folders with /, not with a backslash"
    if any(part in {"", ".", ".."} for part in pattern.split("/")):
        return "must not have empty parts, `.` or `..` between its slashes"
    return glob_fault(pattern)


def glob_fault(pattern: str) -> str:
    """Say why `pattern` makes no sense wherever it stands, or return nothing."""
    try:
        compile_glob(pattern)
    except ValueError as error:
        return f"is not a pattern: {error}"
    return ""
