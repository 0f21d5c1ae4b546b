"""Recordings with several tracks, through the installed daemon."""

from __future__ import annotations

from dataclasses import replace

from tests.sound.formats import convert
from tests.sound.speech import compose, speak, write_wav

LENGTH_MS = 5_000
RULES = [{"match": "second/**", "audio": {"track": 2}}, {"match": "mixed/**", "audio": {"track": "mix"}}]


def two_tracks(folder, *, early, late):
    """Write a file with one track that speaks early and one that speaks late."""
    wavs = [
        write_wav(folder / f"{number}.source", speak(words, 2 * LENGTH_MS))
        for number, words in enumerate((early, late))
    ]
    coding = ("-map", "0:a", "-map", "1:a", "-c:a", "flac", "-disposition:a:0", "default")
    return convert(wavs[0], folder / "two.mkv", *coding, inputs=("-i", str(wavs[1])))


def test_each_choice_of_tracks_has_its_own_transcript(place, tmp_path):
    """The same file gives the words of the track that its rule asks for; no answer is taken for another track's."""
    early = compose(LENGTH_MS, seed=7, start_index=100)
    late = [
        replace(word, start_ms=word.start_ms + LENGTH_MS, end_ms=word.end_ms + LENGTH_MS)
        for word in compose(LENGTH_MS, seed=8, start_index=900)
    ]
    recording = two_tracks(tmp_path, early=early, late=late)
    daemon = place.start({"rules": RULES})
    for folder in ("first", "second", "mixed"):
        place.drop(recording, f"{folder}/talk.mkv")
    place.finish("first/talk.mkv", "second/talk.mkv", "mixed/talk.mkv")

    assert daemon.stop() == 0
    first, second = [word.text for word in early], [word.text for word in late]
    assert place.words("first/talk") == first
    assert place.words("second/talk") == second
    assert place.words("mixed/talk") == [*first, *second]
    heard = [place.result(f"{folder}/talk")["source"] for folder in ("first", "second", "mixed")]
    assert [(source["track"], source["tracks"]) for source in heard] == [(1, 2), (2, 2), ("mix", 2)]
    place.assert_clean()


def test_a_track_that_is_not_there_is_told(place, tmp_path):
    """A recording without the track that is asked for fails, and the report says how many it has."""
    words = compose(LENGTH_MS, seed=9)
    recording = two_tracks(tmp_path, early=words, late=[])
    place.start({"audio": {"track": 3}})
    place.drop(recording, "talk.mkv")
    place.wait_for_error("talk.mkv")

    report = (place.error / "talk.mkv.error.txt").read_text("utf-8")
    assert "no_audio" in report
    assert "it has 2 audio tracks" in report
