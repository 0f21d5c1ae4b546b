"""A recording whose end is missing: the part there is, what is said of the rest, and a second run over it."""

from __future__ import annotations

import re

import pytest

from tests.hostile.making import CANARY, WORDS, said
from tests.integration.audio_files import run_ffmpeg
from voxtrald.audio.damage import PART_LOST
from voxtrald.errors import Reason

SMALL_CHUNKS = {"chunks": {"max_minutes": 0.1, "first_minutes": 0.05, "search_s": 1, "overlap_s": 0.5}}
"""Pieces of six seconds, the first of three."""

FORMATS = {
    "mp3": ("-c:a", "libmp3lame"),
    "m4a": ("-c:a", "aac", "-movflags", "+faststart"),
    "wav": (),
    "flac": (),
    "mkv": ("-c:a", "aac"),
    "wma": (),
}


@pytest.fixture(params=FORMATS)
def half(request, kit):
    """Write the first 80 % of the talk, in several formats."""
    whole = kit.talk(request.param, *FORMATS[request.param])
    return kit.write(f"half.{request.param}", whole[: len(whole) * 8 // 10])


@pytest.mark.xdist_group("hostile")
def test_a_recording_without_its_end_fails_with_the_part_there_is(half, lay_out):
    """In several pieces, too, the part beside the report holds the words up to the end and a mark for the rest."""
    carried = lay_out(**SMALL_CHUNKS).carry(half)

    assert carried.reason == Reason.TRUNCATED
    assert carried.asked >= 2
    assert re.search(r"stops at 0:0[89] of 0:1[12]", carried.outcome.message)
    assert "copy it again" in carried.shelf.report
    assert ".partial.txt" in carried.shelf.report
    words = [word for word in carried.shelf.partial_text.split() if word in said(WORDS)]
    assert words == [word.text for word in WORDS][: len(words)]
    assert len(words) >= len(WORDS) * 0.7
    assert carried.shelf.partial_text.rstrip().splitlines()[-1].startswith("[missing 0:0")


@pytest.mark.xdist_group("hostile")
def test_a_second_run_over_the_same_part_costs_nothing(half, lay_out):
    """Moved back to the inbox, the recording is heard from what was kept, and fails in the same words."""
    bench = lay_out(**SMALL_CHUNKS)
    content = half.read_bytes()
    first = bench.carry(half)
    half.write_bytes(content)
    second = bench.carry(half)

    assert second.asked == 0
    assert (second.reason, second.outcome.message) == (first.reason, first.outcome.message)
    assert second.shelf.partial_text == first.shelf.partial_text


@pytest.mark.xdist_group("hostile")
def test_damage_is_told_where_it_is_and_again_from_what_was_kept(kit, lay_out):
    """Only the pieces with damage are named, and a second run that asks for nothing names them, too."""
    whole = kit.talk("m4a", "-c:a", "aac")
    spoiled = whole[:50_000] + bytes(3_000) + whole[53_000:]
    bench = lay_out(**SMALL_CHUNKS)
    first = bench.carry(kit.write("spoiled.m4a", spoiled))
    second = bench.carry(kit.write("spoiled again.m4a", spoiled))

    assert first.reason is None
    damaged_s = 50_000 / len(whole) * 12
    assert PART_LOST in [damage["what"] for damage in first.damage]
    assert first.damage[0]["start"] > 0
    assert any(damage["start"] <= damaged_s <= damage["end"] for damage in first.damage)
    assert second.damage == first.damage
    assert second.asked == 0


@pytest.mark.xdist_group("hostile")
def test_a_film_whose_sound_ends_early_is_whole(kit, lay_out):
    """A picture that goes on after the sound is no damage, and nothing is missing."""
    path = kit.folder / "long picture.mp4"
    picture = ("-f", "lavfi", "-i", "color=s=64x64:d=20:r=5")
    run_ffmpeg("-i", kit.material / "talk.wav", *picture, "-c:v", "mpeg4", "-c:a", "aac", path)
    carried = lay_out().carry(path)

    assert carried.reason is None
    assert carried.words >= said(WORDS)
    assert carried.damage == []


@pytest.mark.xdist_group("hostile")
def test_what_is_too_long_is_refused_by_the_limit_in_the_settings(kit, lay_out):
    """A recording longer than `audio.max_hours` costs nothing, and the report names the setting."""
    carried = lay_out(audio={"max_hours": 0.001}).carry(
        kit.write("long.wav", (kit.material / "canary.wav").read_bytes())
    )

    assert carried.reason == Reason.TOO_LONG
    assert carried.asked == 0
    assert "audio.max_hours" in carried.shelf.report
    assert carried.words & said(CANARY) == set()
