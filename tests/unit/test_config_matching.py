"""Patterns of rules."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config.matching import matches, pattern_fault

parts = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=6).filter(
    lambda part: part not in {".", ".."}
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("lv/**", "lv/a.mp3", True),
        ("lv/**", "lv/2026/a.mp3", True),
        ("lv/**", "lv", False),
        ("lv/**", "lvx/a.mp3", False),
        ("lv/*", "lv/a.mp3", True),
        ("lv/*", "lv/2026/a.mp3", False),
        ("*.mp3", "a.mp3", True),
        ("*.mp3", "lv/a.mp3", False),
        ("**/*.mp3", "a.mp3", True),
        ("**/*.mp3", "lv/2026/a.mp3", True),
        ("lv/**/a.mp3", "lv/a.mp3", True),
        ("lv/**/a.mp3", "lv/x/y/a.mp3", True),
        ("a**b", "a1b", True),
        ("a**b", "a/b", False),
        ("talk?.mp3", "talk1.mp3", True),
        ("talk?.mp3", "talk.mp3", False),
        ("talk[0-9].mp3", "talk7.mp3", True),
        ("talk[!0-9].mp3", "talk7.mp3", False),
        ("a[!x]b", "a/b", False),
        ("talk[1.mp3", "talk[1.mp3", True),
        ("LV/**", "lv/a.mp3", False),
        ("a.mp3", "abmp3", False),
        ("R\u0113zekne/*", "Re\u0304zekne/a.mp3", True),
    ],
)
def test_patterns_match_whole_paths(pattern, path, expected):
    """A pattern covers the whole path; only `**` crosses folders, case counts, accents may be composed."""
    assert matches(pattern, PurePosixPath(path)) is expected


@given(path=paths)
def test_two_stars_match_everything(path):
    """`**` matches every path."""
    assert matches("**", PurePosixPath(path))


@given(path=paths)
def test_a_plain_path_matches_itself(path):
    """A path without signs of a pattern matches itself, also when its letters are decomposed."""
    pattern = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)

    assert matches(pattern, PurePosixPath(unicodedata.normalize("NFD", path)))


@given(path=paths)
def test_a_plain_path_matches_nothing_longer(path):
    """A path without signs of a pattern does not match a name that goes on."""
    pattern = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)

    assert not matches(pattern, PurePosixPath(f"{path}x"))


@given(pattern=st.text("ab*?[]!-^/\\", max_size=10), path=paths)
def test_any_pattern_can_be_asked(pattern, path):
    """No pattern, however odd, makes matching fail, unless it was refused."""
    assert pattern_fault(pattern) or matches(pattern, PurePosixPath(path)) in {True, False}


@pytest.mark.parametrize(
    ("pattern", "is_fine"),
    [
        ("lv/**", True),
        ("a b", True),
        ("", False),
        ("/lv", False),
        ("lv/", False),
        ("../a", False),
        ("a\\b", False),
        ("talk[z-a].mp3", False),
    ],
)
def test_a_pattern_that_can_never_match_is_named(pattern, is_fine):
    """Patterns that no path inside the inbox can match have a fault."""
    assert (pattern_fault(pattern) == "") is is_fine
