"""The Xing header of an mp3 file: says how many frames follow, and how much of the sound to leave out. Pure.

Layout as in the LAME project's "Mp3 Info Tag rev 1 specifications": the tag is `Xing` or `Info`, flags,
frames, bytes, a table of 100 bytes, a quality, and then LAME's own part with the encoder's delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
LAME_BYTES: Final = 36

_TAGS: Final = (b"Xing", b"Info")
_TAG_AT_MOST: Final = 64
_ALL_FLAGS: Final = 0x0F
_LAME_AT: Final = 4 + 4 + 4 + 4 + 100 + 4
_FULL_RATE_HZ: Final = 32_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Xing:
    """What the header of a file says. `lame_at` is where LAME's part begins, from the start of the file."""

    frames: int
    lame_at: int


def read_xing(head: bytes) -> Xing | None:
    """Read the header as libavformat writes it, from the first bytes of a file without ID3 tags."""
    for tag in _TAGS:
        at = head.find(tag, 0, _TAG_AT_MOST)
        if at >= 0 and int.from_bytes(head[at + 4 : at + 8], "big") & _ALL_FLAGS == _ALL_FLAGS:
            return Xing(frames=int.from_bytes(head[at + 8 : at + 12], "big"), lame_at=at + _LAME_AT)
    return None


def frames_ms(frames: int, *, sample_rate_hz: int) -> float:
    """How long frames of layer III last: 1152 samples, or 576 below 32 kHz (ISO/IEC 11172-3 and 13818-3)."""
    samples = 1152 if sample_rate_hz >= _FULL_RATE_HZ else 576
    return frames * samples * 1000 / sample_rate_hz
