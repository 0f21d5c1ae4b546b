"""Finds out whose fault a failed run of ffmpeg is: the recording's, the storage's, or nobody's."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from voxtrald.audio.complaining import headline
from voxtrald.audio.layer3 import id3_length
from voxtrald.audio.sniffing import starts_like_sound
from voxtrald.errors import Reason, RecordingChanged, RecordingError, StorageUnavailable, VoxtraldError
from voxtrald.storage import storage_trouble

_NO_ROOM: Final = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
}

# Exit codes differ between versions of ffmpeg and are 0 for many damaged files; its words have stayed
# the same.
_CUT_OFF: Final = (
    Reason.TRUNCATED,
    "the recording was not closed properly: its table of contents (moov atom) is missing or cut off",
    "copy it again from the device; if it is broken there too, a repair tool for MP4 files may help",
)
UNKNOWN_FORMAT: Final = (
    Reason.UNSUPPORTED,
    "the audio track is in a format ffmpeg does not know, or is encrypted",
    "save the recording as mp3, m4a, wav or flac",
)
_RECORDING_FAULTS: Final = (
    ("moov atom not found", *_CUT_OFF),
    ("atom truncated", *_CUT_OFF),
    (
        "not on whitelist",
        Reason.UNSUPPORTED,
        "the file is of a kind that is not accepted, such as a playlist",
        "put the recording itself into the inbox",
    ),
    (
        "exceeds max_streams",
        Reason.UNSUPPORTED,
        "the file has more than a thousand tracks",
        "save the track with the speech as mp3, m4a, wav or flac",
    ),
    (
        "matches no streams",
        Reason.NO_AUDIO,
        "there is no audio track in the file",
        "check that the right file was exported, with sound",
    ),
    ("Decoder (codec none) not found", *UNKNOWN_FORMAT),
)


def too_long(duration_ms: int, *, longest_ms: int) -> RecordingError:
    """Refuse a recording that lasts longer than it may, before it costs anything. Pure."""
    return RecordingError(
        Reason.TOO_LONG,
        f"the recording lasts {_hours(duration_ms)}, or claims to; longer than {_hours(longest_ms)} is refused",
        hint="if it is really that long, raise audio.max_hours or cut it; a damaged file may claim a wrong length: "
        "save it anew",
    )


def why_only_tags(head: bytes, *, size_bytes: int) -> RecordingError | None:
    """Say what is wrong with a file in which an ID3v2 tag leaves no place for sound. Pure."""
    tag_bytes = id3_length(head)
    if not tag_bytes or tag_bytes < size_bytes:
        return None
    if tag_bytes > size_bytes:
        message, hint = (
            "the file ends within its tags (title, cover), before any sound",
            "copy it again from the device",
        )
        return RecordingError(Reason.TRUNCATED, message, hint=hint)
    message, hint = "there are only tags in the file (title, cover), and no sound", "export it again, with its sound"
    return RecordingError(Reason.NO_AUDIO, message, hint=hint)


def nothing_in(*, is_cut_off: bool) -> RecordingError:
    """Say of a file that can be read and holds no sound what it is. Pure."""
    if is_cut_off:
        return RecordingError(
            Reason.TRUNCATED,
            "the file ends before its sound begins",
            hint="copy it again from the device",
        )
    return RecordingError(
        Reason.EMPTY,
        "the file has the form of a recording and no sound in it: it lasts no time at all",
        hint="record it again, or copy it again from the device",
    )


def _hours(duration_ms: int) -> str:
    hours = duration_ms / 3_600_000
    return f"{hours:,.0f} hours" if hours >= _ROUND_HOURS else f"{hours:.3g} hours"


_ROUND_HOURS: Final = 100


def find_fault(complaint: str, *, source: Path, work: Path | None = None) -> VoxtraldError:
    """Say who is at fault when ffmpeg gave nothing usable.

    Looks at the file itself rather than at ffmpeg's words for it: "Input/output error" may be a dead share or
    a bad file.

    Args:
        complaint: what ffmpeg said, see `Finished.complaint`.
        source: the recording it read.
        work: the folder it wrote into, if any.
    """
    full = why_full(complaint, work=work) if work is not None else None
    return full or why_unreadable(source) or recording_fault(complaint)


def find_opening_fault(complaint: str, *, source: Path) -> VoxtraldError:
    """Say who is at fault when ffmpeg could not even say what is in a file; otherwise as `find_fault`."""
    fault = find_fault(complaint, source=source)
    if not isinstance(fault, RecordingError) or fault.reason != Reason.UNREADABLE or not _is_mere_beginning(source):
        return fault
    message = "only the beginning of a recording is there, before any sound"
    return RecordingError(Reason.TRUNCATED, message, hint="copy it again from the device")


def _is_mere_beginning(source: Path) -> bool:
    try:
        with source.open("rb") as file:
            head = file.read(_BEGINNING_BYTES)
    except OSError:
        return False  # found to be readable a moment ago; whatever it is, it is not this
    return len(head) < _BEGINNING_BYTES and starts_like_sound(head)


_BEGINNING_BYTES: Final = 1 << 14


def why_full(complaint: str, *, work: Path) -> StorageUnavailable | None:
    """Say why the work folder takes no more, where that is what ffmpeg complains about."""
    refusals = [code for phrase, code in _NO_ROOM.items() if phrase in complaint]
    if not refusals and work.is_dir():
        return None
    code = refusals[0] if refusals else errno.ENOENT
    return storage_trouble(OSError(code, os.strerror(code)), path=work)


def why_unreadable(source: Path) -> VoxtraldError | None:
    """Try to read a byte at both ends of the recording, and say what is wrong where that fails."""
    try:
        with source.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for at in (0, max(0, size - 1)):
                file.seek(at)
                file.read(1)
    except FileNotFoundError:
        return RecordingChanged(f"{source.name} is no longer there")
    except OSError as error:
        return storage_trouble(error, path=source)
    return None


def find_file_fault(error: OSError, *, source: Path, work: Path) -> VoxtraldError:
    """Say who is at fault when copying from the recording into the work folder failed."""
    return why_unreadable(source) or storage_trouble(error, path=work)


def recording_fault(complaint: str) -> RecordingError:
    """Turn ffmpeg's words about a bad file into ours. Pure."""
    for phrase, reason, message, hint in _RECORDING_FAULTS:
        if phrase in complaint:
            return RecordingError(reason, message, hint=hint)
    said = headline(complaint)
    return RecordingError(
        Reason.UNREADABLE,
        "ffmpeg finds no sound it can read in the file" + (f": {said}" if said else ""),
        hint="play the file once; if it plays, save it anew as mp3, m4a, wav or flac",
    )
