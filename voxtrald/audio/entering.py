"""Where ffmpeg is to begin reading, for a position that it could only find by reading all before it. Pure."""

from __future__ import annotations

from voxtrald.audio.commands import Entry, lead_in_ms
from voxtrald.audio.frames import Frames
from voxtrald.audio.probe import AudioSource


def find_entry(source: AudioSource, *, at_ms: int) -> Entry | None:
    """Give the frame from which on a decoder hears right at a position; None where it can search by itself."""
    if not isinstance(source.layout, Frames):
        return None
    number = source.layout.before(at_ms - lead_in_ms(source.container))
    return Entry(skip_bytes=source.layout.byte_of(number), at_ms=source.layout.time_ms(number)) if number else None
