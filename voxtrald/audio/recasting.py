"""Decodes a recording once into a plain file, where its own file cannot be listened to piece by piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from voxtrald.audio import commands
from voxtrald.audio.complaining import headline
from voxtrald.audio.description import last_out_time_ms
from voxtrald.audio.ending import WHOLE
from voxtrald.audio.faults import find_fault, find_file_fault, nothing_in
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg, Finished
from voxtrald.audio.probe import CLOCKED, AudioSource
from voxtrald.errors import RecordingError

_NAME: Final = "recast.flac"
_TIMEOUT_S: Final = 60.0
_SLOWEST: Final = 50.0  # seconds of sound a second that even a busy machine decodes
_SLOWEST_READ_BPS: Final = 1_000_000
_SAMPLE_BYTES: Final = 2
_SLACK_MS: Final = 10_000


def needs_recasting(source: AudioSource) -> bool:
    """Whether positions in the file are not to be trusted, or several tracks are to be heard as one. Pure.

    The clock of an MPEG stream may begin anew in its middle, wherever a camera or a disc recorder began a part; a jump
    to a position then lands in another part, and what is behind the joint would be missing. In a WAV of compressed
    sound ffmpeg reckons positions from a rounded bit rate: after two hours of IMA ADPCM it is off by a second.
    """
    is_guessed = source.container in {"wav", "w64"} and not source.codec.startswith("pcm_")
    return source.track is None or source.container in CLOCKED or is_guessed


def recast(source: AudioSource, *, work: Path, sample_rate_hz: int, longest_ms: int, ffmpeg: Ffmpeg) -> AudioSource:
    """Give a recording of which every piece can be found: itself, or a FLAC file of its sound.

    Reading from start to end, ffmpeg puts clocks right that begin anew, and each packet is as long as it is. The file
    takes about 70 MB an hour.

    Args:
        source: the recording as it was found.
        work: the folder for the file.
        sample_rate_hz: of the file.
        longest_ms: where to stop; a little more is taken, so that whoever measures it sees that it is longer.
        ffmpeg: runs it.

    Raises:
        RecordingError: no sound can be got from it.
        RecordingChanged: the file vanished.
        StorageUnavailable: the recording cannot be read, or the work folder is full.
        StopRequested: stop was asked for.
    """
    if not needs_recasting(source):
        return source
    target = work / _NAME
    reach_ms = longest_ms + _SLACK_MS
    command = commands.recast(
        source.path,
        container=source.container,
        stream_indices=source.heard_streams,
        target=target,
        sample_rate_hz=sample_rate_hz,
        reach_ms=reach_ms,
    )
    bounds = Bounds(
        timeout_s=_TIMEOUT_S + reach_ms / 1000 / _SLOWEST + source.size_bytes / _SLOWEST_READ_BPS,
        file_bytes=2 * _SAMPLE_BYTES * sample_rate_hz * (reach_ms // 1000),
    )
    finished = ffmpeg.run(command, source=source.path, bounds=bounds)
    return _as_flac(source, target, finished, sample_rate_hz=sample_rate_hz)


def _as_flac(source: AudioSource, target: Path, finished: Finished, *, sample_rate_hz: int) -> AudioSource:
    duration_ms = _require_sound(source, target, finished)
    try:
        size_bytes = target.stat().st_size
    except OSError as error:
        raise find_file_fault(error, source=source.path, work=target.parent) from error
    return replace(
        source,
        path=target,
        container="flac",
        codec="flac",
        stream_index=0,
        sample_rate_hz=sample_rate_hz,
        channels=1,
        bit_rate_bps=None,
        duration_ms=duration_ms,
        duration_exact=True,
        is_estimate=False,
        start_ms=0,
        size_bytes=size_bytes,
        has_other_streams=True,  # or a short one would be sent like this, three times as large as it need be
        gap_ms=0,
        ending=WHOLE,
        complaint=headline(finished.complaint),
    )


def _require_sound(source: AudioSource, target: Path, finished: Finished) -> int:
    duration_ms = last_out_time_ms(finished.stdout.decode("ascii", errors="replace"))
    if duration_ms and finished.returncode == 0 and not finished.complaint:
        return duration_ms
    fault = find_fault(finished.complaint, source=source.path, work=target.parent)
    if not isinstance(fault, RecordingError):
        raise fault
    if not duration_ms or finished.returncode < 0:
        is_empty = finished.returncode >= 0 and not finished.complaint
        raise nothing_in(is_cut_off=source.ending.is_cut_off) if is_empty else fault
    return duration_ms
