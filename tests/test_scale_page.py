"""The page about scale says what its script computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.scale import CASES, SITES, TABLES, USUAL, written

PAGE = (Path(__file__).resolve().parent.parent / "docs/scale.md").read_text("utf-8")


def between(name: str) -> str:
    """Cut a table out of the page."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", PAGE, re.DOTALL)
    assert found, f"the page has no place for {name}"
    return found[1]


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_script(name):
    """Every table on the page is computed from today's figures and today's code."""
    assert between(name) == f"{TABLES[name]()}\n", "write it anew: python -m benchmarks.scale --write docs/scale.md"


def test_the_comparison_with_a_real_run_has_its_figures():
    """The page shows what was simulated, what was measured, and the error, in every row."""
    head, _, *rows = between("validation").splitlines()

    assert [cell.strip() for cell in head.split("|")][2:5] == ["simulated", "measured", "error"]
    assert rows
    assert all(re.fullmatch(r"\| [^|]+\| [\d.]+ +\| [\d.]+ +\| [+-]\d+ % +\|", row) for row in rows)


def test_every_machine_of_a_case_is_described():
    """No case of the simulation runs on a machine that the page does not show."""
    names = {site.name for site in SITES}

    assert {case.site.name for case in CASES if not case.site.name.startswith(USUAL.name)} <= names


def test_a_table_without_a_place_is_an_error():
    """A page that lost its marks is told, and not left as it was in silence."""
    with pytest.raises(ValueError, match="no place for figures"):
        written("a page without marks", {"figures": "a table"})
