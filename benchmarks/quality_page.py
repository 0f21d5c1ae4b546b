"""Puts measured tables into a page of the documentation, between marks that nobody sees."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import reporting


def options(description: str | None) -> argparse.ArgumentParser:
    """Give a parser with the options that all benchmarks share, and the page to write to."""
    parser = reporting.options(description)
    parser.add_argument("--write", type=Path, help="also put the tables into this page, between their marks")
    return parser


def put(page: Path | None, name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, and put it into the page between `<!-- NAME -->` and `<!-- /NAME -->`."""
    reporting.show(title, columns, rows)
    if page is None:
        return
    lines = [[_shown(cell) for cell in row] for row in [columns, ["---"] * len(columns), *rows]]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = page.read_text("utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{page} has no place for {name}")
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{title}\n\n{table}\n\n{found[2]}", text), encoding="utf-8")


def _shown(cell: object) -> str:
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)
