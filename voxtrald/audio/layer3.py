"""The headers in an mp3: of a tag in front of it, and of each frame of MPEG audio layer III. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

HEADER_BYTES: Final = 4
ID3_BYTES: Final = 10

_HAS_FOOTER: Final = 0x10
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
    """What a frame's header tells (ISO/IEC 11172-3, 2.4.1 and 2.4.2.3, and 13818-3).

    Attributes:
        length_bytes: from this header to the next one.
        side_bytes: of the side information behind the header.
        reach_bytes: how far before the frame its bits may begin (the bit reservoir).
        samples: per channel.
    """

    length_bytes: int
    side_bytes: int
    reach_bytes: int
    sample_rate_hz: int
    samples: int

    @property
    def length_ms(self) -> float:
        """How long its sound is."""
        return self.samples * 1000 / self.sample_rate_hz

    @property
    def payload_bytes(self) -> int:
        """How much of it is sound."""
        return max(1, self.length_bytes - HEADER_BYTES - self.side_bytes)


def id3_length(head: bytes) -> int:
    """Give the length of the ID3v2 tag a file begins with, 0 where there is none (id3.org, ID3v2.4.0, 3.1 and 3.4)."""
    if len(head) < ID3_BYTES or not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:ID3_BYTES]:
        size = size << 7 | byte & 0x7F
    return ID3_BYTES + size + (ID3_BYTES if head[5] & _HAS_FOOTER else 0)


def read_frame(stream: bytes, at: int = 0) -> Frame | None:
    """Read the header at a position, or None where there is none of layer III with a bit rate."""
    return _read_word(int.from_bytes(stream[at : at + HEADER_BYTES], "big"))


@lru_cache(maxsize=512)
def _read_word(word: int) -> Frame | None:
    version, layer, rate = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3
    bit_rate = word >> 12 & 15
    if word >> 21 != _SYNC or version not in _RATES_HZ or layer != _LAYER_3:
        return None
    if rate == _NO_RATE or bit_rate in _FREE_OR_BAD:
        return None
    is_mono = word >> 6 & 3 == _MONO
    is_full = version == _MPEG1
    sample_rate_hz = _RATES_HZ[version][rate]
    samples, kbps = (1152, _KBPS[bit_rate]) if is_full else (576, _LOW_RATE_KBPS[bit_rate])
    return Frame(
        length_bytes=samples * 125 * kbps // sample_rate_hz + (word >> 9 & 1),
        side_bytes=(17 if is_mono else 32) if is_full else (9 if is_mono else 17),
        reach_bytes=511 if is_full else 255,
        sample_rate_hz=sample_rate_hz,
        samples=samples,
    )
