"""Finds out whose fault a failed run of ffmpeg is: the recording's, the storage's, or nobody's."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from voxtrald.audio.complaining import headline
from voxtrald.errors import Reason, RecordingChanged, RecordingError, StorageUnavailable, VoxtraldError

_NO_ROOM: Final = ("No space left on device", "Disk quota exceeded", "Read-only file system")

_NO_ROOM_CODES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

# Exit codes differ between versions of ffmpeg and are 0 for many damaged files; its words have stayed the
# same.
_CUT_OFF: Final = (
    Reason.TRUNCATED,
    "the recording was not closed properly: its table of contents (moov atom) is missing or cut off",
    "copy it again from the device; if it is broken there too, a repair tool for MP4 files may help",
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
        "matches no streams",
        Reason.NO_AUDIO,
        "there is no audio track in the file",
        "check that the right file was exported, with sound",
    ),
    (
        "Decoder (codec none) not found",
        Reason.UNSUPPORTED,
        "the audio track is in a format ffmpeg does not know, or is encrypted",
        "save the recording as mp3, m4a, wav or flac",
    ),
)


def find_fault(complaint: str, *, source: Path, work: Path | None = None) -> VoxtraldError:
    """Say who is at fault when ffmpeg gave nothing usable.

    Looks at the file itself rather than at ffmpeg's words for it: "Input/output error" may be a dead share or
    a bad file.

    Args:
        complaint: what ffmpeg said, see `Finished.complaint`.
        source: the recording it read.
        work: the folder it wrote into, if any.
    """
    if work is not None and any(phrase in complaint for phrase in _NO_ROOM):
        return no_room(work)
    if work is not None and not work.is_dir():
        return StorageUnavailable("the work folder is gone", path=work)
    return why_unreadable(source) or recording_fault(complaint)


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
        return StorageUnavailable(f"{source.name} cannot be read: {error.strerror}", path=source)
    return None


def find_file_fault(error: OSError, *, source: Path, work: Path) -> VoxtraldError:
    """Say who is at fault when copying from the recording into the work folder failed."""
    if fault := why_unreadable(source):
        return fault
    if error.errno in _NO_ROOM_CODES:
        return no_room(work)
    return StorageUnavailable(f"the work folder cannot be written: {error.strerror}", path=work)


def no_room(work: Path) -> StorageUnavailable:
    """Say that the work folder takes no more."""
    return StorageUnavailable(
        "the work folder is full", path=work, hint="make room on its disk; work goes on by itself"
    )


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
