"""How far a jump into an mp3 damages what follows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.layer3 import id3_length
from voxtrald.audio.reservoir import gap_ms, read_frames

STEREO_44K = {32: "fffb1064", 128: "fffb9064"}
MONO_16K_48 = "fff368c4"
LENGTHS = {"fffb1064": 104, "fffb9064": 417, "fff368c4": 216}


def stream(*headers):
    """Write frames that are empty but for their headers."""
    return b"".join(bytes.fromhex(header).ljust(LENGTHS[header], b"\0") for header in headers)


@pytest.mark.parametrize(
    ("headers", "expected_ms"),
    [
        ([STEREO_44K[128]] * 4, 52),
        ([STEREO_44K[32]] * 4, 209),
        ([STEREO_44K[128], STEREO_44K[32], STEREO_44K[128]], 209),
        ([MONO_16K_48] * 4, 72),
    ],
    ids=["constant", "lean stereo", "varying", "low rate"],
)
def test_the_smallest_frame_decides(headers, expected_ms):
    """The gap is as many frames as the reservoir can reach back over, at the smallest frame seen."""
    assert gap_ms(stream(*headers)) == expected_ms


def test_rubbish_before_the_first_frame_is_passed_over():
    """A stream that begins with something else is read from its first two frames in a row."""
    frames = list(read_frames(b"\xff\xfb\x90rubbish" + stream(*[STEREO_44K[128]] * 3)))

    assert [frame.length_bytes for frame in frames] == [417, 417, 417]


def test_the_length_of_a_tag_counts_its_own_head():
    """An ID3 tag's length is coded in seven bits a byte and does not include its ten bytes of head."""
    assert id3_length(b"ID3\x04\x00\x00\x00\x00\x02\x01") == 10 + 257
    assert id3_length(b"RIFF\x00\x00\x00\x00WA") == 0


@given(st.binary(max_size=600))
def test_any_bytes_have_a_gap(anything):
    """Whatever the bytes are, reading them ends and gives a gap that is not negative."""
    assert gap_ms(anything) >= 0
