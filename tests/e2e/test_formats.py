"""Every kind of recording that people drop, through the installed daemon, word for word and in time."""

from __future__ import annotations

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, Place, files_in
from tests.sound.formats import FORMATS, convert
from tests.sound.speech import compose, speak, write_wav

DRIFT_MS = 60
WORD_TIMES = {"engine": {"timestamps": "word"}}
CUT = ("mp3-cbr", "mp3-vbr", "m4a-faststart", "flac", "ogg", "webm", "mp4-video", "wav")


def drop_all(place: Place, spoken):
    """Drop recordings by kind, wait until all are done."""
    names = {kind: f"{kind}{each.path.suffix}" for kind, each in spoken.items()}
    for kind, each in spoken.items():
        place.drop(each.path, names[kind])
    place.finish(*names.values(), timeout_s=90)


def heard(place: Place, stem: str):
    """Read a transcript's words with their times in milliseconds."""
    segments = place.result(stem)["segments"]
    return [(segment["text"], round(segment["start"] * 1000)) for segment in segments]


def late_words(place: Place, stem: str, placed):
    """Give the words that the JSON result places too far from where they were said."""
    pairs = zip(heard(place, stem), placed, strict=True)
    return [
        (text, start_ms, word.start_ms) for (text, start_ms), word in pairs if abs(start_ms - word.start_ms) > DRIFT_MS
    ]


def assert_exact(place: Place, spoken):
    """Assert that every transcript holds what was said, when it was said."""
    assert {kind: place.words(kind) for kind in spoken} == {kind: each.words for kind, each in spoken.items()}
    assert {kind: late_words(place, kind, each.placed) for kind, each in spoken.items()} == dict.fromkeys(spoken, [])


def test_every_format_is_transcribed_word_for_word(place, recordings):
    """A recording in any common container becomes exactly what was said, at the times it was said."""
    spoken = {kind: recordings.make(kind) for kind in FORMATS}
    daemon = place.start(WORD_TIMES)
    drop_all(place, spoken)

    assert daemon.stop() == 0
    assert_exact(place, spoken)
    place.assert_clean()
    endings = ("json", "srt", "txt", "vtt")
    originals = [f"{kind}{each.path.suffix}" for kind, each in spoken.items()]
    sets = [f"{kind}.{ending}" for kind in spoken for ending in endings]
    assert files_in(place.outbox) == sorted([*sets, *originals])


def test_the_original_arrives_unchanged(place, recordings):
    """The recording that follows its transcript into the outbox is the one that was dropped, byte for byte."""
    spoken = recordings.make("mp4-video")
    place.start()
    place.drop(spoken.path, "clip.mp4")
    place.finish("clip.mp4")

    assert (place.outbox / "clip.mp4").read_bytes() == spoken.path.read_bytes()


@pytest.mark.parametrize("copy", ["auto", "always", "never"])
def test_a_recording_cut_into_many_pieces_loses_nothing_at_the_joins(place, recordings, copy):
    """Words and times are exact over all joins, whether the pieces are copied or encoded."""
    spoken = {kind: recordings.make(kind, 48, seed=2) for kind in CUT}
    daemon = place.start({**WORD_TIMES, "chunks": SMALL_CHUNKS, "audio": {"copy": copy}})
    drop_all(place, spoken)

    assert daemon.stop() == 0
    assert_exact(place, spoken)
    assert [kind for kind in spoken if len(place.result(kind)["chunks"]) < 4] == []
    place.assert_clean()


def test_a_recording_without_a_quiet_place_is_cut_with_overlaps(place, recordings):
    """Where there is no pause to cut in, pieces overlap and still no word is lost, doubled or moved."""
    spoken = {kind: recordings.make(kind, 48, seed=3, never_quiet=True) for kind in CUT}
    daemon = place.start({**WORD_TIMES, "chunks": SMALL_CHUNKS})
    drop_all(place, spoken)

    assert daemon.stop() == 0
    assert_exact(place, spoken)
    assert [kind for kind in spoken if len(place.result(kind)["chunks"]) < 4] == []
    place.assert_clean()


@pytest.mark.parametrize("chunks", [{}, SMALL_CHUNKS], ids=["whole", "cut"])
def test_holes_and_late_starts_do_not_move_what_comes_later(place, tmp_path, chunks):
    """Packets that are missing and sound that begins after the picture leave every later word at its time."""
    words = compose(40_000, seed=4)
    wav = write_wav(tmp_path / "speech.source", speak(words, 40_000))
    hole = tuple(word for word in words if word.end_ms <= 14_000 or word.start_ms >= 20_000)
    late = tuple((word.text, word.start_ms + 3000) for word in words)
    opus = ("-c:a", "libopus", "-application", "lowdelay", "-b:a", "32k")
    webm = convert(wav, tmp_path / "whole.webm", *opus)
    holed = convert(webm, tmp_path / "hole.webm", "-c", "copy", "-bsf:a", r"noise=drop='between(pts\,14020\,19940)'")
    picture = ("-f", "lavfi", "-i", "color=c=black:s=64x36:r=5:d=43")
    delayed = ("-map", "1:v", "-map", "0:a", "-c:v", "mpeg4", "-c:a", "aac", "-b:a", "96k", "-aac_coder", "fast")
    shifted = convert(wav, tmp_path / "plain.mp4", *delayed, inputs=picture)
    late_mp4 = convert(
        shifted, tmp_path / "late.mp4", "-map", "0:v", "-map", "1:a", "-c", "copy",
        inputs=("-itsoffset", "3", "-i", str(shifted)),
    )
    daemon = place.start({**WORD_TIMES, "chunks": chunks})
    place.drop(holed)
    place.drop(late_mp4)
    place.finish("hole.webm", "late.mp4")

    assert daemon.stop() == 0
    assert place.words("hole") == [word.text for word in hole]
    assert place.words("late") == [text for text, _ in late]
    assert late_words(place, "hole", hole) == []
    off = [(told, meant) for told, meant in zip(heard(place, "late"), late, strict=True)]
    assert [pair for pair in off if abs(pair[0][1] - pair[1][1]) > DRIFT_MS] == []
    place.assert_clean()
