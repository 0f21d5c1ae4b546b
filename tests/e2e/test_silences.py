"""Long silences that are not sent, through the installed daemon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.sound.formats import convert
from tests.sound.speech import RATE, compose, speak, write_wav

TALKS_MS = ((30_000, 38_000), (80_000, 105_000), (150_000, 156_000))
LENGTH_MS = 190_000
SETTINGS = {
    "audio": {"skip_silence_over_s": 20},
    "chunks": {"max_minutes": 0.25, "first_minutes": 0.2, "search_s": 3, "overlap_s": 2},
}


def talk():
    """Words in three places of three minutes."""
    return [
        replace(word, start_ms=word.start_ms + start_ms, end_ms=word.end_ms + start_ms)
        for number, (start_ms, end_ms) in enumerate(TALKS_MS)
        for word in compose(end_ms - start_ms, seed=number, start_index=1_000 * number)
    ]


def record(path, words):
    """Write what is said in a room that is not quite still."""
    sound = speak(words, LENGTH_MS) + np.random.default_rng(3).normal(0, 15, LENGTH_MS * RATE // 1000)
    wav = write_wav(path.with_suffix(".source"), sound.clip(-32768, 32767).astype(np.int16))
    return convert(wav, path, "-c:a", "flac")


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """A recording with long silences, and one in which nobody speaks."""
    folder = tmp_path_factory.mktemp("silences")
    return record(folder / "talk.flac", talk()), record(folder / "room.flac", [])


def test_long_silences_are_neither_sent_nor_missing(place, sparse):
    """All words come, at their times; only what is around them is paid, and the rest is listed as left out."""
    recording, _ = sparse
    words = talk()
    daemon = place.start(SETTINGS)
    place.drop(recording)
    place.finish("talk.flac")

    assert daemon.stop() == 0
    assert place.words("talk") == [word.text for word in words]
    result = place.result("talk")
    starts = {word.text: word.start_ms for word in words}
    shifts = [segment["start"] * 1000 - starts[segment["text"].split()[0]] for segment in result["segments"]]
    assert max(map(abs, shifts)) <= 60
    spoken_s = sum(end_ms - start_ms for start_ms, end_ms in TALKS_MS) / 1000
    skipped_s = sum(end - start for start, end in result["skipped"])
    assert len(result["skipped"]) == len(TALKS_MS) + 1
    assert spoken_s < result["usage"]["audio_s"] < spoken_s + 20
    assert result["usage"]["audio_s"] == pytest.approx(LENGTH_MS / 1000 - skipped_s, abs=2 * len(result["chunks"]))
    assert not result["coverage"] or result["coverage"]["missing"] == []
    place.assert_clean()


def test_an_empty_room_costs_nothing(place, sparse):
    """A recording in which nobody speaks is done without a request, and has an empty transcript that says so."""
    _, room = sparse
    daemon = place.start(SETTINGS)
    place.drop(room)
    place.finish("room.flac")

    assert daemon.stop() == 0
    result = place.result("room")
    assert place.words("room") == ["[no", "speech]"]
    assert (result["chunks"], result["usage"]["audio_s"]) == ([], 0.0)
    assert result["skipped"] == [[0.0, result["source"]["duration_s"]]]
    place.assert_clean()
