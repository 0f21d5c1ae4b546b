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
)
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


def name_intruder(head: bytes) -> str:
    """Say what a file is that is no recording, or give an empty string for one that may be.

    Playlists and other text lead a decoder to other files and to addresses, so text is turned away before one
    starts.
    """
    if head.startswith(_AUDIO_HEADS):
        return ""
    for magic, name in _DOCUMENTS.items():
        if head.startswith(magic):
            return name
    body = head.removeprefix(b"\xef\xbb\xbf")
    return "a text or playlist file" if body and _TEXT.issuperset(body) else ""
