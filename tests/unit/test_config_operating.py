"""The keys for operators: addresses with a port, templates, and a script nobody else can replace."""

from __future__ import annotations

import pytest

from voxtrald.config import listen_place, load_settings
from voxtrald.errors import ConfigError


@pytest.fixture
def problems(tmp_path):
    """Give a function that loads a configuration and gives what is wrong with it, as (key, what)."""

    def load(text):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            load_settings(path, environ={})
        except ConfigError as error:
            return [(problem.key, problem.what) for problem in error.problems]
        return []

    return load


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8643", ("127.0.0.1", 8643)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9", ("::1", 9)),
        ("::1:9", None),
        (":8643", None),
        ("8643", None),
        ("host:", None),
        ("host:65536", None),
        ("host:-1", None),
        ("http://host:1", None),
        ("a b:1", None),
    ],
)
def test_an_address_to_listen_at_has_a_host_and_a_port(text, place):
    """What is no host and port is none."""
    assert listen_place(text) == place


def test_a_bad_address_to_listen_at_is_a_problem(problems):
    """`metrics.listen` without a port is refused when the configuration is read."""
    assert problems("metrics: {listen: localhost}") == [("metrics.listen", "is not an address with a port")]


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{file}", "has the unknown part {file}"),
        ("{recording.__class__}", "has the unknown part {recording.__class__}"),
        ("{0}", "has the unknown part {0}"),
        ("{cost:.2f}", "must use its parts as they are, without `:` or `!`"),
        ("{", "has a brace without its partner"),
        ("  ", "must not be empty"),
    ],
)
def test_a_template_may_use_its_parts_and_nothing_else(problems, template, what):
    """A template that cannot be filled is refused when the configuration is read, not when something happens."""
    assert problems(f"notify: {{template: '{template}'}}") == [("notify.template", what)]


def test_good_templates_events_and_scripts_are_taken(problems):
    """Everything at once, outside and in a rule."""
    text = (
        "notify: {template: '{event} {{x}} {recording}', on: [resumed, held], script: /opt/tell}\n"
        "rules: [{match: 'a/**', notify: {urls: ['json://h'], on: []}}]\n"
    )

    assert problems(text) == []


@pytest.mark.parametrize("folder", ["inbox", "outbox", "error", "state"])
def test_a_script_must_not_lie_where_others_may_write(problems, folder):
    """A script in one of the four folders is refused, by its real place."""
    assert problems(f"notify: {{script: ./{folder}/x/../run.sh}}") == [
        ("notify.script", f"lies inside folders.{folder}")
    ]


def test_a_rules_script_is_looked_at_too(problems, tmp_path):
    """A link in a rule that leads into the inbox is found."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "tool").symlink_to(tmp_path / "inbox" / "run.sh")

    assert problems("rules: [{match: '**', notify: {script: ./tool}}]") == [
        ("rules[0].notify.script", "lies inside folders.inbox")
    ]


def test_addresses_are_not_shown(tmp_path):
    """The settings do not show the addresses of messages when they are printed."""
    path = tmp_path / "config.yaml"
    path.write_text("notify: {urls: ['mailto://u:s3cret@h']}", encoding="utf-8")

    assert "s3cret" not in repr(load_settings(path, environ={}))
