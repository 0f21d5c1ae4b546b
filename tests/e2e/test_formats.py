"""Every kind of recording that people drop, through the installed daemon, word for word and in time."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice, pairwise

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, Place, files_in
from tests.sound.formats import FORMATS, convert
from tests.sound.speech import compose, speak, write_wav

DRIFT_MS = 60
JOIN_DRIFT_MS = 800
"""Where a segment lost words in an overlap, its new start or end is estimated from the length of its text."""

LONG_OVERLAPS = {"max_minutes": 0.4, "first_minutes": 0.2, "search_s": 3, "overlap_s": 2.4}
ALL = ("mp3-cbr", "mp3-vbr", "m4a-faststart", "flac", "ogg", "webm", "mp4-video", "wav")
COPYABLE = ("mp3-cbr", "mp3-vbr", "mp3-lean", "wav")


def drop_all(place: Place, spoken):
    """Drop recordings by kind, wait until all are done."""
    names = {kind: f"{kind}{each.path.suffix}" for kind, each in spoken.items()}
    for kind, each in spoken.items():
        place.drop(each.path, names[kind])
    place.finish(*names.values(), timeout_s=90)


def slips(said, told):
    """Give what differs between what was said and what was told, a few words each."""
    changes = SequenceMatcher(None, said, told, autojunk=False).get_opcodes()
    return [(said[a:b][:5], told[c:d][:5]) for tag, a, b, c, d in changes if tag != "equal"]


def off_segments(place: Place, stem: str, placed):
    """Give the segments whose start or end is too far from where their first or last word was said."""
    result, words = place.result(stem), iter(placed)
    joins = [(later["start"], earlier["end"]) for earlier, later in pairwise(result["chunks"])]
    told = [(segment, list(islice(words, len(segment["text"].split())))) for segment in result["segments"]]
    return [segment for segment, said in told if drift_ms(segment, said) > allowed_ms(segment, joins)]


def drift_ms(segment, said):
    """How far a segment's start or end lies from where its first or last word was said."""
    return max(abs(segment["start"] * 1000 - said[0].start_ms), abs(segment["end"] * 1000 - said[-1].end_ms))


def allowed_ms(segment, joins):
    """How far it may lie: a little, or more where it was stitched in an overlap of two pieces."""
    near_s = JOIN_DRIFT_MS / 1000
    is_stitched = any(
        start < end and segment["start"] < end + near_s and segment["end"] > start - near_s for start, end in joins
    )
    return JOIN_DRIFT_MS if is_stitched else DRIFT_MS


def wrongs(place: Place, spoken):
    """Give, by recording, what a transcript has wrong: its words, or else its times."""
    found = {
        stem: slips([word.text for word in placed], place.words(stem)) or off_segments(place, stem, placed)
        for stem, placed in spoken.items()
    }
    return {stem: wrong for stem, wrong in found.items() if wrong}


def assert_exact(place: Place, spoken):
    """Assert that every transcript holds what was said, when it was said."""
    assert wrongs(place, {kind: each.placed for kind, each in spoken.items()}) == {}


def test_every_format_is_transcribed_word_for_word(place, recordings):
    """A recording in any common container becomes exactly what was said, at the times it was said."""
    spoken = {kind: recordings.make(kind) for kind in FORMATS}
    daemon = place.start()
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


@pytest.mark.parametrize(("copy", "kinds"), [("auto", ALL), ("always", COPYABLE), ("never", COPYABLE)])
def test_a_recording_cut_into_many_pieces_loses_nothing_at_the_joins(place, recordings, copy, kinds):
    """Words and times are exact over all joins, whether the pieces are copied or encoded."""
    spoken = {kind: recordings.make(kind, 40, seed=2) for kind in kinds}
    daemon = place.start({"chunks": SMALL_CHUNKS, "audio": {"copy": copy}})
    drop_all(place, spoken)

    assert daemon.stop() == 0
    assert_exact(place, spoken)
    assert [kind for kind in spoken if len(place.result(kind)["chunks"]) < 4] == []
    place.assert_clean()


def test_a_recording_without_a_quiet_place_is_cut_with_overlaps(place, recordings):
    """Where there is no pause to cut in, pieces overlap and still no word is lost, doubled or moved."""
    spoken = {kind: recordings.make(kind, 72, seed=3, never_quiet=True) for kind in ALL}
    daemon = place.start({"chunks": LONG_OVERLAPS})
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
    make_holed(wav, tmp_path / "hole.webm", first=HOLE[0], last=HOLE[1], words=words)
    make_late(wav, tmp_path / "late.mp4")
    daemon = place.start({"chunks": chunks})
    place.drop(tmp_path / "hole.webm")
    place.drop(tmp_path / "late.mp4")
    place.finish("hole.webm", "late.mp4")

    assert daemon.stop() == 0
    late = [replace(word, start_ms=word.start_ms + 3000, end_ms=word.end_ms + 3000) for word in words]
    assert wrongs(place, {"hole": [*words[: HOLE[0]], *words[HOLE[1] + 1 :]], "late": late}) == {}
    place.assert_clean()


HOLE = (23, 34)
"""The first and the last word that a hole swallows; both stand beside a long pause."""


def make_holed(wav, target, *, first, last, words):
    """Write a webm without the packets from one word to another."""
    opus = ("-c:a", "libopus", "-application", "lowdelay", "-b:a", "32k")
    whole = convert(wav, target.with_name("whole.webm"), *opus)
    begin_s = (words[first - 1].end_ms + 25) / 1000
    end_s = (words[last + 1].start_ms - 300) / 1000
    convert(whole, target, "-c", "copy", "-bsf:a", rf"noise=drop='between(pts*tb\,{begin_s}\,{end_s})'")


def make_late(wav, target):
    """Write a video whose sound begins 3 seconds after its picture."""
    picture = ("-f", "lavfi", "-i", "color=c=black:s=64x36:r=5:d=43")
    coding = ("-c:v", "mpeg4", "-c:a", "aac", "-b:a", "96k", "-aac_coder", "fast")
    plain = convert(wav, target.with_name("plain.mp4"), "-map", "1:v", "-map", "0:a", *coding, inputs=picture)
    later = ("-itsoffset", "3", "-i", str(plain))
    convert(plain, target, "-map", "0:v", "-map", "1:a", "-c", "copy", inputs=later)
