"""Tables for eyes, JSON for machines, and the options every benchmark has."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def options(description: str | None) -> argparse.ArgumentParser:
    """Give a parser with the options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where recordings are made once and kept")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    return parser


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Give a table in Markdown, with its cells aligned."""
    cells = [list(map(_shown, row)) for row in [columns, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n")
    print(table(columns, rows), flush=True)


def write(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write the figures where the user wants them."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def percentile(values: Sequence[float], percent: int) -> float:
    """Give a percentile of some values, by linear interpolation."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else _rounded(value)


def _rounded(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
