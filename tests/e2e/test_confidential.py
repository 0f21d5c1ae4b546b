"""Rules choose engines: what must stay on the machine stays there, whatever is missing."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256

import pytest

from tests.e2e.daemon import COMMAND, files_in, wait_for
from tests.speech import sample, word_error_rate
from tests.standin.script import TRANSCRIBE, UPLOAD

PATIENCE_S = 120.0
CLOSED = ("unshare", "--net")


def closed_network_works():
    """Whether this machine lets us run a program without any network."""
    return (
        shutil.which("unshare") and not subprocess.run([*CLOSED, "true"], check=False, capture_output=True).returncode
    )


def rules(model):
    """Keep the confidential folder on the machine."""
    return {"rules": [{"match": "confidential/**", "engine": {"kind": "local", "model": str(model)}}]}


@pytest.mark.xdist_group("recogniser")
def test_a_confidential_folder_stays_on_the_machine(place, recordings, weights):
    """What the rule keeps here is transcribed here, the rest goes to the service, and nothing else leaves."""
    path, text = sample()
    public = recordings.make(seconds=5, seed=7)
    daemon = place.start(rules(weights))
    place.drop(path, "confidential/board.m4a")
    place.drop(public.path, "public.wav")
    place.wait_for("public.wav", "confidential/board.m4a", timeout_s=PATIENCE_S)

    assert daemon.stop() == 0
    assert place.words("public") == public.words
    assert word_error_rate(text, " ".join(place.words("confidential/board"))) < 0.2
    assert [call.sha256 for call in place.standin.calls(UPLOAD)] == [sha256(public.path.read_bytes()).hexdigest()]
    result = place.result("confidential/board")
    assert (result["engine"]["kind"], result["usage"]["cost"], result["remote_files"]) == ("local", 0, [])


@pytest.mark.xdist_group("recogniser")
@pytest.mark.skipif(not closed_network_works(), reason="needs the right to run a program without a network")
def test_a_confidential_recording_needs_no_network(place, recordings, weights):
    """Where there is no network at all, the confidential folder is served as ever and the rest waits."""
    path, text = sample()
    daemon = place.start(rules(weights), command=(*CLOSED, COMMAND))
    place.drop(recordings.make(seconds=5, seed=7).path, "public.wav")
    place.drop(path, "confidential/board.m4a")
    place.wait_for("confidential/board.m4a", timeout_s=PATIENCE_S)

    assert daemon.stop() == 0
    assert word_error_rate(text, " ".join(place.words("confidential/board"))) < 0.2
    assert files_in(place.inbox) == ["public.wav"]
    assert place.standin.requests == ()


def test_a_missing_recogniser_holds_what_must_not_be_sent(place, recordings, tmp_path):
    """Without its model the confidential folder waits, with the reason shown; the rest goes on, nothing is sent."""
    secret, public = recordings.make(seconds=4, seed=8), recordings.make(seconds=5, seed=7)
    daemon = place.start(rules(tmp_path / "no-model"))
    place.drop(secret.path, "confidential/board.wav")
    daemon.wait_event("work_held")
    place.drop(public.path, "public.wav")
    place.wait_for("public.wav")
    wait_for(lambda: "no-model" in "".join(place.run("status").stdout.split()), what="the reason in the status")

    assert daemon.stop() == 0
    assert files_in(place.inbox) == ["confidential/board.wav"]
    assert files_in(place.error) == []
    assert len(place.standin.calls(UPLOAD)) == len(place.standin.calls(TRANSCRIBE)) == 1
    assert place.words("public") == public.words
