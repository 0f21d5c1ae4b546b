"""Print which engine keeps which promise: run the contract test, and make a table for people of its outcome."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.engines.benches import KINDS

CONTRACT = Path(__file__).with_name("test_contract.py")
_SIGNS = {"passed": "yes", "failed": "**NO**", "skipped": "not tried"}


class Outcomes:
    """Collects from pytest what became of each case with each engine."""

    def __init__(self) -> None:
        self.by_case: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of the test itself, or of what kept it from running."""
        test, bracket, engine = report.nodeid.rpartition("::")[2].partition("[")
        if bracket and (report.when == "call" or report.outcome != "passed"):
            case = test.removeprefix("test_").replace("_", " ")
            self.by_case[case][engine.partition("]")[0]] = _SIGNS[report.outcome]


def write_table(outcomes: Outcomes, reasons: dict[tuple[str, str], str]) -> str:
    """Write the table in Markdown, and below it why some cases make no sense for some engines."""
    lines = [f"| | {' | '.join(KINDS)} |", f"|---|{'---|' * len(KINDS)}"]
    for case, by_engine in outcomes.by_case.items():
        lines.append(f"| {case} | {' | '.join(by_engine.get(name, '-') for name in KINDS)} |")
    notes = [f"- {name}, {case.replace('_', ' ')}: {reason}" for (case, name), reason in reasons.items()]
    return "\n".join([*lines, "", "`-` makes no sense there:", "", *notes])


def main() -> int:
    """Run and print."""
    from tests.engines.test_contract import MAKES_NO_SENSE  # noqa: PLC0415  pytest rewrites it when it is first imported

    outcomes = Outcomes()
    code = pytest.main(["--quiet", "--no-header", "-p", "no:cacheprovider", str(CONTRACT)], plugins=[outcomes])
    print(write_table(outcomes, MAKES_NO_SENSE))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
