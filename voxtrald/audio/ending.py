"""Where a file ends by its own account: how a recording that was cut off is told from a short one. Pure.

A copy that broke off, a full card, a recorder without power: what is there plays well, and nothing but the container's
own books shows that there was to be more. Layouts: ISO/IEC 14496-12, 4.2 (mov); Microsoft's and IBM's "Multimedia
Programming Interface", and EBU Tech 3306 (wav); Apple's "AIFF 1.3" and "Core Audio Format"; Sony's "Wave64";
Microsoft's "ASF Specification", 2.1 and 5; RFC 8794, 4 to 6 (matroska); RFC 3533, 6 (ogg); LAME's "Mp3 Info Tag rev
1" (mp3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from voxtrald.audio.layer3 import ID3_BYTES, id3_length

Read = Callable[[int, int], bytes]
"""Gives up to so many bytes (second) from a position (first); fewer, or none, where the file ends."""

_MOST_CHUNKS: Final = 10_000
"""After so many a walk gives up: nothing that follows is worth the time a hostile file would take."""

_RIFF_LONG: Final = 0xFFFF_FFFF
_RIFF_UNKNOWN: Final = range(0x7FFF_0000, 0x8001_0000)
"""What programs that write into a pipe put for a length they do not know, beside 0 and all ones."""

_OGG_LAST_LOOK: Final = 1 << 17
_OGG_HEADER_BYTES: Final = 27
_OGG_LAST: Final = 0x04
_ASF_EMPTY_BYTES: Final = 26
_BOX_BYTES: Final = 8
_XING_LOOK: Final = 1 << 12
_XING_HAS_FRAMES: Final = 1
_XING_HAS_BYTES: Final = 2
_XING_AT_MOST: Final = 36
_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_BOXES: Final = frozenset(
    b"ftyp moov mdat moof mfra free skip wide styp sidx ssix prft emsg meta uuid udta pdin pnot PICT".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a container of named chunks is laid out.

    Attributes:
        first_at: where the first chunk begins.
        sound: the name of the chunk that holds the sound.
        name_bytes: how long names are; the length follows.
        length_bytes: how long lengths are.
        includes_header: whether a chunk's length counts its name and length too.
        step: chunks begin at multiples of so many bytes.
    """

    first_at: int
    sound: bytes
    name_bytes: int = 4
    length_bytes: int = 4
    order: Literal["little", "big"] = "little"
    includes_header: bool = False
    step: int = 1


_RIFF: Final = Form(first_at=12, sound=b"data", step=2)
_FORMS: Final[Mapping[str, Form]] = {
    "aiff": Form(first_at=12, sound=b"SSND", order="big", step=2),
    "caf": Form(first_at=8, sound=b"data", length_bytes=8, order="big"),
    "w64": Form(
        first_at=40,
        sound=b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a"),
        name_bytes=16,
        length_bytes=8,
        includes_header=True,
        step=8,
    ),
    "asf": Form(
        first_at=0,
        sound=bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"),
        name_bytes=16,
        length_bytes=8,
        includes_header=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a file ends.

    Attributes:
        is_cut_off: before its own header, or the mark of its last page, says that it does.
        declared_bytes: how long it would be by its header; None where that does not tell, or cannot know.
    """

    is_cut_off: bool
    declared_bytes: int | None


WHOLE: Final = Ending(is_cut_off=False, declared_bytes=None)


def find_ending(container: str, *, read: Read, size_bytes: int) -> Ending:
    """Find out whether a file is whole by its own account.

    Args:
        container: as `probe` names it.
        read: reads the file.
        size_bytes: how long the file is.
    """
    if container == "ogg":
        return Ending(is_cut_off=_lacks_last_page(read, size_bytes=size_bytes), declared_bytes=None)
    end = declared_end(container, read=read, size_bytes=size_bytes)
    return Ending(is_cut_off=end is not None and end > size_bytes, declared_bytes=end)


def declared_end(container: str, *, read: Read, size_bytes: int) -> int | None:
    """Give the position at which the sound ends by the header's account, or None where it gives none."""
    if container in _FORMS:
        return _chunk_end(_FORMS[container], read=read, size_bytes=size_bytes)
    special = {"wav": _wav_end, "mov": _mov_end, "matroska": _matroska_end, "mp3": _mp3_end}.get(container)
    return special(read, size_bytes) if special else None


# --- containers of named chunks -------------------------------------------------------------------------------


def _chunks(form: Form, *, read: Read, size_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name, where what is in it begins, and how long that is by its header."""
    at, header_bytes = form.first_at, form.name_bytes + form.length_bytes
    for _ in range(_MOST_CHUNKS):
        header = read(at, header_bytes)
        if at >= size_bytes or len(header) < header_bytes:
            return
        length = int.from_bytes(header[form.name_bytes :], form.order)
        length -= header_bytes if form.includes_header else 0
        if length < 0:
            return
        yield header[: form.name_bytes], at + header_bytes, length
        at += header_bytes + length
        at += -at % form.step


def _chunk_end(form: Form, *, read: Read, size_bytes: int) -> int | None:
    for name, at, length in _chunks(form, read=read, size_bytes=size_bytes):
        if name == form.sound:
            return None if _is_unknown(length, form) else at + length
    return None


def _is_unknown(length: int, form: Form) -> bool:
    highest = 1 << 8 * form.length_bytes
    if form.includes_header:
        # One that sends while it records cannot come back: its data object has a header and nothing else.
        return length <= _ASF_EMPTY_BYTES
    return length in {0, highest - 1}


def _wav_end(read: Read, size_bytes: int) -> int | None:
    long_length = None
    for name, at, length in _chunks(_RIFF, read=read, size_bytes=size_bytes):
        if name == b"ds64":
            long_length = int.from_bytes(read(at + 8, 8), "little")
        elif name == b"data":
            is_long = length == _RIFF_LONG and long_length
            known = not _is_unknown(length, _RIFF) and length not in _RIFF_UNKNOWN
            return at + (long_length or 0) if is_long else at + length if known else None
    return None


def _mov_end(read: Read, size_bytes: int) -> int | None:
    """Walk the boxes; the end of the last one, or nothing where something else lies between or behind them."""
    at = 0
    for _ in range(_MOST_CHUNKS):
        head = read(at, 2 * _BOX_BYTES)
        if len(head) < _BOX_BYTES or at >= size_bytes:
            return at if at >= size_bytes else None
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        length = int.from_bytes(head[8:16], "big") if length == 1 else length
        if name not in _BOXES or length < _BOX_BYTES:
            return None  # length 0: to the end of the file, wherever that is
        at += length
    return None


# --- others ---------------------------------------------------------------------------------------------------


def _matroska_end(read: Read, size_bytes: int) -> int | None:
    del size_bytes
    if read(0, 4) != _EBML:
        return None
    header = _vint(read(4, 8))
    at = 4 + sum(header) if header else 0
    if not header or read(at, 4) != _SEGMENT:
        return None
    segment = _vint(read(at + 4, 8))
    return at + 4 + sum(segment) if segment else None


def _vint(head: bytes) -> tuple[int, int] | None:
    """Read a length of variable width as (width, value), or None where it is unknown or no such thing."""
    if not head or not head[0]:
        return None
    width = 9 - head[0].bit_length()
    value = int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)
    is_unknown = value == (1 << 7 * width) - 1
    return None if is_unknown or len(head) < width else (width, value)


def _mp3_end(read: Read, size_bytes: int) -> int | None:
    del size_bytes
    start = id3_length(read(0, ID3_BYTES))
    head = read(start, _XING_LOOK)
    at = next((found for tag in (b"Xing", b"Info") if (found := head.find(tag)) >= 0), -1)
    flags = int.from_bytes(head[at + 4 : at + 8], "big")
    if at < 0 or not flags & _XING_HAS_BYTES:
        return None
    bytes_at = at + 8 + 4 * (flags & _XING_HAS_FRAMES)
    length = int.from_bytes(head[bytes_at : bytes_at + 4], "big")
    # The length counts from the frame's header, which is at most so far before the tag.
    return start + max(0, at - _XING_AT_MOST) + length if length else None


def _lacks_last_page(read: Read, *, size_bytes: int) -> bool:
    """Whether an Ogg file's last page is incomplete or not marked as the last one."""
    start = max(0, size_bytes - _OGG_LAST_LOOK)
    tail = read(start, _OGG_LAST_LOOK)
    at = tail.rfind(b"OggS")
    header = tail[at : at + _OGG_HEADER_BYTES] if at >= 0 else b""
    if len(header) < _OGG_HEADER_BYTES:
        return True
    lacing = tail[at + _OGG_HEADER_BYTES :][: header[26]]
    is_whole = at + _OGG_HEADER_BYTES + len(lacing) + sum(lacing) <= len(tail) and len(lacing) == header[26]
    return not (is_whole and header[5] & _OGG_LAST)
