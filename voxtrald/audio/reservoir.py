"""How long an mp3 decoder needs from a jump into the stream until it hears right. Pure.

A frame's bits may begin up to 511 bytes before it, 255 below 32 kHz (the bit reservoir: `main_data_begin`, ISO/IEC
11172-3, 2.4.1.7, and 13818-3). After a jump those bytes are missing, and the small frames an encoder makes of a
pause hold few of them each: at 32 kbit/s the gap is eight frames, 209 ms, which reaches into the next word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from voxtrald.audio.xing import frames_ms

LOOK_BYTES: Final = 1 << 18
ID3_BYTES: Final = 10

_HEADER_BYTES: Final = 4
_RESYNC_BYTES: Final = 1 << 13
_SYNC: Final = 0x7FF
_LAYER_3: Final = 1
_MONO: Final = 3
_NO_RATE: Final = 3
_FREE_OR_BAD: Final = frozenset({0, 15})
_MPEG1, _MPEG2, _MPEG25 = 3, 2, 0
_RATES_HZ: Final = {
    _MPEG1: (44_100, 48_000, 32_000),
    _MPEG2: (22_050, 24_000, 16_000),
    _MPEG25: (11_025, 12_000, 8_000),
}
_KBPS: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LOW_RATE_KBPS: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of layer III: its length, how much of it is sound, and how far back its bits may begin."""

    length_bytes: int
    payload_bytes: int
    reach_bytes: int
    sample_rate_hz: int

    @property
    def gap_ms(self) -> float:
        """How long the sound is wrong after a jump, if all frames are as small as this one."""
        return frames_ms(ceil(self.reach_bytes / self.payload_bytes), sample_rate_hz=self.sample_rate_hz)


def id3_length(head: bytes) -> int:
    """Give the length of the ID3v2 tag a file begins with, 0 where there is none (id3.org, ID3v2.4.0, 3.1)."""
    if len(head) < ID3_BYTES or not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:ID3_BYTES]:
        size = size << 7 | byte & 0x7F
    return ID3_BYTES + size


def gap_ms(stream: bytes) -> int:
    """Give the gap after a jump, judged by the smallest frame at the beginning of a stream; 0 where there is none."""
    return round(max((frame.gap_ms for frame in read_frames(stream)), default=0.0))


def read_frames(stream: bytes) -> Iterator[Frame]:
    """Walk the frames from the first one that another follows."""
    at = _first_frame_at(stream)
    while (frame := read_frame(stream, at)) is not None:
        yield frame
        at += frame.length_bytes


def _first_frame_at(stream: bytes) -> int:
    for at in range(min(len(stream), _RESYNC_BYTES)):
        frame = read_frame(stream, at)
        if frame is not None and read_frame(stream, at + frame.length_bytes) is not None:
            return at
    return len(stream)


def read_frame(stream: bytes, at: int) -> Frame | None:
    """Read the header at a position, or None where there is none of layer III with a bit rate."""
    word = int.from_bytes(stream[at : at + _HEADER_BYTES], "big")
    version, layer, rate = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3
    bit_rate = word >> 12 & 15
    if word >> 21 != _SYNC or version not in _RATES_HZ or layer != _LAYER_3:
        return None
    if rate == _NO_RATE or bit_rate in _FREE_OR_BAD:
        return None
    is_mono = word >> 6 & 3 == _MONO
    sample_rate_hz = _RATES_HZ[version][rate]
    if version == _MPEG1:
        length = 144_000 * _KBPS[bit_rate] // sample_rate_hz + (word >> 9 & 1)
        side, reach = (17 if is_mono else 32), 511
    else:
        length = 72_000 * _LOW_RATE_KBPS[bit_rate] // sample_rate_hz + (word >> 9 & 1)
        side, reach = (9 if is_mono else 17), 255
    return Frame(
        length_bytes=length,
        payload_bytes=max(1, length - _HEADER_BYTES - side),
        reach_bytes=reach,
        sample_rate_hz=sample_rate_hz,
    )
