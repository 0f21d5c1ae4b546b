"""Where the samples of a WAV file lie, and the header of a file with only some of them. Pure.

Layout as in Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" (RIFF, WAVE), its
WAVEFORMATEXTENSIBLE, and EBU Tech 3306 (RF64) and ITU-R BS.2088 (BW64) for files over 4 GiB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 1 << 16
TAIL_BYTES: Final = 1 << 16

_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_CHUNK_BYTES: Final = 8
_FORM_BYTES: Final = 12
_FORMAT_BYTES: Final = 16
_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT_AT: Final = 24
_SAMPLE_BYTES: Final = 2
_UNKNOWN: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of a WAV file, 16 bits for each channel, counted from 0.

    Attributes:
        layout: the content of the file's own `fmt ` chunk.
        first_at: where in the file they begin.
        count: how many there are, of all channels together one.
    """

    layout: bytes
    sample_rate_hz: int
    sample_bytes: int
    first_at: int
    count: int

    @property
    def unit_ms(self) -> float:
        """How long a sample is."""
        return 1000 / self.sample_rate_hz

    @property
    def duration_ms(self) -> int:
        """Where the last sample ends."""
        return round(self.time_ms(self.count))

    @property
    def gap_ms(self) -> float:
        """Nothing is heard wrong after a jump."""
        return 0.0

    def time_ms(self, number: int) -> float:
        """When a sample begins."""
        return number * 1000 / self.sample_rate_hz

    def nearest(self, at_ms: float) -> int:
        """Give the sample that begins nearest to a position, or the number behind the last."""
        return min(max(0, round(at_ms * self.sample_rate_hz / 1000)), self.count)

    def behind(self, at_ms: float) -> int:
        """Give the first sample that begins at or behind a position, or the number behind the last."""
        return min(max(0, -int(-at_ms * self.sample_rate_hz // 1000)), self.count)

    def byte_of(self, number: int) -> int:
        """Tell where in the file a sample begins."""
        return self.first_at + number * self.sample_bytes

    def head(self, start: int, end: int) -> bytes:
        """Make the header of a file with only these samples."""
        size_bytes = (end - start) * self.sample_bytes
        form_bytes = len(b"WAVE") + _CHUNK_BYTES + len(self.layout) + _CHUNK_BYTES + size_bytes
        return b"".join(
            (
                *(b"RIFF", _size(form_bytes), b"WAVE"),
                *(b"fmt ", _size(len(self.layout)), self.layout),
                *(b"data", _size(size_bytes)),
            )
        )


def find_samples(head: bytes, *, size_bytes: int) -> Samples | None:
    """Find the samples by the beginning of a file, or say that they are not of the kind we know.

    A header that promises more than there is, or nothing, as recorders leave it behind that were switched off, is
    taken to mean all there is.

    Args:
        head: at least `HEAD_BYTES`, or the whole file.
        size_bytes: of the file.
    """
    if head[:4] not in _KINDS or head[8:_FORM_BYTES] != b"WAVE":
        return None
    layout = long_bytes = None
    for name, at, length in _chunks(head, at=_FORM_BYTES):
        if name == b"fmt ":
            layout = head[at : at + length]
        elif name == b"ds64" and length >= _FORMAT_BYTES:
            long_bytes = int.from_bytes(head[at + 8 : at + 16], "little")
        elif name == b"data":
            promised = long_bytes if length == _UNKNOWN and long_bytes else length
            return _of(layout or b"", at=at, promised=promised, size_bytes=size_bytes)
    return None


def is_all(tail: bytes) -> bool:
    """Whether what follows the samples holds no more of them.

    Args:
        tail: `TAIL_BYTES` from behind the samples, or all there is.
    """
    reached = 0
    for name, at, length in _chunks(tail, at=0):
        reached = at + length
        if name == b"data":
            return False
    return reached <= TAIL_BYTES


def _chunks(content: bytes, *, at: int) -> Iterator[tuple[bytes, int, int]]:
    """List the chunks that begin within the content: name, where their content begins, its length."""
    while at + _CHUNK_BYTES <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        yield name, at + _CHUNK_BYTES, length
        at += _CHUNK_BYTES + length + length % 2  # chunks begin at even places


def _of(layout: bytes, *, at: int, promised: int, size_bytes: int) -> Samples | None:
    if len(layout) < _FORMAT_BYTES:
        return None
    tag, channels, rate_hz, _, sample_bytes, bits = struct.unpack_from("<HHIIHH", layout)
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(layout[_SUBFORMAT_AT : _SUBFORMAT_AT + 2], "little")
    is_known = tag == _PCM and bits == 8 * _SAMPLE_BYTES and rate_hz > 0
    if not is_known or channels == 0 or sample_bytes != channels * _SAMPLE_BYTES:
        return None
    is_told = 0 < promised < _UNKNOWN or (promised > _UNKNOWN)
    there_bytes = min(promised, size_bytes - at) if is_told else size_bytes - at
    count = max(0, there_bytes) // sample_bytes
    return Samples(layout=layout, sample_rate_hz=rate_hz, sample_bytes=sample_bytes, first_at=at, count=count)


def _size(number: int) -> bytes:
    return min(number, _UNKNOWN).to_bytes(4, "little")
