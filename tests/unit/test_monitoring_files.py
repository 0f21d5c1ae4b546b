"""The shipped dashboard, the alert rules and the page about them name figures that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from voxtrald.clock import Clock
from voxtrald.service.metrics.series import Metrics
from voxtrald.service.situation import ServiceState, Situation
from voxtrald.store.ledger import Ledger

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
PAGE = FOLDER.with_suffix(".md")
SITUATION = Situation(waiting=1, oldest_waiting_s=1.0, working=1, services=(ServiceState(service="a", state="closed"),))
OTHERS = {"up"}  # Prometheus' own
PER_TYPE = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
    "gauge": ("",),
}


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    """Give every family of figures, as a reader gets them."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    with Ledger.open(path, clock=Clock()) as ledger:
        metrics = Metrics(look=lambda: SITUATION, ledger=ledger)
        assert isinstance(metrics.registry, CollectorRegistry)
        return list(metrics.registry.collect())


@pytest.fixture(scope="module")
def series(families):
    """Give the names of all series, with their kinds and labels."""
    return {family.name + ending: family for family in families for ending in PER_TYPE[family.type]}


def rules():
    """Read the alert rules."""
    content = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def dashboard():
    """Read the dashboard."""
    return json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))


def panel_expressions():
    """Give the expressions of all panels, with what Grafana would put in for its variables."""
    targets = [target for panel in dashboard()["panels"] for target in panel["targets"]]
    return [target["expr"].replace("$instance", ".+") for target in targets]


def selectors(expression):
    """Parse an expression and give its vector selectors: name and label matchers."""
    found = []

    def look(node):
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        for name in ("lhs", "rhs", "expr", "args", "param"):
            below = getattr(node, name, None)
            for each in below if isinstance(below, list | tuple) else [below]:
                if isinstance(each, promql_parser.Expr):
                    look(each)

    look(promql_parser.parse(expression))
    return found


def expressions():
    """Give every expression that is shipped."""
    return [*(rule["expr"] for rule in rules()), *panel_expressions()]


def test_every_expression_parses_and_names_figures_that_exist(series):
    """Alerts and panels are PromQL, and what they look at is there."""
    named = {selector.name for expression in expressions() for selector in selectors(expression)}

    assert len(expressions()) > 30
    assert {name for name in named if name not in series} - OTHERS == set()


def test_every_label_that_is_selected_exists(series):
    """A selection by label uses labels that the figure has, or that Prometheus adds."""
    wrong = [
        (selector.name, matcher.name)
        for expression in expressions()
        for selector in selectors(expression)
        if selector.name in series
        for matcher in selector.matchers.matchers
        if matcher.name not in {"instance", "job", *_labels(series[selector.name])}
    ]

    assert wrong == []


def _labels(family):
    """Give a family's labels: those of its samples, or of the page where it has none yet."""
    from_samples = {label for sample in family.samples for label in sample.labels}
    row = next((row for row in _rows() if row[0].startswith(family.name)), ["", "", ""])
    return from_samples | set(re.findall(r"`(\w+)`", row[2]))


def test_every_figure_of_ours_is_used_by_the_dashboard_or_an_alert(families):
    """There is no figure that nobody looks at."""
    used = {selector.name for expression in expressions() for selector in selectors(expression)}

    unused = [
        family.name
        for family in families
        if family.name.startswith("voxtrald_") and not used & {family.name + ending for ending in PER_TYPE[family.type]}
    ]
    assert unused == []


def _rows():
    """Read the table of figures on the page, cell by cell."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `voxtrald_")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_lists_every_figure_with_its_kind(families):
    """The table in docs/monitoring.md is complete and right, and lists nothing else."""
    endings = {"counter": "_total", "info": "_info"}
    kinds = {"info": "gauge"}
    wanted = {
        (family.name + endings.get(family.type, ""), kinds.get(family.type, family.type))
        for family in families
        if family.name.startswith("voxtrald_")
    }

    assert {(row[0].strip("`"), row[1]) for row in _rows()} == wanted


def test_the_page_lists_the_labels(families):
    """Every label that a figure has is in the table."""
    listed = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in _rows()}
    wrong = [
        (sample.name, sample.labels)
        for family in families
        for sample in family.samples
        if sample.name in listed and not set(sample.labels) <= listed[sample.name]
    ]

    assert wrong == []


def test_names_follow_the_rules(families):
    """Names are in base units and in Prometheus' form; see https://prometheus.io/docs/practices/naming/."""
    ours = [family.name for family in families if family.name.startswith("voxtrald_")]

    assert [name for name in ours if not re.fullmatch(r"voxtrald(_[a-z]+)+", name)] == []
    assert [name for name in ours if re.search(r"_(ms|milliseconds|minutes|percent)(_|$)", name)] == []
    assert [family.name for family in families if not family.documentation] == []


def test_every_alert_says_what_to_do():
    """Each rule has a severity, a summary and a description, and no two share a name."""
    names = [rule["alert"] for rule in rules()]

    assert len(set(names)) == len(names) > 5
    assert all(rule["labels"]["severity"] in {"info", "warning", "critical"} for rule in rules())
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in rules())


def test_the_panels_do_not_lie_over_one_another():
    """Each place of the dashboard's grid belongs to one panel, and none leaves the grid of 24 columns."""
    places = [
        (x, y)
        for panel in dashboard()["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]

    assert len(places) == len(set(places))
    assert all(x < 24 for x, _ in places)
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])
