"""How long an mp3 decoder needs from a jump into the stream until it hears right. Pure.

A frame's bits may begin up to 511 bytes before it, 255 below 32 kHz (the bit reservoir: `main_data_begin`, ISO/IEC
11172-3, 2.4.1.7, and 13818-3). After a jump those bytes are missing, and the small frames an encoder makes of a
pause hold few of them each: at 32 kbit/s the gap is eight frames, 209 ms, which reaches into the next word.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final

from voxtrald.audio.layer3 import Frame, read_frame

LOOK_BYTES: Final = 1 << 18

_RESYNC_BYTES: Final = 1 << 13


def gap_ms(stream: bytes) -> int:
    """Give the gap after a jump, judged by the smallest frame at the beginning of a stream; 0 where there is none."""
    return round(max(map(frame_gap_ms, read_frames(stream)), default=0.0))


def frame_gap_ms(frame: Frame) -> float:
    """Give how long the sound is wrong after a jump, if all frames are as small as this one."""
    return ceil(frame.reach_bytes / frame.payload_bytes) * frame.length_ms


def read_frames(stream: bytes) -> Iterator[Frame]:
    """Walk the frames from the first one that another follows."""
    at = _first_frame_at(stream)
    while (frame := read_frame(stream, at)) is not None:
        yield frame
        at += frame.length_bytes


def _first_frame_at(stream: bytes) -> int:
    for at in range(min(len(stream), _RESYNC_BYTES)):
        frame = read_frame(stream, at)
        if frame is not None and read_frame(stream, at + frame.length_bytes) is not None:
            return at
    return len(stream)
