"""The table of formats is about the kinds that are tried, and keeps what is promised."""

from __future__ import annotations

from tests.formats.kinds import KINDS
from tests.formats.table import HEAD, PAGE, PLACE, rounded_up, suffix
from tests.formats.trial import ENOUGH_MS


def rows() -> list[list[str]]:
    """Read the table, cell by cell."""
    place = PLACE.search(PAGE.read_text("utf-8"))
    assert place is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in place[0].splitlines()]


def test_the_table_has_a_row_for_every_kind():
    """Every kind that is tried has its row with what is said of it here; `make formats` writes them anew."""
    head, _, *told = rows()

    assert tuple(head) == HEAD
    assert [(row[0], row[1], row[2], row[6]) for row in told] == [
        (suffix(kind), kind.made_by, kind.holds, kind.remark) for kind in KINDS
    ]


def test_no_row_tells_of_a_larger_error_than_promised():
    """The errors in the table are within what the page promises, in whole steps."""
    errors_ms = [int(row[5].removesuffix(" ms")) for row in rows()[2:]]

    assert max(errors_ms) <= ENOUGH_MS
    assert errors_ms == [rounded_up(error_ms) for error_ms in errors_ms]
