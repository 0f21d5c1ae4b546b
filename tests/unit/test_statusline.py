"""The line that `systemctl status` shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.service.situation import ServiceState, Situation
from voxtrald.service.systemd.statusline import STATUS_CHARACTERS, status_text


def situation(**changes):
    """Give a situation in which nothing happens, with changes."""
    return Situation(**{"waiting": 0, "oldest_waiting_s": 0.0, "working": 0, **changes})


HELD = ServiceState(service="api.example", state="held", reason="the key is refused")
AWAY = ServiceState(service="api.example", state="open")
FINE = ServiceState(service="api.example", state="closed")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "nothing to do"),
        ({"working": 2}, "2 running"),
        ({"working": 1, "waiting": 5}, "1 running, 5 waiting"),
        ({"waiting": 5, "held": 3}, "2 waiting, 3 held by a limit on spending"),
        ({"waiting": 5, "mending": 5}, "5 held by a file beside them"),
        ({"services": (FINE,)}, "nothing to do"),
        ({"waiting": 3, "services": (HELD,)}, "3 waiting; held: the key is refused (api.example)"),
        ({"waiting": 3, "services": (AWAY,)}, "3 waiting; api.example does not answer; it goes on by itself"),
        ({"inbox_trouble": "the share is gone"}, "nothing to do; the inbox is away: the share is gone"),
        ({"storage_trouble": "no room"}, "nothing to do; no room"),
    ],
)
def test_the_line_says_what_runs_and_what_stands_still(changes, line):
    """Counts come first, those that are nought are left out, and every trouble follows with its reason."""
    assert status_text(situation(**changes)) == line


def test_a_stop_is_said_first():
    """Who looks while the service stops sees that before all else."""
    assert status_text(situation(working=1), is_stopping=True) == "stopping; 1 running"


def test_a_refused_reload_stays_in_the_line():
    """A configuration that was not accepted is told with its mistake."""
    line = status_text(situation(), refused="config.yaml:3: watch.settle: is no key")

    assert line == "nothing to do; reload refused, the old configuration stays: config.yaml:3: watch.settle: is no key"


@given(st.text(), st.text())
def test_the_line_is_one_line_and_not_too_long(reason, refused):
    """Whatever a reason holds, the line has no break that systemd would take for the next assignment, and an end."""
    held = ServiceState(service="api.example", state="held", reason=reason * 50)
    line = status_text(situation(services=(held,)), refused=refused)

    assert len(line) <= STATUS_CHARACTERS
    assert "\n" not in line
