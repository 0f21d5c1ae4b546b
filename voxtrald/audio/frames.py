"""Where each frame of an mp3 lies, found by walking from header to header. Pure.

A frame's header tells its length (ISO/IEC 11172-3, 2.4.2.3, and 13818-3), so nothing has to be decoded, and what lies
between two frames can be taken out of the file as it is. Whatever does not follow this strictly (free format, rubbish
between frames, a change of rate, layer or channels) has no index: decoders differ in what they make of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from voxtrald.audio.layer3 import HEADER_BYTES, ID3_BYTES, Frame, id3_length, read_frame
from voxtrald.audio.reservoir import frame_gap_ms
from voxtrald.audio.xing import tells_frames, write_xing

_MATCHED: Final = 0xFFFEFEC0
"""Sync, version, layer, bit rate, sampling rate, padding and channel mode; the other bits may be anything."""

_STEREO_MODES: Final = (0x00, 0x40, 0x80)  # stereo, joint stereo, two channels: encoders change between them
_MONO_MODES: Final = (0xC0,)
_RATE_BITS: Final = 0x0C
LEAST_SAMPLES: Final = 576
"""The fewest samples a frame has."""

_MAX_TAGS: Final = 16
_TAIL_BYTES: Final = 1 << 16
_TAIL_MARKS: Final = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """The frames that hold sound, counted from 0.

    Attributes:
        header: of the first one.
        kinds: the third byte of each header, which tells the length.
        marks: for every few thousand frames the number of one and its place in the file, for quick looking up.
        start_ms: how much of the sound lies before the recording's beginning: the encoder's delay.
    """

    header: bytes
    kinds: bytes
    marks: tuple[tuple[int, int], ...]
    start_ms: int = 0

    @property
    def unit_ms(self) -> float:
        """How long a frame is."""
        return _frame(self.header).length_ms

    @property
    def duration_ms(self) -> int:
        """Where the last frame ends, in recording time."""
        return round(self.time_ms(len(self.kinds)))

    @property
    def gap_ms(self) -> float:
        """How long a decoder may hear wrong after a jump into the stream, at worst; see `reservoir`."""
        return max((frame_gap_ms(_frame(_of_kind(self.header, kind))) for kind in set(self.kinds)), default=0.0)

    def time_ms(self, number: int) -> float:
        """When a frame begins, in recording time."""
        return number * self.unit_ms - self.start_ms

    def nearest(self, at_ms: float) -> int:
        """Give the frame that begins nearest to a position, or the one behind the last."""
        return self._clamped(round((at_ms + self.start_ms) / self.unit_ms)) if at_ms > 0 else 0

    def before(self, at_ms: float) -> int:
        """Give the last frame that begins at or before a position."""
        return self._clamped(int((at_ms + self.start_ms) // self.unit_ms))

    def behind(self, at_ms: float) -> int:
        """Give the first frame that begins at or behind a position, or the one behind the last."""
        return self._clamped(-int(-(at_ms + self.start_ms) // self.unit_ms))

    def byte_of(self, number: int) -> int:
        """Tell where in the file a frame begins; of the number behind the last, where that one ends."""
        known, place = self.marks[bisect_right(self.marks, (number, 1 << 63)) - 1]
        lengths = _lengths(self.header)
        return place + sum(lengths[kind] for kind in self.kinds[known:number])

    def head(self, start: int, end: int) -> bytes:
        """Make what a file with only these frames begins with: a frame that tells how many there are."""
        kinds = self.kinds[start:end]
        size_bytes = self.byte_of(end) - self.byte_of(start)
        is_constant = len({kind >> 4 for kind in kinds}) <= 1
        return write_xing(self.header, frames=len(kinds), size_bytes=size_bytes, is_constant=is_constant)

    def _clamped(self, number: int) -> int:
        return min(max(number, 0), len(self.kinds))


def walk(blocks: Iterable[bytes], *, start_ms: int = 0, at_most: int | None = None) -> Frames | None:
    """Walk an mp3 from its first byte, or say that it has no index.

    Takes time and memory in proportion to the bytes: one byte is kept for each frame.

    Args:
        blocks: the file's content in order, in pieces of any size.
        start_ms: the recording's beginning in the sound, which a demuxer reads from the file's own header.
        at_most: stop soon after so many frames, without a look at how the file ends.
    """
    reach = _Reach(blocks)
    at = _behind_tags(reach)
    if not reach.has(at, HEADER_BYTES):
        return None
    header = reach.bytes_at(at, HEADER_BYTES)
    if read_frame(header) is None:
        return None
    trail = _Trail(header)
    at = _behind_counts(reach, at)
    at = trail.follow(reach, at, at_most=at_most)
    is_stopped = at_most is not None and len(trail.kinds) >= at_most
    if not trail.kinds or not (is_stopped or _ends_well(reach, at)):
        return None
    return Frames(header=header, kinds=bytes(trail.kinds), marks=tuple(trail.marks), start_ms=start_ms)


class _Reach:
    """A view of a stream that moves forward only."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self.base = 0
        self.block = b""

    @property
    def end(self) -> int:
        """How far it has been read."""
        return self.base + len(self.block)

    def has(self, at: int, count: int) -> bool:
        """Move on until these bytes are in view; no, where the stream ends before."""
        while self.end < at + count:
            block = next(self._blocks, None)
            if block is None:
                return False
            kept = self.block[max(0, at - self.base) :]
            self.base = self.end - len(kept)
            self.block = kept + block
        return True

    def bytes_at(self, at: int, count: int) -> bytes:
        """Give bytes in view."""
        return self.block[at - self.base : at - self.base + count]


def _behind_tags(reach: _Reach) -> int:
    at = 0
    for _ in range(_MAX_TAGS):
        length = id3_length(reach.bytes_at(at, ID3_BYTES)) if reach.has(at, ID3_BYTES) else 0
        at += length
        if not length:
            break
    return at


def _behind_counts(reach: _Reach, at: int) -> int:
    """Pass over a first frame that holds no sound but tells how many follow."""
    length = _lengths(reach.bytes_at(at, HEADER_BYTES))[reach.bytes_at(at + 2, 1)[0]]
    is_whole = reach.has(at, length)
    return at + length if is_whole and tells_frames(reach.bytes_at(at, length)) else at


class _Trail:
    """The frames found so far."""

    def __init__(self, header: bytes) -> None:
        self.kinds = bytearray()
        self.marks: list[tuple[int, int]] = []
        self._header = header
        self._next = _next_lengths(header)

    def follow(self, reach: _Reach, at: int, *, at_most: int | None) -> int:
        """Step from frame to frame as long as the next one is of the same sort; give where that ends."""
        steps = -1
        while steps and reach.has(at, HEADER_BYTES) and (at_most is None or len(self.kinds) < at_most):
            self.marks.append((len(self.kinds), at))
            before = at
            at = self._step(reach, at)
            steps = at - before
        if self.kinds and not reach.has(at, 0):  # the file ends within the last frame
            at -= _lengths(self._header)[self.kinds.pop()]
        return at

    def _step(self, reach: _Reach, at: int) -> int:
        """Step through the block in view. Every frame comes through this loop."""
        block, offset, last = reach.block, at - reach.base, len(reach.block) - HEADER_BYTES
        lengths, number, keep = self._next, int.from_bytes, self.kinds.append
        while offset <= last:
            length = lengths.get(number(block[offset : offset + HEADER_BYTES], "big") & _MATCHED)
            if length is None:
                break
            keep(block[offset + 2])
            offset += length
        return reach.base + offset


def _ends_well(reach: _Reach, at: int) -> bool:
    """Whether nothing but tags, padding or the beginning of a frame follows."""
    if reach.has(at, _TAIL_BYTES):
        return False
    tail = reach.bytes_at(at, _TAIL_BYTES)
    cut_off = read_frame(tail)
    is_cut_off = cut_off is not None and cut_off.length_bytes > len(tail)
    return is_cut_off or tail.startswith(_TAIL_MARKS) or not tail.strip(b"\0")


def _frame(header: bytes) -> Frame:
    frame = read_frame(header)
    if frame is None:
        raise ValueError("not a header of layer III")
    return frame


def _of_kind(header: bytes, kind: int) -> bytes:
    return bytes((header[0], header[1], kind, header[3]))


@lru_cache(maxsize=16)
def _lengths(header: bytes) -> tuple[int, ...]:
    """Give the length of each kind of frame; 0 for kinds that a stream with this header cannot have."""
    is_same_rate = [(kind ^ header[2]) & _RATE_BITS == 0 for kind in range(256)]
    frames = [read_frame(_of_kind(header, kind)) if is_same_rate[kind] else None for kind in range(256)]
    return tuple(frame.length_bytes if frame else 0 for frame in frames)


@lru_cache(maxsize=16)
def _next_lengths(header: bytes) -> Mapping[int, int]:
    """Give for each header that may follow this one, but for the bits that do not matter, the length of its frame."""
    modes = _MONO_MODES if header[3] & _MONO_MODES[0] == _MONO_MODES[0] else _STEREO_MODES
    words = {int.from_bytes((header[0], header[1], kind, 0), "big"): kind for kind in range(256)}
    lengths = _lengths(header)
    return {(word & _MATCHED) | mode: lengths[kind] for word, kind in words.items() for mode in modes if lengths[kind]}
