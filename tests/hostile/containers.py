"""Builds containers byte by byte, so that their books can say what no program would write."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache

CRC32_POLYNOMIAL = 0x04C11DB7
TS_PACKET_BYTES = 188


# --- check sums -------------------------------------------------------------------------------------------------


@cache
def _crc_table(width: int, polynomial: int) -> list[int]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    table = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = ((value << 1) ^ (polynomial if value & top else 0)) & mask
        table.append(value)
    return table


def crc(content: bytes, *, width: int, polynomial: int, start: int = 0) -> int:
    """Give the check sum of a polynomial, highest bit first: 8 and 16 bits in FLAC, 32 in Ogg and MPEG-TS."""
    table, mask, value = _crc_table(width, polynomial), (1 << width) - 1, start
    for byte in content:
        value = (value << 8) & mask ^ table[value >> (width - 8) ^ byte]
    return value


# --- wav --------------------------------------------------------------------------------------------------------


def wav_form(*, rate: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """Write a chunk `fmt `."""
    align = channels * bits // 8
    content = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFF_FFFF, align & 0xFFFF, bits)
    return b"fmt " + struct.pack("<I", len(content)) + content


def wav(
    sound: bytes, *, form: bytes | None = None, data_bytes: int | None = None, riff_bytes: int | None = None
) -> bytes:
    """Write a WAV file; lengths and form are what the caller claims, or true."""
    body = b"WAVE" + (wav_form() if form is None else form)
    told = len(sound) if data_bytes is None else data_bytes
    body += b"data" + struct.pack("<I", told)
    whole = len(body) + len(sound) if riff_bytes is None else riff_bytes
    return b"RIFF" + struct.pack("<I", whole & 0xFFFF_FFFF) + body + sound


def rf64(sound: bytes, *, data_bytes: int) -> bytes:
    """Write an RF64 file that claims to hold so many bytes."""
    sizes = struct.pack("<QQQI", data_bytes + 72, data_bytes, data_bytes // 2, 0)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes
    return head + wav_form() + b"data\xff\xff\xff\xff" + sound


# --- flac -------------------------------------------------------------------------------------------------------


def _coded(number: int) -> bytes:
    """Write a number as UTF-8 would, up to 36 bits (RFC 9639, 9.1.5)."""
    if number < 0x80:
        return bytes([number])
    extra = next(n for n in range(1, 7) if number < 1 << (5 * n + 6))
    lead = (0xFF00 >> (extra + 1)) & 0xFF
    parts = [0x80 | number >> 6 * n & 0x3F for n in reversed(range(extra))]
    return bytes([lead | number >> 6 * extra, *parts])


def silent_flac(seconds: int, *, total_samples: int | None = None) -> bytes:
    """Write hours of digital silence at 8 kHz: a frame of 65,535 equal samples takes 12 to 16 bytes."""
    rate, block = 8_000, 65_535
    frames = max(1, seconds * rate // block)
    total = frames * block if total_samples is None else total_samples
    info = struct.pack(">HH", block, block) + bytes(6)
    info += (rate << 44 | 0 << 41 | 15 << 36 | total).to_bytes(8, "big") + bytes(16)
    head = b"fLaC\x80" + len(info).to_bytes(3, "big") + info
    return head + b"".join(_silent_frame(number, block) for number in range(frames))


def _silent_frame(number: int, block: int) -> bytes:
    header = b"\xff\xf8" + bytes([0x74, 0x08]) + _coded(number) + struct.pack(">H", block - 1)
    header += bytes([crc(header, width=8, polynomial=0x07)])
    frame = header + bytes(3)  # one constant subframe of value 0
    return frame + crc(frame, width=16, polynomial=0x8005).to_bytes(2, "big")


# --- ogg --------------------------------------------------------------------------------------------------------


def ogg_pages(content: bytes) -> list[bytes]:
    """Cut an Ogg file into its pages."""
    pages, at = [], 0
    while at < len(content):
        segments = content[at + 26]
        length = 27 + segments + sum(content[at + 27 : at + 27 + segments])
        pages.append(content[at : at + length])
        at += length
    return pages


def with_granule(page: bytes, granule: int) -> bytes:
    """Give a page another position, with a check sum that fits."""
    bare = page[:6] + struct.pack("<q", granule) + page[14:22] + bytes(4) + page[26:]
    return bare[:22] + struct.pack("<I", crc(bare, width=32, polynomial=CRC32_POLYNOMIAL)) + bare[26:]


# --- mp4 --------------------------------------------------------------------------------------------------------


def box(name: bytes, *parts: bytes) -> bytes:
    """Write a box."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def full_box(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """Write a box with version 0 and flags."""
    return box(name, struct.pack(">I", flags), *parts)


MATRIX = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
HERE = full_box(b"url ", flags=1)


def pcm_track(
    *,
    frames: int,
    sound_at: int,
    rate: int = 16_000,
    step: int = 1,
    reference: bytes = HERE,
    number: int = 1,
) -> bytes:
    """Write a track of 16-bit mono samples, `step` ticks each, kept where the data reference says."""
    length = frames * step & 0xFFFF_FFFF
    entry = box(b"sowt", bytes(6), struct.pack(">H", 1), bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, rate << 16))
    table = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), entry),
        full_box(b"stts", struct.pack(">III", 1, frames, step)),
        full_box(b"stsc", struct.pack(">IIII", 1, 1, frames, 1)),
        full_box(b"stsz", struct.pack(">II", 2, frames)),
        full_box(b"stco", struct.pack(">II", 1, sound_at)),
    )
    place = box(b"dinf", full_box(b"dref", struct.pack(">I", 1), reference))
    media = box(
        b"mdia",
        full_box(b"mdhd", struct.pack(">IIIIHH", 0, 0, rate, length, 0, 0)),
        full_box(b"hdlr", b"mhlrsoun", bytes(12), b"\0"),
        box(b"minf", full_box(b"smhd", bytes(4)), place, table),
    )
    header = struct.pack(">IIIII", 0, 0, number, 0, length) + bytes(8) + struct.pack(">hhhh", 0, 0, 256, 0)
    return box(b"trak", full_box(b"tkhd", header, MATRIX, bytes(8), flags=7), media)


def movie(tracks: Iterable[bytes], sound: bytes = b"", *, rate: int = 16_000, length: int = 0) -> bytes:
    """Write a QuickTime file: its sound first, then its books."""
    header = struct.pack(">IIII", 0, 0, rate, length) + struct.pack(">ih", 1 << 16, 256) + bytes(10)
    books = full_box(b"mvhd", header, MATRIX, bytes(24), struct.pack(">I", 2))
    start = box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
    return start + box(b"mdat", sound) + box(b"moov", books, *tracks)


SOUND_AT = 28
"""Where the sound of a `movie` begins: behind the box `ftyp` and the header of `mdat`."""


def alias(path: str) -> bytes:
    """Write a Macintosh alias record, version 2, with the path as libavformat looks for it (types 2 and 18)."""
    name, text = path.rpartition("/")[2].encode(), path.encode()
    record = struct.pack(">IHHH", 0, 150, 2, 0) + bytes([12]) + b"Macintosh HD".ljust(27, b"\0") + bytes(4) + b"H+"
    record += bytes(6) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    for kind in (2, 18):
        record += struct.pack(">hH", kind, len(text)) + text + bytes(len(text) & 1)
    return record + struct.pack(">hH", -1, 0)


# --- matroska ---------------------------------------------------------------------------------------------------


def element(name: str, content: bytes | int | str) -> bytes:
    """Write an EBML element by its id in hexadecimal, with a length of eight bytes."""
    if isinstance(content, int):
        content = content.to_bytes(max(1, (content.bit_length() + 7) // 8), "big")
    raw = content.encode() if isinstance(content, str) else content
    return bytes.fromhex(name) + (1 << 56 | len(raw)).to_bytes(8, "big") + raw


def matroska(tracks: Iterable[bytes]) -> bytes:
    """Write a Matroska file without sound."""
    head = element("1a45dfa3", element("4282", "matroska") + element("4287", 4) + element("4285", 2))
    facts = element("1549a966", element("2ad7b1", 1_000_000))
    return head + element("18538067", facts + element("1654ae6b", b"".join(tracks)))


def matroska_track(number: int) -> bytes:
    """Write a track of 16-bit samples."""
    sound = element("e1", element("b5", struct.pack(">d", 16_000.0)) + element("9f", 1) + element("6264", 16))
    about = element("d7", number) + element("73c5", number) + element("83", 2) + element("86", "A_PCM/INT/LIT")
    return element("ae", about + sound)


# --- mpeg-ts ----------------------------------------------------------------------------------------------------


def _section(table: int, number: int, content: bytes) -> bytes:
    body = struct.pack(">HBBB", number, 0xC1, 0, 0) + content
    head = struct.pack(">BH", table, 0xB000 | len(body) + 4) + body
    return head + crc(head, width=32, polynomial=CRC32_POLYNOMIAL, start=0xFFFF_FFFF).to_bytes(4, "big")


def _packets(pid: int, section: bytes) -> bytes:
    content, packets = b"\0" + section, []
    for number, at in enumerate(range(0, len(content), 184)):
        head = struct.pack(">BHB", 0x47, pid | (0x4000 if at == 0 else 0), 0x10 | number & 15)
        packets.append(head + content[at : at + 184].ljust(184, b"\xff"))
    return b"".join(packets)


def transport_stream(*, programs: int, streams: int) -> bytes:
    """Write the tables of a transport stream with so many streams of MP3 in each program, and no sound."""
    pids = range(0x1000, 0x1000 + programs)
    listed = b"".join(struct.pack(">HH", number, 0xE000 | pid) for number, pid in enumerate(pids, start=1))
    content = _packets(0, _section(0, 1, listed))
    for number, pid in enumerate(pids, start=1):
        first = 0x20 + (number - 1) * streams % 0xF00
        entries = b"".join(struct.pack(">BHH", 3, 0xE000 | first + each, 0xF000) for each in range(streams))
        content += _packets(pid, _section(2, number, struct.pack(">HH", 0xE000 | first, 0xF000) + entries))
    return content * 3


# --- mp3 --------------------------------------------------------------------------------------------------------


def id3(size: int) -> bytes:
    """Write the header of an ID3v2.4 tag that claims so many bytes."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3_frame(name: bytes, size: int) -> bytes:
    """Write the header of a frame in such a tag."""
    return name + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(2)
