"""The page about hostile files, made from the files and their verdicts.

`python -m tests.hostile.table` writes it anew; a test compares. That the verdicts are true is shown by the tests that
carry every file.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.hostile.expecting import EXPECTED
from tests.hostile.making import FILES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hostile.md"
PLACE = re.compile(r"(?<=<!-- files -->\n).*?(?=<!-- end of files -->)", re.DOTALL)


def files_table() -> str:
    """Write a row for every file: its name, the trick, what becomes of it."""
    rows = [f"| `{name}` | {trick(make.__doc__)} | {EXPECTED[name]} |" for name, make in FILES.items()]
    return "\n".join(["| File | What is done | What becomes of it |", "|---|---|---|", *rows]) + "\n"


def trick(docstring: str | None) -> str:
    """Write a trick on one line."""
    return " ".join((docstring or "").split())


def main() -> None:
    """Write the page anew."""
    page = PAGE.read_text("utf-8")
    PAGE.write_text(PLACE.sub(lambda _: files_table(), page), "utf-8")


if __name__ == "__main__":
    main()
