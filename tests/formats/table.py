"""Try recordings of two hours of every kind, and write the table in docs/formats.md of what was seen.

`make formats`, or `python -m tests.formats.table [NAME ...]` to see single kinds without writing anything. It takes
some minutes and about 12 GB for its largest file, most of them empty.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

import structlog

from tests.formats.kinds import KINDS, Kind
from tests.formats.saying import SAYING
from tests.formats.trial import ENOUGH_MS, Heard, ffmpeg_of_tests, try_kind
from tests.formats.workshop import Workshop

PAGE: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "formats.md"
PLACE: Final = re.compile(r"(?<=<!-- formats -->\n).*?(?=<!-- end of formats -->)", re.DOTALL)
LENGTH_MS: Final = 2 * 3_600_000 + 30_000
STEP_MS: Final = 5
"""Errors are told in such steps, so that the table does not change by a hair."""

HEAD: Final = ("File", "Made by", "Holds", "A short one", "A long one", "Error at the end of two hours", "Remarks")


def row(kind: Kind, heard: Heard) -> str:
    """Write what was seen of a kind."""
    short, long = heard.ways
    error_ms = max(map(abs, heard.errors_ms[-len(SAYING) :]))
    cells = (suffix(kind), kind.made_by, kind.holds, short, long, f"{rounded_up(error_ms)} ms", kind.remark)
    return f"| {' | '.join(cells)} |"


def suffix(kind: Kind) -> str:
    """Give the ending by which people know the kind."""
    return f"`{Path(kind.file_name).suffix.removeprefix('.').lower() or 'none'}`"


def rounded_up(error_ms: int) -> int:
    """Round up to `STEP_MS`, to at least one step."""
    return max(1, -(-error_ms // STEP_MS)) * STEP_MS


def faults(heard: Heard) -> list[str]:
    """Say what is wrong, if anything."""
    found = list(heard.wrong)
    if not heard.is_complete:
        found.append("the end is in no chunk")
    if any(abs(error_ms) > ENOUGH_MS for error_ms in heard.errors_ms):
        found.append(f"off by {min(heard.errors_ms)} to {max(heard.errors_ms)} ms")
    return found


def main(names: list[str]) -> int:
    """Try all kinds, or those named; write the table where all were tried and none failed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    ffmpeg, rows, wrong = ffmpeg_of_tests(), [], 0
    with tempfile.TemporaryDirectory(prefix="formats-") as folder:
        root = Path(folder)
        (root / "shop").mkdir()
        shop = Workshop(root / "shop", length_ms=LENGTH_MS)
        for kind in [kind for kind in KINDS if not names or kind.name in names]:
            (work := root / kind.name).mkdir()
            heard = try_kind(kind, shop, work=work, ffmpeg=ffmpeg)
            rows.append(row(kind, heard))
            wrong += bool(faults(heard))
            print(f"{kind.name}: {'; '.join(faults(heard)) or rows[-1]}", flush=True)
    if not names and not wrong:
        rule = "|".join("---" for _ in HEAD)
        table = "\n".join([f"| {' | '.join(HEAD)} |", f"|{rule}|", *rows]) + "\n"
        PAGE.write_text(PLACE.sub(lambda _: table, PAGE.read_text("utf-8")), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
