"""Rules beside the audio: what people put into the inbox counts for their recordings, and for nobody else's."""

from __future__ import annotations

import pytest

from tests.e2e.daemon import KEY, files_in, wait_for
from tests.standin.script import TRANSCRIBE
from tests.standin.server import Standin

TXT = {"output": {"formats": ["txt"]}}


def put(place, name, text):
    """Write a file into the inbox."""
    path = place.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def asked(place, field):
    """Give the values of a field in each request, in their order."""
    return [call.values(field) for call in place.standin.calls(TRANSCRIBE)]


@pytest.fixture
def standin_elsewhere():
    """Run a second service."""
    with Standin() as running:
        yield running


@pytest.fixture
def audio(recordings):
    """Give a short recording, shared by these tests."""
    return recordings.make(seconds=3, seed=21)


def test_a_folders_rules_count_for_it_and_below(place, recordings, audio):
    """Language, names, speakers and formats of a folder are those of its recordings; the file stays there."""
    daemon = place.start(TXT)
    put(place, "lv/voxtrald.yaml", "language: lv\ndiarize: true\nspeakers: {speaker_1: Anna}\nformats: [json, txt]\n")
    put(place, "lv/deep/names.txt", "# people\nRēzekne\n")
    place.drop(audio.path, "lv/deep/talk.wav")
    place.drop(recordings.make(seconds=3, seed=22).path, "memo.wav")
    place.wait_for("lv/deep/talk.wav", "memo.wav")

    assert daemon.stop() == 0
    assert sorted(asked(place, "context_bias")) == [(), ("Rēzekne",)]
    assert sorted(asked(place, "diarize")) == [(), ("true",)]
    spoken = place.result("lv/deep/talk")["segments"]
    assert {(each["speaker"], each.get("speaker_label")) for each in spoken} >= {("Anna", "speaker_1")}
    assert "Anna: " in (place.outbox / "lv/deep/talk.txt").read_text("utf-8")
    assert files_in(place.inbox) == ["lv/deep/names.txt", "lv/voxtrald.yaml"]
    assert not (place.outbox / "memo.json").exists()


def test_a_recordings_own_file_wins_and_follows_it(place, audio):
    """What stands beside a recording counts before its folder's, and goes to the outbox with it."""
    daemon = place.start({"engine": {"timestamps": "none"}, **TXT})
    put(place, "voxtrald.yaml", "language: de\nvocabulary: [Ampel]\n")
    put(place, "talk.voxtrald.yaml", "language: fr\n")
    put(place, "talk.wav.voxtrald.yaml", "language: lv\n")
    place.drop(audio.path, "talk.wav")
    place.wait_for("talk.wav", "talk.wav.voxtrald.yaml", "talk.voxtrald.yaml")

    assert daemon.stop() == 0
    assert (asked(place, "language"), asked(place, "context_bias")) == ([("lv",)], [("Ampel",)])
    assert files_in(place.inbox) == ["voxtrald.yaml"]


def test_a_bad_file_holds_its_recordings_until_it_is_mended(place, recordings, audio):
    """The recording waits with a note that says what is wrong; others go on; a mended file lets it go on by itself."""
    daemon = place.start(TXT)
    bad = put(place, "lv/voxtrald.yaml", "languag: lv\n")
    place.drop(audio.path, "lv/talk.wav")
    place.wait_for_error("lv/voxtrald.yaml.error.txt")
    daemon.wait_event("recording_held")
    place.drop(recordings.make(seconds=3, seed=22).path, "memo.wav")
    place.wait_for_source("memo.wav")
    note = (place.error / "lv/voxtrald.yaml.error.txt").read_text("utf-8")
    status = wait_for(lambda: place.run("status").stdout, what="the status")
    waiting = files_in(place.inbox)
    bad.write_text("language: lv\n", "utf-8")
    place.wait_for_source("lv/talk.wav")

    assert daemon.stop() == 0
    assert waiting == ["lv/talk.wav", "lv/voxtrald.yaml"]
    assert "line 1: `languag`" in note
    assert "did you mean `language`?" in note
    assert "held" in status
    assert files_in(place.error) == []
    assert len(place.standin.calls(TRANSCRIBE)) == 2


def test_an_engine_is_chosen_only_where_it_is_offered(place, audio, standin_elsewhere):
    """A name that the administrator gives leads to that engine; another one, and any address, holds the recording."""
    key = place.root / "key"
    key.write_text(KEY, "utf-8")
    key.chmod(0o600)
    other = {"kind": "mistral", "base_url": standin_elsewhere.url, "api_key_file": key}
    rule = {"match": "own/**", "engine": {"base_url": place.standin.url + "/", "api_key_file": key}}
    daemon = place.start({**TXT, "sidecars": {"engines": {"other": other}}, "rules": [rule]})
    put(place, "a.voxtrald.yaml", "engine: other\n")
    put(place, "b.voxtrald.yaml", "engine: {kind: local}\n")
    put(place, "own/voxtrald.yaml", "engine: other\n")
    for name in ("a.wav", "b.wav", "own/c.wav"):
        place.drop(audio.path, name)
    place.wait_for_source("a.wav")
    place.wait_for_error("b.voxtrald.yaml.error.txt", "own/voxtrald.yaml.error.txt")
    daemon.wait_event("recording_held", count=2)

    assert daemon.stop() == 0
    assert len(standin_elsewhere.calls(TRANSCRIBE)) == 1
    assert place.standin.calls(TRANSCRIBE) == ()
    assert "a.wav" not in files_in(place.inbox)
    assert {"b.wav", "own/c.wav"} <= set(files_in(place.inbox))
    assert "other" in (place.error / "b.voxtrald.yaml.error.txt").read_text("utf-8")
    assert "none can be chosen here" in (place.error / "own/voxtrald.yaml.error.txt").read_text("utf-8")


def test_other_formats_are_made_of_what_was_paid(place, audio):
    """The same recording with other formats and names costs nothing; in another language it is asked anew."""
    daemon = place.start({"engine": {"timestamps": "none"}, **TXT})
    for number, text in enumerate(("language: lv\n", "language: lv\nformats: [md]\n", "language: de\n")):
        put(place, f"{number}/voxtrald.yaml", text)
        place.drop(audio.path, f"{number}/talk.wav")
        place.wait_for(f"{number}/talk.wav")

    assert daemon.stop() == 0
    assert asked(place, "language") == [("lv",), ("de",)]
    assert (place.outbox / "1/talk.md").exists()
    assert [done["reused"] for done in daemon.events("recording_done")] == [0, 1, 0]


def test_a_file_mended_while_nobody_looked_counts_at_the_next_start(place, audio):
    """After a restart the file is read anew: the recording is done, the note gone, and nothing was lost."""
    daemon = place.start(TXT)
    bad = put(place, "lv/talk.voxtrald.yaml", "language: Latvian\n")
    place.drop(audio.path, "lv/talk.wav")
    daemon.wait_event("recording_held")
    first_exit = daemon.stop()
    bad.write_text("formats: [md]\n", "utf-8")
    daemon = place.start()
    place.wait_for_source("lv/talk.wav", "lv/talk.voxtrald.yaml")

    assert (first_exit, daemon.stop()) == (0, 0)
    assert files_in(place.error) == files_in(place.inbox) == []
    assert (place.outbox / "lv/talk.md").exists()


def test_a_failed_recordings_file_goes_with_it_and_comes_back(place, tmp_path):
    """What stands beside a recording that fails lies beside it in the error folder, and `retry` brings both back."""
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"no sound at all" * 99)
    daemon = place.start(TXT)
    put(place, "talk.wav.voxtrald.yaml", "language: lv\n")
    place.drop(noise, "talk.wav")
    place.wait_for_error("talk.wav", "talk.wav.voxtrald.yaml")
    exit_code = daemon.stop()
    retried = place.run("retry", "talk.wav")

    assert (exit_code, retried.returncode) == (0, 0)
    assert files_in(place.inbox) == ["talk.wav", "talk.wav.voxtrald.yaml"]
    assert files_in(place.error) == []


def test_check_shows_what_a_recording_would_get(place):
    """Each setting stands there with its source: a file, a rule, the configuration; a bad file is named instead."""
    rule = {"match": "lv/**", "engine": {"diarize": True}}
    place.configure({"engine": {"timestamps": "word"}, "rules": [rule]})
    put(place, "lv/voxtrald.yaml", "language: lv\n")
    shown = place.run("check", "--recording", "inbox/lv/talk.m4a")
    put(place, "voxtrald.yaml", "langage: lv\n")
    bad = place.run("check", "--recording", place.inbox / "talk.m4a")
    elsewhere = place.run("check", "--recording", "../talk.m4a")

    assert [run.returncode for run in (shown, bad, elsewhere)] == [0, 1, 64]
    assert 'language: "lv"  (lv/voxtrald.yaml)' in shown.stdout
    assert "diarize: true  (the rule lv/**)" in shown.stdout
    assert 'timestamps: "word"  (the configuration)' in shown.stdout
    assert "(the default)" in shown.stdout
    assert "did you mean `language`?" in bad.stdout
