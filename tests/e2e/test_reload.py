"""SIGHUP: a good configuration counts from now on, a bad one changes nothing."""

from __future__ import annotations

import signal

from tests.standin.faults import Hang
from tests.standin.script import TRANSCRIBE


def reload(daemon, *, expecting):
    """Send SIGHUP and give the event that follows."""
    daemon.signal(signal.SIGHUP)
    return daemon.wait_event(expecting)[-1]


def test_a_good_configuration_counts_for_new_recordings(place, recordings):
    """After a reload new recordings follow the new settings, one in work keeps those it began with."""
    place.standin.script.add(Hang())
    daemon = place.start({"engine": {"language": "de"}, "output": {"formats": ["txt", "json"]}})
    place.drop(recordings.make(seed=1).path, "old.wav")
    daemon.wait_event("recording_begun")
    place.configure({"engine": {"language": "lv"}, "output": {"formats": ["txt", "md"]}})
    reload(daemon, expecting="reloaded")
    place.drop(recordings.make(seed=2).path, "new.wav")
    place.finish("new.wav")
    place.standin.script.release()
    place.finish("old.wav")

    assert daemon.stop() == 0
    assert [request.values("language") for request in place.standin.calls(TRANSCRIBE)] == [("lv",), ("de",)]
    assert (place.outbox / "new.md").exists()
    assert (place.outbox / "old.json").exists()
    assert not (place.outbox / "old.md").exists()


def test_a_bad_configuration_changes_nothing(place, recordings):
    """A reload of a file with mistakes is refused with every mistake in the log, and work goes on as before."""
    daemon = place.start({"engine": {"language": "de"}})
    place.config.write_text("engine: {languag: lv}\nretry: {attempts: 0}\n")
    refused = reload(daemon, expecting="reload_refused")
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert [("languag" in problem, "attempts" in problem) for problem in refused["problems"]] == [
        (True, False),
        (False, True),
    ]
    assert place.standin.calls(TRANSCRIBE)[0].values("language") == ("de",)


def test_other_folders_need_a_restart(place, recordings):
    """A reload that moves a folder is refused and named; recordings still go where they went."""
    daemon = place.start()
    place.configure({"folders": {"outbox": "elsewhere"}})
    refused = reload(daemon, expecting="reload_refused")
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert refused["problems"] == ["folders.outbox needs a restart to change"]
    assert not (place.root / "elsewhere").exists()


def test_a_missing_key_file_refuses_the_reload(place, recordings):
    """A reload that finds no key keeps the old one and says so; the daemon lives on."""
    key_file = place.root / "key"
    key_file.write_text("test-key")
    key_file.chmod(0o600)
    daemon = place.start({"engine": {"api_key_file": key_file}})
    key_file.unlink()
    reload(daemon, expecting="reload_refused")
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert place.words("memo") == recordings.make().words


def test_the_log_level_follows_a_reload(place):
    """A new log level counts at once."""
    daemon = place.start()
    place.configure({"logging": {"level": "warning"}})
    reload(daemon, expecting="reloaded")

    assert daemon.stop() == 0
    assert daemon.events("daemon_stopped") == []


def test_what_only_a_restart_can_change_is_said_and_not_half_done(place):
    """A new way of watching is refused at a reload, with the key's name, rather than taken and not followed."""
    daemon = place.start()
    place.configure({"watch": {"settle_s": 3.0}, "logging": {"level": "error"}})
    refused = reload(daemon, expecting="reload_refused")

    assert refused["problems"] == ["watch.settle_s needs a restart to change"]
    assert daemon.stop() == 0
    assert daemon.events("daemon_stopped")  # the level of the log is as it was
