"""An mp3's frames, walked from header to header."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.frames import walk
from voxtrald.audio.layer3 import read_frame
from voxtrald.audio.xing import tells_frames, write_xing

STEREO_44K = bytes.fromhex("fffb9064")
MONO_16K = bytes.fromhex("fff368c4")
MONO_44K = bytes.fromhex("fffb90c4")

stereo_modes = st.sampled_from([0x00, 0x40, 0x80])
sorts = st.sampled_from([(0xFB, 0x00, 1), (0xFA, 0x04, 1), (0xF3, 0x08, 1), (0xF3, 0x00, 0), (0xE3, 0x04, 0)])


@st.composite
def streams(draw):
    """Draw frames of one sort: same version and rate; bit rate, padding, stereo mode and the rest as they like."""
    second, rate, is_stereo = draw(sorts)
    frames = []
    for _ in range(draw(st.integers(1, 30))):
        third = draw(st.integers(1, 14)) << 4 | rate | draw(st.integers(0, 3))
        mode = draw(stereo_modes) if is_stereo else 0xC0
        header = bytes((0xFF, second, third, mode | draw(st.integers(0, 15))))
        frames.append(fill(header, draw(st.integers(0, 255))))
    return frames


def fill(header: bytes, value: int = 0) -> bytes:
    """Write a frame with this header and something in it."""
    frame = read_frame(header)
    assert frame is not None
    return header.ljust(frame.length_bytes, bytes([value]))


def in_blocks(content: bytes, size: int):
    """Give a file's content as somebody who reads it does."""
    return (content[at : at + size] for at in range(0, len(content), size))


@given(streams(), st.integers(1, 5_000), st.integers(0, 3_000))
def test_every_frame_is_found_where_it_is(frames, block_bytes, tag_bytes):
    """Whatever the blocks it is read in and the tag in front, each frame's place and the end are known."""
    tag = b"ID3\x04\0\0" + bytes([0, 0, tag_bytes >> 7, tag_bytes & 0x7F]) + b"\xff" * tag_bytes
    places = list(itertools.accumulate(map(len, frames), initial=len(tag)))

    found = walk(in_blocks(tag + b"".join(frames), block_bytes))

    assert found is not None
    assert [found.byte_of(number) for number in range(len(frames) + 1)] == places
    assert found.duration_ms == round(len(frames) * found.unit_ms)


@given(streams(), st.binary(min_size=1, max_size=40))
def test_rubbish_between_frames_is_not_passed_over(frames, rubbish):
    """A stream that has to be searched for its next frame has no index: decoders differ in what they make of it."""
    content = b"".join([*frames, b"\0" + rubbish, *frames])

    assert walk([content]) is None


@given(streams(), st.integers(1, 20))
def test_a_frame_that_is_cut_off_does_not_count(frames, missing):
    """Of a file that ends within a frame all whole ones are known."""
    content = b"".join(frames)

    found = walk([content[:-missing]]) if len(frames) > 1 else None

    assert len(frames) == 1 or (found is not None and len(found.kinds) == len(frames) - 1)


@pytest.mark.parametrize("tail", [b"TAG".ljust(128), b"APETAGEX" + bytes(50), b"LYRICSBEGIN...", bytes(1_000), b""])
def test_tags_and_padding_at_the_end_are_no_rubbish(tail):
    """What players pass over at a file's end does no harm."""
    found = walk([fill(STEREO_44K) * 5 + tail])

    assert found is not None
    assert len(found.kinds) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"RIFF" + bytes(100),
        fill(STEREO_44K) * 3 + fill(MONO_44K) * 3,
        fill(STEREO_44K) * 3 + fill(MONO_16K) * 3,
        fill(STEREO_44K) * 3 + b"TAG".ljust(128) + fill(STEREO_44K) * 200,
        fill(STEREO_44K) * 3 + b"speech",
        bytes.fromhex("fffb0064") + bytes(1_000),
        b"rubbish" + fill(STEREO_44K) * 3,
    ],
    ids=["empty", "a byte", "wav", "mono follows", "another rate", "two files", "text", "free format", "late"],
)
def test_what_is_irregular_has_no_index(content):
    """Where two decoders might differ, nobody relies on the walk."""
    assert walk([content]) is None


@given(st.lists(st.binary(max_size=200), max_size=20), st.booleans(), st.none() | st.integers(0, 10))
def test_any_bytes_can_be_walked(pieces, has_frames, at_most):
    """Whatever is in the file, the walk ends; what it finds lies within the file and in order."""
    blocks = [fill(MONO_16K) * 3, *pieces] if has_frames else pieces
    found = walk(blocks, at_most=at_most)
    numbers = range(len(found.kinds) + 1) if found else range(0)
    places = [found.byte_of(number) for number in numbers] if found else []

    assert places == sorted(places)
    assert not places or places[-1] <= sum(map(len, blocks))


@given(streams())
def test_a_look_at_the_beginning_finds_the_same_frames(frames):
    """A walk that stops early knows at least as many frames as asked for, where they were."""
    content = b"".join(frames * 50)
    whole = walk([content])
    beginning = walk(in_blocks(content, 300), at_most=10)

    assert whole is not None
    assert beginning is not None
    assert len(beginning.kinds) >= 10
    assert all(beginning.byte_of(number) == whole.byte_of(number) for number in range(11))


def test_positions_count_from_the_end_of_the_delay():
    """The frame at the recording's beginning is the one the beginning lies in; what lies behind the end is the end."""
    found = walk([fill(MONO_16K) * 100], start_ms=50)

    assert found is not None
    assert (found.unit_ms, found.duration_ms) == (36.0, 3_550)
    assert (found.nearest(0), found.before(0), found.behind(0)) == (0, 1, 2)
    assert (found.nearest(1_000), found.before(1_000), found.behind(1_000)) == (29, 29, 30)
    assert (found.nearest(10_000), found.before(10_000), found.behind(10_000)) == (100, 100, 100)
    assert (found.time_ms(0), found.time_ms(30)) == (-50.0, 1_030.0)


@given(streams(), st.data())
def test_a_piece_with_its_head_is_a_stream_of_its_own(frames, data):
    """What a copy begins with tells how much follows, is passed over as no sound, and the rest is walked as before."""
    content = b"".join(frames)
    found = walk([content])
    assert found is not None
    start = data.draw(st.integers(0, len(frames) - 1))
    end = data.draw(st.integers(start + 1, len(frames)))

    head = found.head(start, end)
    again = walk([head + content[found.byte_of(start) : found.byte_of(end)]])

    assert again is not None
    assert tells_frames(head)
    assert again.kinds == found.kinds[start:end]
    assert again.byte_of(0) == len(head)
    assert (end - start).to_bytes(4, "big") in head


@given(streams(), st.booleans())
def test_an_own_first_frame_has_room_for_what_decoders_look_for(frames, is_constant):
    """Behind frames and bytes there are zeros where LAME's part would stand, so no decoder reads a delay there."""
    head = write_xing(frames[0][:4], frames=7, size_bytes=1_000, is_constant=is_constant)
    at = head.index(b"Info" if is_constant else b"Xing")
    first = read_frame(head)

    assert first is not None
    assert first.length_bytes == len(head)
    assert head[at + 8 : at + 16] == (7).to_bytes(4, "big") + (1_000 + len(head)).to_bytes(4, "big")
    assert head[at + 16 : at + 52] == bytes(36)


def test_a_first_frame_that_tells_nothing_is_sound():
    """A tag without numbers, and a frame without a tag, are no header."""
    frame = fill(STEREO_44K)
    side = 32

    assert not tells_frames(frame)
    assert not tells_frames(frame[: 4 + side] + b"Xing" + bytes(20))
    assert not tells_frames(b"no frame")
    assert tells_frames(frame[: 4 + side] + b"VBRI" + bytes(20))
