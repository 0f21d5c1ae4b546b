"""Finds out whose fault a failed run of ffmpeg is: the recording's, the storage's, or nobody's."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from voxtrald.audio.complaining import headline
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
        "matches no streams",
        Reason.NO_AUDIO,
        "there is no audio track in the file",
        "check that the right file was exported, with sound",
    ),
    ("Decoder (codec none) not found", *UNKNOWN_FORMAT),
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
    full = why_full(complaint, work=work) if work is not None else None
    return full or why_unreadable(source) or recording_fault(complaint)


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
