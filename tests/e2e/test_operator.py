"""What an operator gets from a running daemon: figures, probes, messages and a script, and nothing unless asked."""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.daemon import KEY, wait_for
from tests.standin.faults import Status
from tests.webhook import webhook

SECRET = "p4ssw0rd-x"  # noqa: S105 - nobody's


@pytest.fixture
def hook():
    """Run a web hook."""
    with webhook() as running:
        yield running


def get(daemon, path):
    """Read a page of the daemon: status and text."""
    (served,) = daemon.events("metrics_served")
    try:
        with urllib.request.urlopen(f"http://{served['address']}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with closing(error):
            return error.code, error.read().decode()


def figure(daemon, name, **labels):
    """Read one figure; labels that are not given do not matter."""
    samples = [
        sample.value
        for family in text_string_to_metric_families(get(daemon, "/metrics")[1])
        for sample in family.samples
        if sample.name == f"voxtrald_{name}" and labels.items() <= sample.labels.items()
    ]
    return samples[0] if samples else None


def everything(place, hook, **notify):
    """Ask for figures, messages and a script; the script keeps what it was given in the place's root."""
    script = place.root / "script"
    script.write_text(f'#!/bin/sh\ncd "{place.root}"\ncat > story.tmp && echo "$1" > path && mv story.tmp story\n')
    script.chmod(0o755)
    return {
        "metrics": {"listen": "127.0.0.1:0"},
        "notify": {"urls": [hook.url(SECRET)], "script": script, **notify},
        "logging": {"level": "debug"},
    }


def test_a_recording_is_counted_told_and_handed_on(place, recordings, hook):
    """One drop: the figures say so, the message arrives, the script gets the result, and no password is in the log."""
    daemon = place.start(everything(place, hook))
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")
    wait_for(lambda: hook.titles() and (place.root / "story").exists(), what="message and script")
    wait_for(lambda: figure(daemon, "recordings_done_total") == 1, what="the count")
    story = json.loads((place.root / "story").read_text())
    figures = {
        name: figure(daemon, name)
        for name in ("turnaround_seconds_count", "answer_seconds_count", "preparing_seconds_count", "inbox_reachable")
    }

    assert get(daemon, "/health")[0] == 200
    assert get(daemon, "/ready") == (200, '{"ready": true, "why": []}\n')
    assert set(figures.values()) == {1}
    assert figure(daemon, "cost_total", currency="USD") > 0
    assert figure(daemon, "recordings", state="working") == 0
    assert daemon.stop() == 0
    assert hook.titles() == ["voxtrald: memo.wav done"]
    assert (story["event"], story["recording"], story["path"]) == ("done", "memo.wav", str(place.outbox / "memo.txt"))
    assert (place.root / "path").read_text().strip() == story["path"]
    assert SECRET not in daemon.log.read_text()


def test_a_refused_key_is_told_once(place, recordings, hook):
    """A hold makes the daemon unready and is one message, also after a reload that changes nothing."""
    place.standin.script.add(Status(401), times=None)
    daemon = place.start(everything(place, hook, on=["held", "resumed"]))
    place.drop(recordings.make().path, "memo.wav")
    daemon.wait_event("work_held")
    wait_for(hook.titles, what="the message")
    status, text = get(daemon, "/ready")
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("work_held", count=2)

    assert status == 503
    assert "is held" in json.loads(text)["why"][0]
    assert figure(daemon, "service_held") == 1
    assert get(daemon, "/health")[0] == 200
    assert daemon.stop() == 0
    assert [title.endswith("is held") for title in hook.titles()] == [True]
    assert KEY not in "".join(post["message"] for post in hook.posts)


def test_a_failed_recording_is_handed_on_with_its_report(place, hook):
    """A file that is no recording: counted by its reason, told with it, and the script gets the report."""
    daemon = place.start(everything(place, hook))
    place.inbox.mkdir(exist_ok=True)
    text = place.root / "text"
    text.write_bytes(b"no recording at all " * 20)
    place.drop(text, "bad.wav")
    place.wait_for_error("bad.wav.error.txt")
    wait_for(lambda: hook.titles() and (place.root / "path").exists(), what="message and script")
    wait_for(lambda: figure(daemon, "recordings_failed_total", reason="unsupported") == 1, what="the count")

    assert daemon.stop() == 0
    assert hook.titles() == ["voxtrald: bad.wav failed"]
    assert (place.root / "path").read_text().strip() == str(place.error / "bad.wav.error.txt")


def test_a_rule_has_its_own_ears(place, recordings, hook):
    """A rule's notify counts for its recordings, and the general one for the others."""
    daemon = place.start(
        {
            "notify": {"on": ["failed"]},
            "rules": [{"match": "loud/**", "notify": {"urls": [hook.url()], "on": ["done"]}}],
        }
    )
    place.drop(recordings.make(seed=1).path, "quiet.wav")
    place.drop(recordings.make(seed=2).path, "loud/memo.wav")
    place.finish("quiet.wav", "loud/memo.wav")

    assert daemon.stop() == 0
    assert hook.titles() == ["voxtrald: loud/memo.wav done"]


def test_a_hook_that_is_down_or_a_broken_script_keeps_nobody(place, recordings):
    """With an address nobody answers at and a script that is missing, recordings are done, and the end is quick."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    daemon = place.start({"notify": {"urls": [f"json://127.0.0.1:{port}/"], "script": place.root / "missing"}})
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")
    daemon.wait_event("script_failed")

    assert daemon.stop(timeout_s=15) == 0
    assert [event["why"] for event in daemon.events("notification_dropped")] == ["the program ends"]


def test_a_taken_port_ends_the_start(place):
    """Where the port of the figures is taken, the daemon says so at the start and ends with 78."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        place.configure({"metrics": {"listen": address}})
        ended = place.run("run")

    assert ended.returncode == 78
    assert f"metrics.listen: cannot listen at {address}: address already in use" in ended.stderr


def test_a_bad_address_ends_the_start_and_refuses_a_reload(place):
    """An address for messages that is none is said at the start, and a reload with one changes nothing."""
    place.configure({"notify": {"urls": ["nosuchthing://s3cret"]}})
    ended = place.run("run")
    daemon = place.start({})
    place.configure({"notify": {"urls": ["nosuchthing://s3cret"]}})
    daemon.signal(signal.SIGHUP)
    (refused,) = daemon.wait_event("reload_refused")

    assert daemon.stop() == 0
    assert ended.returncode == 78
    assert "nosuchthing://…" in ended.stderr
    assert "s3cret" not in ended.stderr
    assert [problem.partition(":")[0] for problem in refused["problems"]] == ["notify.urls"]


def test_messages_can_be_switched_on_by_a_reload(place, recordings, hook):
    """An address that a reload brings is told of what is done from then on."""
    daemon = place.start({})
    place.configure({"notify": {"urls": [hook.url()]}})
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("reloaded")
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert hook.titles() == ["voxtrald: memo.wav done"]
