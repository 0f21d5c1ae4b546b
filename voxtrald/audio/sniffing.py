"""Recognises by its first bytes what must not reach a decoder at all. Pure."""

from __future__ import annotations

from typing import Final

SNIFF_BYTES: Final = 64

_AUDIO_HEADS: Final = (
    b"#!AMR",
    b"fLaC",
    b"OggS",
    b"RIFF",
    b"RF64",
    b"ID3",
    b".snd",
    b"caff",
    b"FORM",
    b"MAC ",
    b"wvpk",
    b"TTA1",
    b"\x1a\x45\xdf\xa3",
    b"\x30\x26\xb2\x75",
    b"riff",
)
_TEXT_HEADS: Final = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"[Reference]", b"<?xml", b"<!DOCTYPE", b"<asx", b"<smil")
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_TEXT: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0C, 0x0D}
_DOCUMENTS: Final = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
    b"\x1f\x8b": "a compressed file",
}


def starts_like_sound(head: bytes) -> bool:
    """Whether a file begins as only recordings do."""
    return head.startswith(_AUDIO_HEADS)


def name_intruder(head: bytes) -> str:
    """Say what a file is that is no recording, or give an empty string for one that may be.

    Playlists and other text lead a decoder to other files and to addresses, so text is turned away before one
    starts.
    """
    if starts_like_sound(head):
        return ""
    for magic, name in _DOCUMENTS.items():
        if head.startswith(magic):
            return name
    return "a text or playlist file" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    body = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith(_WIDE_MARKS):
        # Letters of two bytes: one of each pair is 0. What only begins like that may be sound.
        body = head[2::2] if any(head[3::2]) else head[3::2]
        other = head[3::2] if any(head[3::2]) else head[2::2]
        return bool(other) and not any(body) and _TEXT.issuperset(other)
    return body.startswith(_TEXT_HEADS) or (bool(body) and _TEXT.issuperset(body))
