"""Servers with OpenAI's interface through the installed command: whole transcripts, useful times, the right key."""

from __future__ import annotations

import pytest

from tests.engines.flavours import FLAVOURS, KEY, MODEL
from tests.engines.lookalike import playing


@pytest.fixture
def server_for(place):
    """Give a function that starts a server and points the command at it; servers are stopped in the end."""
    running = []

    def start(name):
        manager = playing(FLAVOURS[name])
        running.append(manager)
        server = manager.__enter__()
        place.overrides["OPENAI_API_KEY"] = KEY
        place.configure({"engine": {"kind": "openai", "base_url": f"{server.url}/v1", "model": MODEL}})
        return server

    yield start
    for manager in running:
        manager.__exit__(None, None, None)


def transcribe(place, spoken):
    """Drop a recording, wait for its result, and stop."""
    daemon = place.start()
    place.drop(spoken.path, "talk.wav")
    place.finish("talk.wav")
    daemon.stop()
    return place.result("talk")


@pytest.mark.parametrize("name", ["vllm", "whisper_cpp", "stranger"])
def test_a_recording_comes_back_whole_with_useful_times(place, recordings, server_for, name):
    """Two minutes give every word; without the server's help a segment is at most a minute long."""
    server, spoken = server_for(name), recordings.make("wav", 120, seed=6)

    result = transcribe(place, spoken)

    assert result["text"].split() == spoken.words
    assert len(result["segments"]) >= 120 / 45
    assert max(segment["end"] - segment["start"] for segment in result["segments"]) <= 60
    assert len(server.transcriptions) >= len(result["chunks"])
    assert place.standin.requests == ()


def test_nobody_gets_a_key_that_is_not_theirs(place, recordings, server_for):
    """The key for Mistral, which is in the environment as well, goes to no other server."""
    server = server_for("speaches")

    transcribe(place, recordings.make())

    assert {asked.authorization for asked in server.asked} == {f"Bearer {KEY}"}
