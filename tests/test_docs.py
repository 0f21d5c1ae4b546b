"""What the pages say is so: configurations load, commands exist, lists are complete, figures agree."""

from __future__ import annotations

import ast
import json
import re
from importlib.resources import files
from pathlib import Path

import click
import jsonschema
import pytest

from tests.settings_table import PLACE, keys, settings_table
from tests.sound.formats import FORMATS as RECORDED
from voxtrald import errors
from voxtrald.cli.app import COMMANDS, EXIT_INTERRUPTED, EXIT_USAGE, voxtrald
from voxtrald.config import Settings, load_settings
from voxtrald.engines.voxtral.models import MODELS
from voxtrald.errors import Reason, VoxtraldError
from voxtrald.transcript.rendering import FORMATS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
SIGTERM_EXIT = 143

# A command stands at the start of a code span, or behind a prompt.
COMMAND = re.compile(r"(?:`|^\$ )voxtrald (?P<name>[a-z]+)(?P<rest>[^`\n#]*)", re.MULTILINE)


def read(name: str) -> str:
    """Read a page."""
    return (ROOT / name).read_text("utf-8")


def blocks(language: str) -> list:
    """Find the code blocks of a language on all pages, as parameters of a test."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(text, id=f"{page.name}-{number}")
        for page in PAGES
        for number, text in enumerate(fence.findall(page.read_text("utf-8")), start=1)
    ]


def section(name: str, heading: str) -> str:
    """Cut a section out of a page, from its heading to the next one of its rank."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", read(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Read the rows of the tables in a text, without their heads, cell by cell, without the marks of code."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    bodies = [line for line, below in zip(lines, [*lines[1:], ""], strict=True) if not is_rule(line, below)]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in bodies]


def is_rule(line: str, below: str) -> bool:
    """Whether a line is the rule under a table's head, or the head above it."""
    return any(re.fullmatch(r"[|\s:-]+", each) for each in (line, below) if each)


# --- the configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_configuration_on_a_page_is_valid(text, tmp_path):
    """What people copy from a page is accepted as it stands."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")

    assert isinstance(load_settings(path, environ={}), Settings)


def test_there_are_configurations_to_check():
    """The pages hold examples, and the test above sees them."""
    assert blocks("yaml")


def test_the_table_of_settings_is_complete():
    """The README's table has every key with its default and its explanation."""
    place = PLACE.search(read("README.md"))

    assert place is not None
    assert place[0] == settings_table(), "write it anew: python -m tests.settings_table"


def test_every_key_that_a_page_names_exists():
    """A key in a code span is one of the configuration's."""
    known = {key for key, _ in keys()}
    sections = {key.partition(".")[0] for key in known if "." in key}
    named = {
        f"{page.name}: {found[1]}"
        for page in PAGES
        for found in re.finditer(r"`([a-z]+\.[a-z_]+)(?:: [^`]*)?`", page.read_text("utf-8"))
        if found[1].partition(".")[0] in sections and not found[1].endswith((".py", ".yaml"))
    }

    assert {each for each in named if each.partition(": ")[2] not in known} == set()
    assert named


# --- the commands -------------------------------------------------------------------------------------------


def commands() -> dict[str, click.Command]:
    """Give every command by its name; they are imported when they are asked for."""
    context = click.Context(voxtrald)
    named = {name: voxtrald.get_command(context, name) for name in voxtrald.list_commands(context)}
    return {name: command for name, command in named.items() if command is not None}


def test_every_command_that_is_listed_is_there():
    """A name in the list of commands leads to a command of that name, and no other name does."""
    context = click.Context(voxtrald)

    assert {name: command.name for name, command in commands().items()} == {name: name for name in COMMANDS}
    assert voxtrald.get_command(context, "app") is None


def test_every_command_that_a_page_names_exists():
    """Each `voxtrald COMMAND` is a command, with the options that stand beside it."""
    known_commands = commands()
    wrong = []
    for page in PAGES:
        for found in COMMAND.finditer(page.read_text("utf-8")):
            command = known_commands.get(found["name"])
            options = re.findall(r"--[a-z-]+", found["rest"])
            known = {name for parameter in getattr(command, "params", ()) for name in parameter.opts} | {"--help"}
            if command is None or not set(options) <= known:
                wrong.append(f"{page.name}: {found[0]}")

    assert wrong == []


def test_the_table_of_commands_is_complete():
    """The README names every command, and every option that is not shared."""
    page = read("README.md")
    own = [
        option
        for command in commands().values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]

    assert {name for name in commands() if f"| `voxtrald {name}" not in page} == set()
    assert {option for option in own if f"`{option}" not in page} == set()


# --- what is listed -----------------------------------------------------------------------------------------


def all_errors() -> list[type[VoxtraldError]]:
    """List our exceptions."""
    own = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in own if issubclass(each, VoxtraldError)]


def test_the_list_of_reasons_is_complete():
    """Every reason of a failure is explained."""
    listed = [row[0] for row in rows(section("docs/errors.md", "Why a recording failed"))]

    assert listed == [reason.value for reason in Reason]


def test_the_list_of_classes_is_right():
    """Every class of errors is listed with its slug and its exit code, once."""
    listed = [tuple(row[:3]) for row in rows(section("docs/errors.md", "Classes of errors"))]

    assert sorted(listed) == sorted((each.slug, each.__name__, str(each.exit_code)) for each in all_errors())


def test_the_list_of_exit_codes_is_complete():
    """Every code that the program can end with is listed, in order."""
    listed = [int(row[0]) for row in rows(section("docs/errors.md", "Exit codes"))]
    signals = {EXIT_INTERRUPTED, SIGTERM_EXIT}

    assert listed == sorted({0, EXIT_USAGE, *signals, *(each.exit_code for each in all_errors())})


# How a function that writes to the log is written in the source, and what the page says of its level.
LOGGING = re.compile(r"_?log\.(debug|info|warning|error|critical)|(level|structlog\.get_logger\(\)\.log)")
CHOSEN_LEVELS = {"level": "info or warning", "structlog.get_logger().log": "warning or worse"}


def logged_events() -> set[tuple[str, str]]:
    """Find the events in the source with their levels: the first text that a logging call is given."""
    calls = [
        (node, found)
        for path in sorted((ROOT / "voxtrald").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and (found := LOGGING.fullmatch(ast.unparse(node.func)))
    ]
    return {
        (argument.value, found[1] or CHOSEN_LEVELS[found[2]])
        for call, found in calls
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_the_list_of_log_events_is_complete():
    """Every event that the program can log is explained, with its level, and no other."""
    listed = [tuple(row[:2]) for row in rows(section("docs/errors.md", "Log events"))]

    assert sorted(listed) == sorted(logged_events())


def test_the_list_of_tested_formats_is_right():
    """The README names every kind of file that the suite sends through the program."""
    endings = {each.extension for each in RECORDED.values()}

    assert {ending for ending in endings if not re.search(rf"\b{ending}\b", section("README.md", "Formats"))} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_the_list_of_output_formats_is_complete(page):
    """Pages that list output formats list all of them."""
    assert {name for name in FORMATS if f"`{name}`" not in read(page)} == set()


# --- the JSON result ----------------------------------------------------------------------------------------


def schema() -> dict:
    """Read the published schema of the JSON result."""
    return json.loads(files("voxtrald.transcript").joinpath("result.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("text", blocks("json"))
def test_every_result_on_a_page_is_valid(text):
    """The example of a JSON result satisfies the schema."""
    jsonschema.validate(json.loads(text), schema(), cls=jsonschema.Draft202012Validator)


def test_every_field_of_the_result_is_explained():
    """The page about results has a row for each field, in the file's order."""
    listed = [row[0] for row in rows(section("docs/results.md", "The JSON result"))]

    assert listed == list(schema()["properties"])


# --- figures ------------------------------------------------------------------------------------------------


def test_the_prices_are_those_of_the_program():
    """The README's prices, sources' dates and sums are those that the program counts with."""
    current = [rules for rules in MODELS if rules.price is not None and rules.retires_on is None]
    listed = {row[0].split("`")[0]: row for row in rows(section("README.md", "Cost"))}
    wanted = {
        next(name for name in listed if name in rules.names): [
            f"{rules.price.per_minute:g}",
            f"${rules.price.per_minute * 60:.2f}",
            rules.price.read_on.isoformat(),
        ]
        for rules in current
        if rules.price is not None
    }

    assert {name: [row[1], row[2], row[3][-10:]] for name, row in listed.items()} == wanted


def test_the_table_of_prices_is_that_of_the_program():
    """The page about money has every model with a price, its source and the day it was read there."""
    listed = {row[0]: row[1:] for row in rows(section("docs/money.md", "What it costs"))}
    priced = [rules for rules in MODELS if rules.price is not None]

    assert len(listed) == len(priced)
    assert listed == {
        next(name for name in listed if name in rules.names): [
            f"{rules.price.per_minute:g}",
            rules.price.source,
            rules.price.read_on.isoformat(),
        ]
        for rules in priced
        if rules.price is not None
    }


def test_what_a_piece_costs_is_computed_from_the_defaults():
    """The page about money names the price of the longest piece of the default model."""
    settings = Settings()
    price = next(rules.price for rules in MODELS if settings.engine.model in rules.names)
    assert price is not None
    minutes = settings.chunks.max_minutes

    assert f"{minutes:g} minutes cost ${minutes * price.per_minute:.2f}" in " ".join(read("docs/money.md").split())


def test_every_field_of_the_status_is_explained():
    """The page about the status has a row for each name in the JSON object, in its order."""
    status = json.loads(files("voxtrald.service").joinpath("status.schema.json").read_text("utf-8"))
    listed = [row[0] for row in rows(section("docs/status.md", "For scripts"))]

    assert listed == list(status["properties"])


def test_what_a_crash_can_cost_is_computed_from_the_defaults():
    """The README's worst case is what the default settings and the default model give."""
    settings = Settings()
    price = next(rules.price for rules in MODELS if settings.engine.model in rules.names)
    assert price is not None
    pieces, minutes = settings.limits.requests, settings.chunks.max_minutes
    worst = f"at most {pieces} pieces of {minutes:g} minutes, ${pieces * minutes * price.per_minute:.2f}"
    overlap = f"{settings.chunks.overlap_s:g} seconds in {minutes:g} minutes"

    page = " ".join(section("README.md", "Cost").split())
    assert worst in page
    assert f"{overlap}, {settings.chunks.overlap_s / minutes / 60:.1%}".replace("%", " %") in page


def test_what_was_not_tried_is_said():
    """The README says in plain words that the real API was never called."""
    assert "The real API could not be called" in read("README.md")
