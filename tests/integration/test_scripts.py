"""The operator's script runs by itself: with the whole story, without our secrets, and never for long."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from voxtrald.clock import Clock
from voxtrald.service.messages.happenings import Event, Happening
from voxtrald.service.messages.notifying import Errand, ScriptRunner
from voxtrald.service.messages.scripts import run_script
from voxtrald.stopping import Stop

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/x",
    "LC_ALL": "C.UTF-8",
    "MISTRAL_API_KEY": "s3cret",
    "CREDENTIALS_DIRECTORY": "/run/credentials",
    "NOTIFY_SOCKET": "/run/notify",
    "VOXTRALD_NOTIFY__URLS": "s3cret",
}
DONE = Happening(event=Event.DONE, recording="a b;$(x).wav", path="/out/a b;$(x).txt", outputs=("/out/a b;$(x).txt",))


@pytest.fixture
def script(tmp_path):
    """Give a function that writes a shell script and gives its path; it may write into the folder $0's."""

    def write(text, *, mode=0o755):
        path = tmp_path / "script"
        path.write_text(f"#!/bin/sh\ncd '{tmp_path}'\n{text}\n", encoding="utf-8")
        path.chmod(mode)
        return path

    return write


def run(path, happening=DONE, *, stop=None, limit_s=20.0):
    """Run a script."""
    return run_script(
        path, happening, environ=ENVIRON, monotonic_s=time.monotonic, stop=stop or Stop(), limit_s=limit_s
    )


def is_alive(pid):
    """Whether a process runs; a dead one that nobody has asked after does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - not a file in a folder of ours
            return stat.read().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


def test_it_gets_the_path_and_the_story(script, tmp_path):
    """The argument is the result's path, whatever signs are in it, and standard input is the story as JSON."""
    ran = run(script('printf "%s|" "$#" "$1" > args; cat > story; echo said; echo so >&2'))

    assert (tmp_path / "args").read_text() == "1|/out/a b;$(x).txt|"
    assert json.loads((tmp_path / "story").read_text()) == {**DONE.as_json(), "result": None}
    assert ran.trouble == ""
    assert ran.output == "said so"


def test_it_gets_the_result_where_there_is_one(script, tmp_path):
    """A JSON result among the outputs is in the story; one that somebody has taken away is not missed."""
    result = tmp_path / "talk.json"
    result.write_text('{"text": "good evening"}', encoding="utf-8")
    done = replace(DONE, outputs=(*DONE.outputs, str(result)))

    run(script("cat > story"), done)
    there = json.loads((tmp_path / "story").read_text())
    result.unlink()
    run(script("cat > story"), done)
    gone = json.loads((tmp_path / "story").read_text())

    assert (there["result"], there["event"]) == ({"text": "good evening"}, "done")
    assert gone["result"] is None


def test_an_event_without_a_path_has_no_argument(script, tmp_path):
    """At a hold there is no result, so there is no argument."""
    run(script("echo $# > args"), Happening(event=Event.HELD, service="api", reason="refused"))

    assert (tmp_path / "args").read_text() == "0\n"


def test_it_does_not_get_our_secrets(script, tmp_path):
    """Keys, credentials and the service manager's socket are not in its environment."""
    run(script("env > env; pwd -P > where"))

    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HOME", "LC_ALL", "VOXTRALD_EVENT"}


@pytest.mark.parametrize(
    ("text", "trouble"), [("exit 3", "ended with 3"), ("kill -KILL $$", "was ended by SIGKILL"), ("true", "")]
)
def test_how_it_ended_is_said(script, text, trouble):
    """A script that ends with an error is trouble, with its code or signal."""
    assert run(script(text)).trouble == trouble


def test_one_that_is_not_there_or_no_program_is_trouble(script, tmp_path):
    """What cannot be started is said in words."""
    assert run(tmp_path / "none").trouble == "cannot be started: no such file or directory"
    assert run(script("true", mode=0o644)).trouble == "cannot be started: permission denied"


def test_one_that_does_not_read_or_says_too_much_is_no_problem(script):
    """Input that nobody reads and output without end are let go; the beginning is kept, cut short."""
    ran = run(script("exec <&-; head -c 3000000 /dev/zero | tr '\\0' x"))

    assert ran.trouble == ""
    assert len(ran.output) <= 300


def test_one_that_takes_too_long_is_ended_with_all_it_started(script, tmp_path, wait_until):
    """At the limit the whole group goes, also a child in the background that ignores SIGTERM."""
    ran = run(script("(trap '' TERM; sleep 100) & echo $! > child; trap '' TERM; sleep 100; sleep 100"), limit_s=0.5)
    child = int((tmp_path / "child").read_text())

    assert ran.trouble == "took too long and was ended"
    wait_until(lambda: not is_alive(child), what="the end of the child")


def test_nothing_is_left_running_behind_a_script_that_ended(script, tmp_path, wait_until):
    """A child that the script leaves in the background, with its output open, is not waited for, but ended."""
    ran = run(script("sleep 100 & echo $! > child"))
    child = int((tmp_path / "child").read_text())

    assert ran.trouble == ""
    wait_until(lambda: not is_alive(child), what="the end of the child")


def test_stop_ends_it(script, tmp_path, wait_until):
    """When the program ends, a running script is ended, too."""
    stop = Stop()
    ran = []
    path = script("exec >&-; echo > begun; sleep 100")
    thread = threading.Thread(target=lambda: ran.append(run(path, stop=stop)))
    thread.start()
    wait_until((tmp_path / "begun").exists)
    stop.set()
    thread.join(10)

    assert [each.trouble for each in ran] == ["was stopped with the program"]


def test_runs_come_one_after_the_other_and_failures_are_told(script, tmp_path):
    """The runner runs all errands in order; a failure is one warning and keeps nobody."""
    results = []
    runner = ScriptRunner(clock=Clock(), count=results.append, environ=ENVIRON)
    path = script('echo "$VOXTRALD_EVENT" >> events; test "$VOXTRALD_EVENT" = done')
    with capture_logs() as log:
        for event in (Event.DONE, Event.FAILED, Event.DONE):
            runner.run(Errand(script=path, happening=Happening(event=event)))
        runner.close(patience_s=20)

    assert (tmp_path / "events").read_text().split() == ["done", "failed", "done"]
    assert results == ["done", "failed", "done"]
    assert [(line["about"], line["trouble"]) for line in log if line["event"] == "script_failed"] == [
        ("failed", "ended with 1")
    ]
