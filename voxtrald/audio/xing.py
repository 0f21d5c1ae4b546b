"""The frame that an mp3 file may begin with: it holds no sound and says how many frames follow. Pure.

Layout as in the LAME project's "Mp3 Info Tag rev 1 specifications": behind the header and the side information stand
`Xing`, or `Info` where the bit rate is constant, flags, frames and bytes; Fraunhofer's `VBRI` does the same. More may
follow, above all LAME's part with the encoder's delay.
"""

from __future__ import annotations

from typing import Final

from voxtrald.audio.layer3 import HEADER_BYTES, Frame, read_frame

_TAGS: Final = (b"Xing", b"Info")
_FRAMES_AND_BYTES: Final = 0x03
_TAG_BYTES: Final = 16
_VBRI_AT: Final = 36
_LAME_BYTES: Final = 36
_NO_CRC: Final = 0x01
_RATE_BITS: Final = 0x0C
_MODE_BITS: Final = 0xC0
_BIT_RATES: Final = range(1, 15)


def tells_frames(first: bytes) -> bool:
    """Whether a stream's first frame tells how many follow, which means that it holds no sound."""
    frame = read_frame(first)
    if frame is None:
        return False
    tag = first[HEADER_BYTES + frame.side_bytes :][:_TAG_BYTES]
    has_counts = tag[7:8] != b"" and tag[7] & _FRAMES_AND_BYTES != 0 and any(tag[8:])
    return (tag.startswith(_TAGS) and has_counts) or first.startswith(b"VBRI", _VBRI_AT)


def write_xing(header: bytes, *, frames: int, size_bytes: int, is_constant: bool) -> bytes:
    """Make such a frame for a stream whose frames have headers like `header`.

    What LAME's part would say stays empty. Of a copied chunk's first samples none is an encoder's delay, and a decoder
    told so would skip sound.

    Args:
        header: four bytes.
        frames: how many follow.
        size_bytes: how long they are together.
        is_constant: whether they have one bit rate.
    """
    first, frame = _roomy(header)
    tag = b"Info" if is_constant else b"Xing"
    numbers = (_FRAMES_AND_BYTES, frames, frame.length_bytes + size_bytes)
    told = b"".join(min(number, 0xFFFF_FFFF).to_bytes(4, "big") for number in numbers)
    return (first + bytes(frame.side_bytes) + tag + told).ljust(frame.length_bytes, b"\0")


def _roomy(header: bytes) -> tuple[bytes, Frame]:
    """Give the header of a frame with room for it all, of the stream's own bit rate where that is enough."""
    kinds = [header[2] & 0xFC & ~0x02, *(bit_rate << 4 | header[2] & _RATE_BITS for bit_rate in _BIT_RATES)]
    for kind in kinds:
        first = bytes((header[0], header[1] | _NO_CRC, kind, header[3] & _MODE_BITS))
        frame = read_frame(first)
        if frame and frame.length_bytes >= HEADER_BYTES + frame.side_bytes + _TAG_BYTES + _LAME_BYTES:
            return first, frame
    raise ValueError("not a header of layer III")
