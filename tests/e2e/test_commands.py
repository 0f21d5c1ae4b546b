"""The other commands and the exit codes, as a person at a shell or a service manager sees them."""

from __future__ import annotations

import os
import re
import stat

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, files_in, wait_for
from tests.standin.faults import Hang, Status

# --- check -----------------------------------------------------------------------------------------------------


def graded(run, grade):
    """Give the findings of one grade that `check` printed."""
    return [line for line in run.stdout.splitlines() if line.split(maxsplit=1)[:1] == [grade]]


def test_check_finds_nothing_wrong_where_nothing_is(place):
    """With key, folders, ffmpeg and service in order, every finding is fine and the exit code 0."""
    place.configure()
    run = place.run("check")

    assert (run.returncode, run.stderr) == (0, "")
    assert graded(run, "broken") == graded(run, "warning") == []
    subjects = {line.split()[1].rstrip(":") for line in graded(run, "ok")}
    assert subjects >= {"configuration", "ffmpeg", "folders", "key", "service"}
    assert "test-key" not in run.stdout


def test_check_tells_of_a_refused_key(place):
    """A key the service does not accept is broken, and not shown."""
    place.overrides["MISTRAL_API_KEY"] = "some-other-key"
    place.configure()
    run = place.run("check")

    assert run.returncode == 1
    assert [line for line in graded(run, "broken") if "service" in line and "401" in line] != []
    assert "some-other-key" not in run.stdout + run.stderr


def test_check_tells_of_an_unknown_model(place):
    """A model the service does not list is broken and named."""
    place.configure({"engine": {"model": "voxtral-mini-9999"}})
    run = place.run("check")

    assert run.returncode == 1
    assert [line for line in graded(run, "broken") if "voxtral-mini-9999" in line] != []


def test_check_tells_of_a_service_that_is_away(place):
    """A service that does not answer is a warning only: the daemon would wait for it."""
    place.standin.script.add(Status(503), match=("*", "/v1/**"), times=None)
    place.configure()
    run = place.run("check")

    assert run.returncode == 0
    assert [line for line in graded(run, "warning") if "service" in line] != []


def test_check_tells_of_a_folder_that_cannot_be_written(place):
    """An outbox that is no folder is broken and named, and the exit code 1."""
    place.configure()
    place.outbox.write_text("in the way")
    run = place.run("check")

    assert run.returncode == 1
    assert [line for line in graded(run, "broken") if "outbox" in line] != []


# --- status ----------------------------------------------------------------------------------------------------


def row(run, state):
    """Give the recordings in a state, as `status` prints them."""
    return [line.split()[1] for line in run.stdout.splitlines() if line.startswith(f"{state} ")]


def wait_for_status(place, pattern):
    """Ask for the status until a line of it matches, and give that answer."""
    answers = []

    def look():
        answers.append(place.run("status"))
        return re.search(pattern, answers[-1].stdout, re.MULTILINE)

    wait_for(look, what=f"{pattern} in the status")
    return answers[-1]


def test_status_without_a_daemon(place, recordings):
    """Before the first start there is nothing, and what lies in the inbox waits; looking changes nothing."""
    place.configure()
    place.drop(recordings.make().path, "memo.wav")
    run = place.run("status")

    assert run.returncode == 0
    assert "daemon: not running" in run.stdout
    assert row(run, "waiting") == ["memo.wav"]
    assert "paid today: nothing" in run.stdout
    assert not place.state.exists()


def test_status_while_working_and_afterwards(place, recordings, make_files):
    """A recording in work shows its pieces, a failed one its reason, a done one its result and what was paid."""
    place.standin.script.add(Hang(), nth=3, times=None)
    make_files(place.inbox, {"bad.mp3": bytes(range(256)) * 64})
    daemon = place.start({"chunks": SMALL_CHUNKS})
    place.wait_for_error("bad.mp3.error.txt")
    place.drop(recordings.make("wav", 30, seed=2).path, "talk.wav")
    wait_for(
        lambda: re.search(r"^running +talk.wav +2/\d", place.run("status").stdout, re.MULTILINE), what="two pieces done"
    )
    run = place.run("status")
    assert "daemon: running (pid" in run.stdout
    assert row(run, "failed") == ["bad.mp3"]
    assert "unreadable" in run.stdout
    place.standin.script.clear()
    place.wait_for_source("talk.wav")
    assert daemon.stop() == 0
    after = place.run("status")

    assert "daemon: not running" in after.stdout
    assert row(after, "done") == ["talk.wav"]
    assert row(after, "running") == []
    assert re.search(r"paid today: 0\.\d\d USD", after.stdout) is not None


# --- init ------------------------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_works(place):
    """The file that `init` writes is accepted as it is, and never overwritten."""
    first = place.run("init")
    place.config.write_text(place.config.read_text().replace("https://api.mistral.ai", place.standin.url))
    written = place.config.read_text()
    second = place.run("init")

    assert first.returncode == 0
    assert second.returncode == 1
    assert "already there" in second.stderr
    assert place.config.read_text() == written
    assert place.run("check").returncode == 0
    assert files_in(place.inbox) == []


# --- retry -----------------------------------------------------------------------------------------------------


def test_retry_of_what_never_failed(place):
    """A name nothing failed under is an error; `--all` with nothing to do is not; neither both nor none is usage."""
    place.configure()

    assert place.run("retry", "talk.wav").returncode == 1
    assert place.run("retry", "--all").returncode == 0
    assert place.run("retry").returncode == 64
    assert place.run("retry", "--all", "talk.wav").returncode == 64


# --- exit codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [("run", "--loud"), ("status", "extra"), ("transcribe",), ("transcribe", "no.mp3")]
)
def test_wrong_usage_is_64(place, arguments):
    """An unknown option, an argument too many or too few, a file that is not there: 64 and a word about it."""
    place.configure()
    run = place.run(*arguments)

    assert run.returncode == 64
    assert "Error" in run.stderr


def test_a_wrong_configuration_is_78_with_every_problem(place, recordings):
    """All mistakes are told at once, with their lines, before any file moves."""
    place.drop(recordings.make().path, "memo.wav")
    place.config.write_text(
        "engine:\n  languag: lv\n  api_key: sk-123\nretry:\n  attempts: 0\nchunks:\n  max_minutes: many\nwach: {}\n"
    )
    run = place.run("run")

    assert run.returncode == 78
    for place_of_it in (
        ":2: engine.languag",
        ":3: engine.api_key",
        ":5: retry.attempts",
        ":7: chunks.max_minutes",
        ":8: wach",
    ):
        assert place_of_it in run.stderr
    assert "sk-123" not in run.stderr
    assert files_in(place.inbox) == ["memo.wav"]
    assert not place.state.exists()


@pytest.mark.parametrize("command", ["run", "status", "check"])
def test_a_configuration_that_is_not_there_is_78(place, command):
    """A file named on the command line has to be there."""
    run = place.run(command)

    assert run.returncode == 78
    assert "config.yaml" in run.stderr


def test_a_missing_key_is_78(place, recordings):
    """Without a key the daemon does not start, says where it looked, and moves no file."""
    place.overrides["MISTRAL_API_KEY"] = None
    place.configure()
    place.drop(recordings.make().path, "memo.wav")
    run = place.run("run")

    assert run.returncode == 78
    assert "MISTRAL_API_KEY" in run.stderr
    assert files_in(place.inbox) == ["memo.wav"]


def test_a_missing_ffmpeg_is_69(place):
    """An ffmpeg that is not where the configuration says ends the start with 69."""
    place.configure({"audio": {"ffmpeg": "/nowhere/ffmpeg"}})
    run = place.run("run")

    assert run.returncode == 69
    assert "/nowhere/ffmpeg" in run.stderr


def test_a_damaged_ledger_is_74(place, recordings):
    """A ledger that is no database ends the start with 74; it is left as it is, and no file moves."""
    place.configure()
    place.drop(recordings.make().path, "memo.wav")
    place.state.mkdir(mode=0o700)
    ledger = place.state / "ledger.sqlite3"
    ledger.write_bytes(b"this is no database, whatever its name says " * 100)
    before = ledger.read_bytes()
    run = place.run("run")

    assert run.returncode == 74
    assert "ledger" in run.stderr
    assert ledger.read_bytes() == before
    assert files_in(place.inbox) == ["memo.wav"]


def test_a_second_daemon_is_74(place):
    """A second daemon on one state folder ends with 74 and names the first; the first goes on."""
    first = place.start()
    second = place.run("run")

    assert second.returncode == 74
    assert str(first.process.pid) in second.stderr
    assert first.process.poll() is None
    assert first.stop() == 0


def test_the_state_folder_is_private(place, recordings):
    """The state folder, which holds what was said, can be entered by its owner only, whatever the umask."""
    before = os.umask(0o000)
    try:
        daemon = place.start()
    finally:
        os.umask(before)
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert stat.S_IMODE(place.state.stat().st_mode) == 0o700
