"""Puts files together by hand where no encoder or muxer does: AMR-WB, Speex, WAVs beyond 4 GiB, broken clocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Final

import numpy as np

from tests.formats.saying import LEAD_MS, SAYING, SAYING_MS, places_ms
from tests.formats.workshop import run
from tests.sound.speech import place, speak

HERE: Final = Path(__file__).parent
FRAME_MS: Final = 20

# Made from `saying.SAYING` by Debian's libvo-amrwbenc 0.1.3 (23.85 kbit/s) and speexenc 1.2.1 (wideband, quality 8):
# the ffmpeg that the other files are made with can encode neither.
_AMR_WB: Final = HERE / "saying-wb.amr"
_SPEEX: Final = HERE / "saying.spx"

_AMR_HEAD: Final = b"#!AMR-WB\n"
_AMR_FRAME_BYTES: Final = 61


def write_amr_wb(target: Path, *, length_ms: int) -> None:
    """Write an AMR-WB file (RFC 4867, section 5): its head, then frames of 20 ms that stand for themselves."""
    body = _AMR_WB.read_bytes().removeprefix(_AMR_HEAD)
    frames = [body[at : at + _AMR_FRAME_BYTES] for at in range(0, len(body), _AMR_FRAME_BYTES)]
    target.write_bytes(_AMR_HEAD + b"".join(_spread(frames, length_ms=length_ms)))


def write_speex(target: Path, *, length_ms: int) -> None:
    """Write an Ogg file of Speex packets: its two heads, then fifty packets of 20 ms on a page."""
    heads, frames = _speex_packets()
    pages = [_page([head], granule=0, number=number) for number, head in enumerate(heads)]
    packets = iter(_spread(frames, length_ms=length_ms))
    written = 0
    while batch := list(islice(packets, 50)):
        written += len(batch) * 320
        is_last = written >= length_ms * 16
        pages.append(_page(batch, granule=written, number=len(pages), is_last=is_last))
    target.write_bytes(b"".join(pages))


def _spread(frames: list[bytes], *, length_ms: int) -> Iterator[bytes]:
    """Give the frames of a whole recording: the saying where it belongs, one silent frame everywhere else."""
    silent = frames[LEAD_MS // FRAME_MS - 2]
    saying = frames[1 : (LEAD_MS + SAYING_MS + 240) // FRAME_MS]  # with its lead: a decoder remembers what was before
    done = 0
    for start_ms in places_ms(length_ms):
        start = (start_ms - LEAD_MS) // FRAME_MS + 1
        yield from chain(repeat(silent, start - done), saying)
        done = start + len(saying)
    yield from repeat(silent, length_ms // FRAME_MS - done)


def _speex_packets() -> tuple[list[bytes], list[bytes]]:
    """Take an Ogg file apart into its two heads and its packets (RFC 3533, section 6)."""
    content, at, packets, open_packet = _SPEEX.read_bytes(), 0, [], b""
    while at < len(content):
        lacing = content[at + 27 : at + 27 + content[at + 26]]
        at += 27 + len(lacing)
        for length in lacing:
            open_packet += content[at : at + length]
            at += length
            if length < 255:
                packets.append(open_packet)
                open_packet = b""
    return packets[:2], packets[2:]


def _page(packets: list[bytes], *, granule: int, number: int, is_last: bool = False) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    flags = (2 if number == 0 else 0) | (4 if is_last else 0)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, 1, number, 0, len(lacing))
    page = head + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _ogg_crc(page)) + page[26:]


def _ogg_crc(page: bytes) -> int:
    table, crc = _crc_table(), 0
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return crc


@cache
def _crc_table() -> tuple[int, ...]:
    def entry(index: int) -> int:
        crc = index << 24
        for _ in range(8):
            crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if crc >> 31 else 0)
        return crc

    return tuple(entry(index) for index in range(256))


def write_rf64(target: Path, *, length_ms: int) -> None:
    """Write an RF64 file (EBU Tech 3306) of 8 channels of 32-bit float at 48 kHz; it takes no room for its silence."""
    rate, channels = 48_000, 8
    frame_bytes = channels * 4
    data_bytes = length_ms * rate // 1000 * frame_bytes
    form = struct.pack("<HHIIHH", 3, channels, rate, rate * frame_bytes, frame_bytes, 32)
    size = struct.pack("<QQQI", data_bytes + 80, data_bytes, data_bytes // frame_bytes, 0)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(size)) + size
    head += b"fmt " + struct.pack("<I", len(form)) + form + b"data\xff\xff\xff\xff"
    with target.open("wb") as file:
        file.write(head)
        for start_ms in places_ms(length_ms):
            file.seek(len(head) + start_ms * rate // 1000 * frame_bytes)
            file.write(_saying_in_channels(rate, channels))
        file.truncate(len(head) + data_bytes)


def _saying_in_channels(rate: int, channels: int) -> bytes:
    words = [place(text, after_ms) for text, after_ms in SAYING]
    mono = speak(words, SAYING_MS, rate).astype("<f4") / 32768
    return np.repeat(mono[:, None], channels, axis=1).tobytes()


def write_caf_aac(source: Path, target: Path) -> None:
    """Write AAC as Apple's Core Audio Format holds it, from a file with one AAC track of 44.1 kHz, mono."""
    frames = _adts_frames(run("-i", source, "-c", "copy", target.with_suffix(".aac")))
    target.with_suffix(".aac").unlink()
    priming = 1024  # of ffmpeg's own encoder
    form = struct.pack(">d4sIIIII", 44_100.0, b"aac ", 0, 0, 1024, 1, 0)
    config = bytes.fromhex("40150000000000fa000000fa00 0580808002 1208".replace(" ", ""))
    cookie = bytes.fromhex("03808080220000000480808014") + config + bytes.fromhex("068080800102")
    table = struct.pack(">qqII", len(frames), 1024 * len(frames) - priming, priming, 0)
    table += b"".join(_variable(len(frame)) for frame in frames)
    body = b"\0\0\0\1" + b"".join(frames)
    chunks = ((b"desc", form), (b"kuki", cookie), (b"pakt", table), (b"data", body))
    target.write_bytes(b"caff\0\1\0\0" + b"".join(struct.pack(">4sq", *(n, len(c))) + c for n, c in chunks))


def _adts_frames(path: Path) -> list[bytes]:
    content, at, frames = path.read_bytes(), 0, []
    while at < len(content):
        length = (content[at + 3] & 3) << 11 | content[at + 4] << 3 | content[at + 5] >> 5
        frames.append(content[at + 7 : at + length])
        at += length
    return frames


def _variable(number: int) -> bytes:
    """Write a number in groups of seven bits, the highest first."""
    return (bytes([number >> 7 | 0x80]) if number >> 7 else b"") + bytes([number & 0x7F])
