"""Others on the same state folder, the same service and the same bytes: nobody takes anything from under another."""

from __future__ import annotations

import pytest
import requests

from tests.e2e.crashing import CONFIG, REQUESTS, at_step, chunks_s, died, files_in, settled_s
from tests.e2e.daemon import KEY, opened, wait_for
from tests.sound.formats import FORMATS
from tests.sound.speech import compose, speak, write_wav
from tests.sound.speech import place as placed_word
from tests.sound.vocabulary import word_of
from tests.standin.faults import Hang, SlowBody
from tests.standin.script import LIST, SIGN, TRANSCRIBE, UPLOAD
from tests.standin.server import Standin
from voxtrald.steps import Step

SECONDS = 45.0


@pytest.fixture
def sharing_place(tmp_path):
    """Give a place whose service gives equal bytes one id."""
    with Standin(dedupe=True) as standin, opened(tmp_path, standin) as opened_place:
        yield opened_place
        assert standin.violations == []


def names_at(standin):
    """List the names of the files at the service."""
    return sorted(stored.filename for stored in standin.files)


def failed_calls(standin):
    """List the requests for a transcription or an address that came to nothing."""
    calls = (*standin.calls(SIGN), *standin.calls(TRANSCRIBE))
    return [(call.method, call.path, call.status) for call in calls if call.status != 200]


def leave_file(standin, name):
    """Upload a file that nobody of this installation made."""
    reply = requests.post(
        f"{standin.url}/v1/files",
        headers={"Authorization": f"Bearer {KEY}"},
        data={"purpose": "audio"},
        files={"file": (name, b"ID3" + bytes(100) + name.encode(), "audio/mpeg")},
        timeout=10,
    )
    assert reply.status_code == 200, reply.text


def test_a_second_daemon_is_refused(place):
    """A second daemon on one state folder ends with 74, names the first, and does not disturb it."""
    daemon = place.start()
    second = place.run("run")

    assert second.returncode == 74
    assert str(daemon.process.pid) in second.stderr
    assert daemon.stop() == 0


def test_a_starting_daemon_leaves_a_foreground_run_alone(place, recordings):
    """A daemon that starts while a foreground run waits for its answer does not delete that run's remote files."""
    talk = recordings.make("m4a-faststart", SECONDS)
    mine = place.root / "mine.m4a"
    mine.write_bytes(talk.path.read_bytes())
    place.configure(CONFIG)
    place.standin.script.add(Hang(), times=None)
    foreground = place.begin("transcribe", mine)
    wait_for(lambda: place.standin.records._open["transcription"] == REQUESTS, what="its requests under way")
    before = names_at(place.standin)
    daemon = place.start()
    wait_for(lambda: place.standin.calls(LIST), what="the daemon's look for leftovers")
    assert daemon.stop() == 0  # which waits for the deletions, if it made any
    assert names_at(place.standin) == before

    daemon = place.start()
    place.standin.script.clear()
    assert foreground.wait(timeout_s=40) == 0, foreground.tail()
    assert (place.root / "mine.txt").read_text().split() == talk.words
    assert set(place.standin.paid.values()) == {1}
    assert mine.exists()
    place.assert_clean()
    assert daemon.stop() == 0


def test_equal_recordings_do_not_disturb_one_another(sharing_place, recordings):
    """Recordings with the same bytes under several names at once are all exact and paid once, and leave no copy."""
    place, talk = sharing_place, recordings.make("m4a-faststart", SECONDS)
    names = ("one", "two", "three")
    place.standin.latency = (0.2, 0.0)
    daemon = place.start({**CONFIG, "limits": {"requests": 6}})
    for name in names:
        place.drop(talk.path, f"{name}.m4a")
    place.finish(*(f"{name}.m4a" for name in names), timeout_s=60)
    daemon.wait_event("recording_done", count=3)

    assert [place.words(name) for name in names] == [talk.words] * 3
    assert settled_s(place.standin) == chunks_s(place, "one")
    assert failed_calls(place.standin) == []
    place.assert_clean()
    assert daemon.stop() == 0


def test_equal_chunks_of_one_recording_do_not_disturb_one_another(sharing_place, tmp_path):
    """A recording with a long silence, whose chunks are the same bytes, ends exact, with no remote file left."""
    place, duration_ms = sharing_place, 100_000
    words = (*compose(8_000, seed=1), *(placed_word(word_of(500 + at), 90_000 + 600 * at) for at in range(12)))
    wav = write_wav(tmp_path / "quiet.wav", speak(words, duration_ms))
    quiet = FORMATS["m4a-faststart"].write(wav, tmp_path / "quiet")
    place.standin.latency = (0.2, 0.0)
    daemon = place.start({**CONFIG, "limits": {"requests": 6}})
    place.drop(quiet)
    place.finish("quiet.m4a", timeout_s=40)

    assert place.words("quiet") == [word.text for word in words]
    assert max(place.standin.paid.values()) > 1, "no two chunks were the same"
    assert failed_calls(place.standin) == []
    place.assert_clean()
    assert daemon.stop() == 0


@pytest.mark.parametrize("step", [Step.UPLOAD_SENT, Step.UPLOAD_RECORDED])
def test_leftovers_of_a_killed_run_are_deleted_and_nobody_elses(place, recordings, step):
    """A start deletes what an earlier run left at the service, known by id or by name only, and nothing of others."""
    talk = recordings.make("m4a-faststart", SECONDS)
    others = ["holiday.mp3", "voxtrald-0000000000000000-daemon-0123456789abcdef.mp3"]
    for name in others:
        leave_file(place.standin, name)
    doomed = place.start(CONFIG, command=at_step("kill", step, 2))
    dropped = place.drop(talk.path, "talk.m4a")
    died(doomed, after="recording_done")
    assert len(place.standin.files) > len(others)
    dropped.unlink()

    daemon = place.start()
    daemon.wait_event("leftovers_cleared")

    assert names_at(place.standin) == others
    assert files_in(place.outbox) == []
    assert daemon.stop() == 0


def test_looking_for_leftovers_spares_an_upload_under_way(place, recordings):
    """A copy that is stored, but whose upload is not answered yet, is no leftover, though the list names it."""
    talk = recordings.make("m4a-faststart", SECONDS)
    doomed = place.start(CONFIG, command=at_step("kill", Step.UPLOAD_SENT, 1))
    place.drop(talk.path, "talk.m4a")
    died(doomed, after="recording_done")
    place.standin.script.add(Hang(), match=LIST)
    place.standin.script.add(SlowBody(3.0), match=UPLOAD, times=2)
    daemon = place.start()
    wait_for(lambda: len(place.standin.files) == 1 + 2, what="two uploads, stored and not answered")
    place.standin.script.release()
    place.finish("talk.m4a", timeout_s=40)
    daemon.wait_event("recording_done")

    assert place.words("talk") == talk.words
    assert failed_calls(place.standin) == []
    place.assert_clean()
    assert daemon.stop() == 0
