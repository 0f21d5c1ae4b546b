"""The installed service in a real systemd: started, fed, broken, told to reload and to stop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Hang
from tests.standin.script import MODELS, TRANSCRIBE
from tests.systemd.freezing import frozen

pytestmark = pytest.mark.xdist_group("systemd")

QUICK_RESTART = "[Service]\nRestartSec=100ms\n"
PAGE = Path(__file__).resolve().parents[2] / "docs/service.md"
UNAVAILABLE = 69
CONFIG_ERROR = 78


@pytest.fixture
def talk(recordings):
    """Give a recording of several chunks."""
    return recordings.make("m4a-faststart", 45.0)


def wait_for_answers(service, count):
    """Wait until so many chunks have been answered."""
    wait_for(lambda: len(service.standin.calls(TRANSCRIBE)) >= count, what=f"{count} answers")


def hang_second_chunk(service):
    """Let the first chunk be answered and the next one hang."""
    service.standin.script.add(Hang(), nth=2)


def wait_for_hanging(service):
    """Wait until a request hangs."""
    wait_for(lambda: service.standin.script.hanging, what="a request that hangs")


def test_a_dropped_recording_becomes_a_transcript(service, recordings):
    """A service set up by `init --systemd` and a key is ready, watches, and says when it has nothing to do."""
    spoken = recordings.make()
    service.start()
    service.drop(spoken.path, "memo.wav")
    service.finish("memo.wav")
    wait_for(lambda: service.show("StatusText") == "nothing to do", what="nothing to do")

    assert service.words("memo") == spoken.words
    assert service.show("ActiveState") == "active"


def test_a_second_installation_changes_nothing(service):
    """Who runs `init --systemd` again keeps the files that are there, also those that were changed."""
    before = service.config.read_text()
    said = service.lab.run("/opt/voxtrald/bin/voxtrald", "init", "--systemd", "--yes").stdout

    assert service.config.read_text() == before
    assert "is there and differs: /etc/voxtrald/config.yaml" in re.sub(" +", " ", said)
    assert "Wrote 0 of 4 files." in said


def test_what_runs_and_waits_stands_in_the_status(service, recordings):
    """`systemctl status` says how many recordings are in work and how many wait for their turn."""
    service.configure({"limits": {"recordings": 1, "requests": 1}})
    service.standin.script.add(Hang(), times=None)
    service.start()
    for number in range(6):
        service.drop(recordings.make(seed=number + 1).path, f"memo-{number}.wav")
    wait_for(lambda: "4 running, 2 waiting" in service.status(), what="the counts in the status")

    assert files_in(service.outbox) == []


# --- the far side -------------------------------------------------------------------------------------------


def test_an_unreachable_service_is_waited_for(service):
    """Without a way to the service the daemon is ready to wait for it."""
    service.configure({"engine": {"base_url": "http://127.0.0.1:9"}})
    service.start()
    waited = service.wait_event("key_not_accepted_yet")

    assert service.show("SubState") == "running"
    assert "127.0.0.1" in waited[0]["error"]


def test_a_service_that_does_not_answer_does_not_hold_the_start_up(service):
    """Where the question about the key gets no answer, the daemon is ready after a while."""
    service.standin.script.add(Hang(), match=MODELS)
    service.start()
    wait_for_hanging(service)

    assert service.show("SubState") == "running"


def test_a_refused_key_is_told_in_the_status(service):
    """A key that the service does not accept holds all work, and the status says so before anything was dropped."""
    service.key.write_text("another-key\n")
    service.start()
    wait_for(lambda: "held: " in service.show("StatusText"), what="the hold in the status")

    assert service.show("ActiveState") == "active"
    assert service.events("work_held")
    service.standin.violations.clear()  # a wrong key is one


def test_a_missing_key_is_a_plain_message_and_the_end(service):
    """Without a key the service ends with 78, says where the key belongs, and is not started again and again."""
    service.key.unlink()
    started = service.try_start()

    assert started.returncode != 0
    assert service.show("ExecMainStatus") == str(CONFIG_ERROR)
    assert service.show("NRestarts") == "0"
    assert service.show("ActiveState") == "failed"
    assert "no API key was found" in service.journal()
    assert "systemd credential `api-key`" in service.journal()


def test_a_key_can_be_encrypted(service, recordings):
    """A key that only this machine can decrypt works like a plain one, with the drop-in that the pages show."""
    lab, spoken = service.lab, recordings.make()
    service.key.unlink()
    lab.run("mkdir", "--mode=700", "/etc/credstore.encrypted")
    lab.run(
        *("systemd-creds", "encrypt", "--name=api-key", "-", "/etc/credstore.encrypted/voxtrald.api-key"),
        typed="test-key",
    )
    service.add_setting("[Service]\nLoadCredentialEncrypted=api-key:voxtrald.api-key\n")
    service.start()
    service.drop(spoken.path, "memo.wav")
    service.finish("memo.wav")

    assert service.words("memo") == spoken.words


# --- when it breaks -----------------------------------------------------------------------------------------


def test_a_hang_of_the_deciding_thread_brings_the_watchdog(service, recordings):
    """Where the thread that decides stands still, systemd starts the service anew and the log shows every thread."""
    service.add_setting(QUICK_RESTART + "WatchdogSec=2\n")
    service.start()
    with frozen(service.main_thread):
        wait_for(lambda: "Watchdog timeout" in service.journal(), what="the watchdog")
    wait_for(lambda: service.show("NRestarts") == "1", what="a restart")
    spoken = recordings.make()
    service.drop(spoken.path, "memo.wav")
    service.finish("memo.wav")

    journal = service.journal()
    assert "Fatal Python error: Aborted" in journal
    assert "daemon.py" in journal


def test_a_killed_service_goes_on_and_pays_nothing_twice(service, talk):
    """After SIGKILL systemd starts it again; the recording is finished, and what was answered is not asked again."""
    hang_second_chunk(service)
    service.add_setting(QUICK_RESTART)
    service.start()
    service.drop(talk.path, "talk.m4a")
    wait_for_hanging(service)
    wait_for(lambda: service.standin.paid.total() >= 1, what="a paid chunk")
    service.kill(9)
    service.standin.script.clear()
    service.finish("talk.m4a")

    assert service.show("NRestarts") == "1"
    assert service.words("talk") == talk.words
    assert service.events("recording_done")[0]["reused"] >= 1


def test_a_crash_without_end_is_given_up(service):
    """A service that cannot even begin is tried as often as its unit says, then left for a human."""
    service.add_setting("[Unit]\nStartLimitBurst=2\n[Service]\nRestartSec=10ms\n")
    service.configure({"audio": {"ffmpeg": "/nowhere/ffmpeg"}})
    service.try_start()
    wait_for(lambda: service.show("ActiveState") == "failed", what="the end of the tries")

    assert service.show("NRestarts") == "2"
    assert service.show("ExecMainStatus") == str(UNAVAILABLE)


# --- reload and stop ----------------------------------------------------------------------------------------


def test_a_bad_configuration_is_refused_in_the_status(service, recordings):
    """A reload of a file with a mistake keeps the old configuration and names mistake and line in the status."""
    service.start()
    good = service.config.read_text()
    service.config.write_text(f"{good}\nwatch: {{setle_s: 1}}\n".replace("watch:\n", "ignored:\n"))
    service.lab.run("systemctl", "reload", "voxtrald")
    wait_for(lambda: "reload refused" in service.status(), what="the refusal in the status")
    refused = service.status()
    spoken = recordings.make()
    service.drop(spoken.path, "memo.wav")
    service.finish("memo.wav")
    service.config.write_text(good)
    service.lab.run("systemctl", "reload", "voxtrald")
    wait_for(lambda: "reload refused" not in service.status(), what="the end of the refusal")

    assert "the old configuration stays" in refused
    assert "setle_s" in refused
    assert service.words("memo") == spoken.words
    assert service.show("NRestarts") == "0"


def test_a_stop_in_the_middle_of_a_chunk_is_clean(service, talk):
    """A stop during a request that does not end gives up after the grace, with nothing lost and nothing killed."""
    service.configure({"stop_grace_s": 1})
    hang_second_chunk(service)
    service.start()
    service.drop(talk.path, "talk.m4a")
    wait_for_hanging(service)
    service.lab.run("systemctl", "stop", "voxtrald")

    assert service.show("Result") == "success"
    assert service.show("ExecMainStatus") == "0"
    assert files_in(service.inbox) == ["talk.m4a"]
    assert [*files_in(service.outbox), *files_in(service.folders / "error")] == []


# --- several of them ----------------------------------------------------------------------------------------


def test_instances_are_apart(service, recordings):
    """Two services of one machine have folders, state and key of their own."""
    services = [service.another(instance=name) for name in ("lv", "en")]
    for number, each in enumerate(services, start=1):
        each.install()
        each.start()
        each.drop(recordings.make(seed=number).path, "memo.wav")
    for number, each in enumerate(services, start=1):
        each.finish("memo.wav")

        assert each.words("memo") == recordings.make(seed=number).words
    assert service.show("ActiveState") == "inactive"
    assert files_in(service.folders) == []


def test_the_doctor_runs_in_the_sandbox_of_the_service(service):
    """The line on the page runs `voxtrald check` with the service's user, folders, sandbox and key."""
    block = re.search(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    told = service.lab.run("bash", "-c", f'sudo() {{ "$@"; }}; {block[1]}', check=False)

    assert told.returncode == 0, told.stdout
    assert re.search(r"ok +key: found", told.stdout)
    assert re.search(r"ok +folders: can be written and moved between", told.stdout)
    assert re.search(r"ok +decoder: jailed: no new privileges, .*seccomp, limits", told.stdout)
    assert re.search(r"ok +service: .* accepts the key", told.stdout)
