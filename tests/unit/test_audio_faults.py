"""Who is at fault, and what is not let near a decoder."""

from __future__ import annotations

import pytest

from voxtrald.audio.complaining import Complaints, fold, headline
from voxtrald.audio.faults import (
    find_fault,
    find_opening_fault,
    nothing_in,
    recording_fault,
    too_long,
    why_only_tags,
)
from voxtrald.audio.sniffing import name_intruder
from voxtrald.errors import Reason, RecordingChanged, RecordingError, StorageUnavailable


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        ("[in#0 @ 0x55] moov atom not found\nError opening input", Reason.TRUNCATED),
        ("[in#0 @ 0x55] Format not on whitelist 'mp3,mov'", Reason.UNSUPPORTED),
        ("Stream map '0:a:0' matches no streams.", Reason.NO_AUDIO),
        ("Number of streams exceeds max_streams parameter (1000)", Reason.UNSUPPORTED),
        ("Failed to find two consecutive MPEG audio frames.", Reason.UNREADABLE),
        ("", Reason.UNREADABLE),
    ],
)
def test_words_of_ffmpeg_become_reasons(complaint, reason):
    """The reason is found by what ffmpeg says, because its exit codes differ between versions."""
    fault = recording_fault(complaint)

    assert fault.reason == reason
    assert fault.hint


def test_a_full_disk_is_not_the_recordings_fault(tmp_path):
    """No room in the work folder holds work, even where the recording is bad as well."""
    fault = find_fault("av_interleaved_write_frame(): No space left on device", source=tmp_path, work=tmp_path)

    assert isinstance(fault, StorageUnavailable)
    assert fault.path == tmp_path


def test_a_vanished_file_is_not_blamed(tmp_path):
    """A recording that is gone was moved, not damaged."""
    assert isinstance(find_fault("whatever", source=tmp_path / "gone.mp3"), RecordingChanged)


def test_an_unreadable_place_is_the_storages_fault(tmp_path):
    """What cannot be opened at all says nothing about the recording."""
    assert isinstance(find_fault("Input/output error", source=tmp_path), StorageUnavailable)


def test_a_readable_file_is_blamed_for_io_errors_of_its_own(tmp_path):
    """Some demuxers say "Input/output error" of a damaged file; one that can be read is judged as such."""
    path = tmp_path / "a.mp3"
    path.write_bytes(b"x")

    assert isinstance(find_fault("Input/output error", source=path), RecordingError)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"fLaC" + bytes(500), Reason.TRUNCATED),
        (b"OggS" + bytes(500), Reason.TRUNCATED),
        (b"fLaC" + bytes(50_000), Reason.UNREADABLE),
        (b"rubbish" * 9, Reason.UNREADABLE),
    ],
)
def test_the_mere_beginning_of_a_recording_was_cut_off(tmp_path, content, reason):
    """What starts as a recording does and is only a few kilobytes long stopped there; other rubbish did not."""
    path = tmp_path / "a"
    path.write_bytes(content)

    assert find_opening_fault("Invalid data found when processing input", source=path).reason == reason


def test_tags_are_no_sound():
    """A tag that fills the file leaves no sound; one that is longer than the file was cut off."""
    tag = b"ID3\4\0\0\0\0\0\x20"

    assert why_only_tags(tag, size_bytes=43) is None
    assert why_only_tags(tag, size_bytes=42).reason == Reason.NO_AUDIO
    assert why_only_tags(tag, size_bytes=41).reason == Reason.TRUNCATED
    assert why_only_tags(b"fLaC", size_bytes=4) is None


def test_no_sound_at_all_is_told_apart_from_a_lost_one():
    """A recording of no length is empty; one that ends where its sound was to begin is truncated."""
    assert nothing_in(is_cut_off=False).reason == Reason.EMPTY
    assert nothing_in(is_cut_off=True).reason == Reason.TRUNCATED


@pytest.mark.parametrize(
    ("hours", "longest", "shown"),
    [(87_600.0, 30, "87,600 hours"), (31, 30, "31 hours"), (30.25, 30, "30.2 hours"), (1.5, 0.5, "1.5 hours")],
)
def test_what_is_too_long_is_told_in_hours(hours, longest, shown):
    """The length is told so that it can be seen to be more than the limit, and the setting is named."""
    fault = too_long(round(hours * 3_600_000), longest_ms=round(longest * 3_600_000))

    assert shown in fault.message
    assert f"{longest:g} hours" in fault.message
    assert "audio.max_hours" in fault.hint


def test_repeats_are_folded():
    """Lines that differ in numbers only are told once, with how often they came."""
    text = "[mp3 @ 0x5] Header missing\n[mp3 @ 0x6] Header missing\n[mp3 @ 0x6] invalid block 7\n"

    assert fold(text) == "[mp3 @ 0x5] Header missing (x2)\n[mp3 @ 0x6] invalid block 7"


def test_the_first_complaint_is_told_without_its_origin():
    """A headline is for people: no part of ffmpeg, no address."""
    assert headline("[in#0/mov @ 0x55add52a4100] moov atom not found\nmore") == "moov atom not found"


def test_a_headline_is_about_the_sound():
    """What explains nothing is passed over, and so are covers, which are not decoded."""
    said = [
        "[in#0/mp3 @ 0x5] Format mp3 detected only with low score of 1, misdetection possible!",
        "[mjpeg @ 0x6] No JPEG data found in image",
        "[mp3float @ 0x7] Header missing",
    ]

    assert headline("\n".join(said)) == "Header missing"
    assert headline("\n".join(said[:2])) == ""


def test_complaints_stay_small():
    """However much is said, beginning and end are kept and nothing else."""
    complaints = Complaints(limit=10)
    for piece in (b"first", b"x" * 100_000, b"lasts"):
        complaints.add(piece)

    assert str(complaints) == "firstlasts"


@pytest.mark.parametrize(
    "head",
    [
        b"#EXTM3U\n#EXTINF:8.0,\nhttp://127.0.0.1/seg.ts\n",
        b"ffconcat version 1.0\nfile 'secret.mp3'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        b"[playlist]\nFile1=http://127.0.0.1/a.mp3\n",
        b'<?xml version="1.0"?><MPD>',
        b"\xef\xbb\xbf#EXTM3U\n",
        b"#EXTM3U\n\x01\nsecret.ts\n",
        "#EXTM3U\nsecret.ts\n".encode("utf-16-le").join([b"\xff\xfe", b""]),
        "#EXTM3U\nsecret.ts\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
        b"Dear diary\n",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"PK\x03\x04\x14\x00",
    ],
)
def test_what_is_no_recording_is_turned_away(head):
    """Playlists, text and documents are recognised whatever they are called."""
    assert name_intruder(head)


@pytest.mark.parametrize(
    "head",
    [
        b"ID3\x04\x00\x00",
        b"\xff\xfb\x90\xc4\x00",
        b"\xff\xfe\x90\xc4\x00\x01\x02\x00",
        b"RIFF\x24\x08\x00\x00WAVEfmt ",
        b"#!AMR\n<\x91\x17\x16",
        b"#!AMR\n",
        b"fLaC\x00\x00\x00\x22",
        b"OggS\x00\x02",
        b"\x00\x00\x00\x1cftypM4A ",
        b"\x1aE\xdf\xa3",
    ],
)
def test_recordings_are_let_through(head):
    """The beginnings of sound files are not taken for text."""
    assert name_intruder(head) == ""
