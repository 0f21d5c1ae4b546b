"""Where a file ends by its own account."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import containers
from voxtrald.audio.ending import WHOLE, find_ending

SOUND = bytes(range(1, 101))
W64_DATA = b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def w64():
    """Write a Wave64: a form of 40 bytes, then the sound in a chunk whose length counts its header."""
    return bytes(40) + W64_DATA + (24 + len(SOUND)).to_bytes(8, "little") + SOUND


def asf(data_bytes):
    """Write the shape of an ASF: an empty header object, then the data object."""
    header = bytes(16) + (24).to_bytes(8, "little")
    return header + ASF_DATA + data_bytes.to_bytes(8, "little") + SOUND


def aiff():
    """Write the shape of an AIFF, with an odd chunk in front of the sound."""
    named = b"NAME" + (3).to_bytes(4, "big") + b"abc\0"
    return b"FORM" + bytes(4) + b"AIFF" + named + b"SSND" + len(SOUND).to_bytes(4, "big") + SOUND


def caf(length):
    """Write the shape of a CAF."""
    return b"caff" + bytes(4) + b"data" + length.to_bytes(8, "big") + SOUND


def mp3(flags=3):
    """Write the beginning of an mp3 whose header counts frames and bytes."""
    counts = b"Info" + flags.to_bytes(4, "big") + (9).to_bytes(4, "big") * (flags & 1) + (136).to_bytes(4, "big")
    return containers.id3(5) + bytes(5) + bytes(36) + counts + SOUND[:84]


def ogg(flags):
    """Write one page of an Ogg."""
    return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([1, len(SOUND)]) + SOUND


WHOLE_FILES = {
    "wav": containers.wav(SOUND),
    "wav, long form": containers.rf64(SOUND, data_bytes=len(SOUND)),
    "aiff": aiff(),
    "caf": caf(len(SOUND)),
    "w64": w64(),
    "asf": asf(24 + len(SOUND)),
    "mov": containers.movie([], SOUND),
    "matroska": containers.matroska([containers.matroska_track(1)]),
    "mp3": mp3(),
    "ogg": ogg(4),
}


def ending_of(name, content):
    """Find how a file ends that is kept in memory."""
    container = name.partition(",")[0]
    return find_ending(container, read=lambda at, length: content[at : at + length], size_bytes=len(content))


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_a_whole_file_is_whole(name):
    """A file that holds what its header tells is not cut off, nor is one with something behind its end."""
    content = WHOLE_FILES[name]

    assert not ending_of(name, content).is_cut_off
    if name != "ogg":
        assert ending_of(name, content).declared_bytes == len(content)


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_a_file_without_its_last_byte_is_cut_off(name):
    """One byte less than the header tells is seen."""
    assert ending_of(name, WHOLE_FILES[name][:-1]).is_cut_off


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wav", containers.wav(SOUND, data_bytes=0)),
        ("wav", containers.wav(SOUND, data_bytes=0xFFFF_FFFF)),
        ("wav", containers.wav(SOUND, data_bytes=0x7FFF_F024)),
        ("caf", caf((1 << 64) - 1)),
        ("asf", asf(50)),
        ("mp3", mp3(flags=1)),
        ("mov", containers.box(b"ftyp", b"x") + b"not a box at all"),
        ("matroska", containers.matroska([])[:41] + b"\x18\x53\x80\x67\x01" + b"\xff" * 7),
        ("flac", b"fLaC" + SOUND),
    ],
)
def test_a_header_that_does_not_know_promises_nothing(name, content):
    """Lengths that stand for an unknown one, and containers without any, say nothing of what may be missing."""
    assert ending_of(name, content) == WHOLE


def test_an_ogg_without_its_last_page_is_cut_off():
    """The last page is marked; a page in front of it that happens to be the last one left is not."""
    assert ending_of("ogg", ogg(0)).is_cut_off


@given(st.sampled_from(sorted({name.partition(",")[0] for name in WHOLE_FILES})), st.binary(max_size=400))
def test_any_bytes_are_looked_at_in_bounded_time(container, content):
    """Whatever a header claims, the walk ends, and reads no position before the beginning."""
    reads = itertools.count()

    def read(at, length):
        assert at >= 0
        assert next(reads) < 11_000
        return content[at : at + length]

    found = find_ending(container, read=read, size_bytes=len(content))

    assert found.declared_bytes is None or found.declared_bytes >= 0


def test_a_chain_of_empty_chunks_is_left_after_a_while():
    """A gigabyte of empty chunks does not keep the walk busy: it gives up after some thousand."""
    reads = itertools.count()

    def read(_, length):
        next(reads)
        return (b"JUNK" + bytes(4))[:length]

    assert find_ending("wav", read=read, size_bytes=1 << 30) == WHOLE
    assert next(reads) < 11_000
