"""Where the samples of a WAV file lie."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.riff import find_samples, is_all

PCM = struct.pack("<HHIIHH", 1, 2, 44_100, 176_400, 4, 16)
EXTENSIBLE = (
    struct.pack("<HHIIHHHHI", 0xFFFE, 2, 44_100, 176_400, 4, 16, 22, 16, 3)
    + b"\x01\x00\x00\x00\x00\x00\x10\x00"
    + b"\x80\x00\x00\xaa\x00\x38\x9b\x71"
)


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    """Write a chunk, if need be with a length that is a lie."""
    size = len(content) if length is None else length
    return name + struct.pack("<I", size) + content + bytes(len(content) % 2)


def wav(*chunks: bytes, kind: bytes = b"RIFF") -> bytes:
    """Write a WAV file."""
    return kind + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + b"".join(chunks)


def find(content: bytes):
    """Find the samples in all of a file."""
    return find_samples(content, size_bytes=len(content))


@given(st.binary(max_size=99), st.integers(0, 500), st.sampled_from([PCM, EXTENSIBLE]))
def test_samples_are_found_behind_whatever_else_there_is(other, count, layout):
    """Chunks of other programs before the samples are passed over, odd lengths too."""
    head = wav(chunk(b"LIST", other), chunk(b"fmt ", layout), chunk(b"bext", other))
    samples = find(head + chunk(b"data", bytes(4 * count)))

    assert samples is not None
    assert (samples.first_at, samples.count, samples.sample_rate_hz) == (len(head) + 8, count, 44_100)
    assert samples.duration_ms == round(count / 44.1)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 3_000_000_000, 4_000])
def test_a_lie_about_the_length_means_all_there_is(length):
    """A recorder that was switched off leaves no length, or a wrong one."""
    samples = find(wav(chunk(b"fmt ", PCM), chunk(b"data", bytes(4_002), length)))

    assert samples is not None
    assert samples.count == 1_000


@pytest.mark.parametrize("kind", [b"RF64", b"BW64"])
def test_a_long_files_length_stands_elsewhere(kind):
    """Where 32 bits are not enough the length is in a chunk of its own."""
    long = chunk(b"ds64", struct.pack("<QQQI", 0, 2_000, 500, 0))
    content = wav(long, chunk(b"fmt ", PCM), chunk(b"data", bytes(4_000), 0xFFFFFFFF), kind=kind)
    samples = find(content)

    assert samples is not None
    assert samples.count == 500
    assert is_all(chunk(b"LIST", b"xy"))


@pytest.mark.parametrize(
    "layout",
    [
        struct.pack("<HHIIHH", 3, 2, 44_100, 352_800, 8, 32),
        struct.pack("<HHIIHH", 1, 2, 44_100, 264_600, 6, 24),
        struct.pack("<HHIIHH", 1, 0, 44_100, 0, 0, 16),
        struct.pack("<HHIIHH", 1, 2, 0, 0, 4, 16),
        struct.pack("<HHIIHH", 1, 2, 44_100, 176_400, 5, 16),
        PCM[:14],
    ],
    ids=["float", "24 bits", "no channel", "no rate", "odd step", "cut off"],
)
def test_other_samples_are_not_known(layout):
    """Only what is surely 16 bits for each channel is sliced."""
    assert find(wav(chunk(b"fmt ", layout), chunk(b"data", bytes(400)))) is None


def test_samples_in_a_second_place_are_seen():
    """A file whose sound goes on behind its samples is none to slice."""
    assert is_all(b"")
    assert is_all(chunk(b"LIST", bytes(100)))
    assert not is_all(chunk(b"LIST", bytes(100)) + chunk(b"data", bytes(100)))
    assert not is_all(chunk(b"LIST", b"", 1 << 20))


@given(st.integers(0, 1_000), st.integers(0, 1_000))
def test_a_piece_with_its_head_is_a_file_of_its_own(one, other):
    """What a copy begins with tells its length and where its samples are."""
    samples = find(wav(chunk(b"fmt ", EXTENSIBLE), chunk(b"data", bytes(4_000))))
    assert samples is not None
    start, end = sorted((one, other))

    head = samples.head(start, end)
    again = find(head + bytes(4 * (end - start)))

    assert again is not None
    assert (again.count, again.layout, again.first_at) == (end - start, EXTENSIBLE, len(head))
    assert int.from_bytes(head[4:8], "little") == len(head) - 8 + 4 * (end - start)


def test_positions_are_those_of_samples():
    """A millisecond is found to the nearest sample; what lies behind the end is the end."""
    samples = find(wav(chunk(b"fmt ", PCM), chunk(b"data", bytes(4 * 44_100))))

    assert samples is not None
    assert (samples.nearest(0), samples.nearest(10), samples.behind(10), samples.nearest(1)) == (0, 441, 441, 44)
    assert (samples.behind(1), samples.nearest(5_000), samples.behind(5_000)) == (45, 44_100, 44_100)
    assert (samples.byte_of(10) - samples.first_at, samples.time_ms(441)) == (40, 10.0)


@given(st.binary(max_size=300), st.integers(0, 1 << 70))
def test_any_bytes_are_read(anything, size_bytes):
    """Whatever the bytes are, reading them ends without an error."""
    found = find_samples(b"RIFF1234WAVE" + anything, size_bytes=size_bytes)

    assert found is None or found.count >= 0
    assert is_all(anything) in {True, False}
