"""The page about hostile files says what the tests expect."""

from __future__ import annotations

from tests.hostile.table import PAGE, PLACE, files_table


def test_the_page_lists_every_file_with_its_verdict():
    """The table on the page is the one that the files and their verdicts give."""
    place = PLACE.search(PAGE.read_text("utf-8"))

    assert place is not None
    assert place[0] == files_table(), "write it anew: python -m tests.hostile.table"
