"""Looks into a recording: which stream is the sound, in what form, how long."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from voxtrald.audio import commands, layer3, reservoir
from voxtrald.audio.description import AudioStream, Description, last_out_time_ms, read_description
from voxtrald.audio.ending import WHOLE, Ending, find_ending
from voxtrald.audio.faults import UNKNOWN_FORMAT, find_fault, find_opening_fault, nothing_in, why_only_tags
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.layout import Layout
from voxtrald.audio.sniffing import SNIFF_BYTES, name_intruder
from voxtrald.errors import Reason, RecordingChanged, RecordingError
from voxtrald.storage import storage_trouble

LOWEST_RATE_HZ: Final = 4_000
HIGHEST_RATE_HZ: Final = 400_000
MOST_CHANNELS: Final = 64

CLOCKED: Final = frozenset({"mpeg", "mpegts"})
"""Containers without an index, whose packets carry the time of a clock that may begin anew."""

TrackChoice: TypeAlias = Literal["default", "mix"] | int
"""Which of several audio tracks is heard: the default one, all mixed, or a number from 1."""

_PROBE_TIMEOUT_S: Final = 60.0
_DESCRIPTION_BYTES: Final = 1 << 20
_SLOWEST_READ_BPS: Final = 1_000_000
_WAV_SLACK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSource:
    """A recording as it was found.

    Attributes:
        container: `mp3`, `wav`, `flac`, `ogg`, `mov` (m4a, mp4, 3gp), `matroska` (mka, webm), `asf`, `amr`,
            `aiff`, ...
        codec: as ffmpeg names it, such as `mp3`, `aac`, `pcm_s16le`.
        stream_index: which of the file's streams is the sound.
        channels: None where the layout is unusual.
        bit_rate_bps: of the sound alone where known, else of the file.
        duration_ms: what the header says, a hint only.
        duration_exact: whether the header can be believed; `measure_ms` finds out otherwise.
        start_ms: the container's first timestamp; positions count from there.
        has_other_streams: a cover, video, subtitles or more audio.
        gap_ms: how long a decoder that begins in the middle gives wrong sound; only of mp3, see `reservoir`.
        ending: whether the file is whole by its own account.
        is_estimate: `duration_ms` was reckoned from the size, so that it tells nothing of what may be missing.
        tracks: the stream indices of all audio tracks, in the file's order.
        track: which of them is heard, from 1; None where all are, as one.
        is_default_track: whether it is the one that is taken where nobody asks for another one.
        complaint: the first thing the decoder found wrong when all of it was read; empty where that was not done.
        layout: where its frames or samples lie, see `measuring`; None before that, and of what cannot be copied.
    """

    path: Path
    container: str
    codec: str
    stream_index: int
    sample_rate_hz: int
    channels: int | None
    bit_rate_bps: int | None
    duration_ms: int | None
    duration_exact: bool
    start_ms: int
    size_bytes: int
    has_other_streams: bool
    gap_ms: int = 0
    ending: Ending = WHOLE
    is_estimate: bool = False
    tracks: tuple[int, ...] = ()
    track: int | None = 1
    is_default_track: bool = True
    complaint: str = ""
    layout: Layout | None = None

    @property
    def heard_streams(self) -> tuple[int, ...]:
        """The indices of the streams that are heard."""
        return self.tracks if self.track is None else (self.stream_index,)

    @property
    def choice(self) -> Mapping[str, int]:
        """What tells plans and answers about this choice of tracks from others: empty for the default one."""
        return {} if self.is_default_track else {"track": self.track or 0}


def probe(path: Path, *, ffmpeg: Ffmpeg, track: TrackChoice = "default") -> AudioSource:
    """Find the sound in a file.

    Args:
        path: the file.
        ffmpeg: looks into it.
        track: which of several audio tracks: the default one, all mixed, or a number from 1.

    Raises:
        RecordingError: empty, not a recording, without sound or that track, or unreadable.
        RecordingChanged: the file vanished.
        StorageUnavailable: the file cannot be read now.
        StopRequested: stop was asked for.
    """
    size_bytes = _require_recording(path)
    bounds = Bounds(timeout_s=_PROBE_TIMEOUT_S, stderr_bytes=_DESCRIPTION_BYTES)
    said = ffmpeg.run(commands.describe(path), source=path, bounds=bounds).stderr
    description = read_description(said)
    if description is None:
        raise find_opening_fault(said, source=path)
    if description.audio is None:
        raise RecordingError(
            Reason.NO_AUDIO, "there is no audio track in the file", hint="export it again, with its sound"
        )
    number = choose_track(description, track)
    audio = description.audio if number is None else description.tracks[number - 1]
    _require_decodable(audio)
    source = _source(path, size_bytes=size_bytes, description=description, audio=audio)
    return replace(source, track=number, is_default_track=audio == description.audio and number is not None)


def choose_track(description: Description, track: TrackChoice) -> int | None:
    """Say which audio track is asked for, from 1, or None where it is a mix of several. Pure.

    Raises:
        RecordingError: there is no such track.
    """
    tracks = description.tracks
    if track == "mix" and len(tracks) > 1:
        return None
    if isinstance(track, int):
        if track > len(tracks):
            raise RecordingError(Reason.NO_AUDIO, _no_track(track, len(tracks)), hint=_OTHER_TRACK)
        return track
    return tracks.index(description.audio) + 1 if description.audio else None


def _no_track(track: int, count: int) -> str:
    has = "1 audio track" if count == 1 else f"{count} audio tracks"
    return f"there is no audio track {track} in the file: it has {has}"


_OTHER_TRACK: Final = "set audio.track to one of those, or to default or mix, in a rule where only some files have more"


def measure_ms(source: AudioSource, *, ffmpeg: Ffmpeg) -> int:
    """Find the exact end of the last packet by reading them all; decodes nothing.

    Headers cannot be trusted for this: a truncated file keeps its old promise, and an mp3 without a Xing
    header is off by up to a fifth.

    Raises as `probe` does.
    """
    command = commands.measure(source.path, container=source.container, stream_index=source.stream_index)
    bounds = Bounds(timeout_s=_PROBE_TIMEOUT_S + source.size_bytes / _SLOWEST_READ_BPS, stdout_bytes=1 << 26)
    finished = ffmpeg.run(command, source=source.path, bounds=bounds)
    end_ms = last_out_time_ms(finished.stdout.decode("ascii", errors="replace"))
    if not end_ms:
        fault = find_fault(finished.complaint, source=source.path)
        is_empty = finished.returncode >= 0 and not finished.complaint and isinstance(fault, RecordingError)
        raise nothing_in(is_cut_off=source.ending.is_cut_off) if is_empty else fault
    return end_ms


def _require_recording(path: Path) -> int:
    """Give the size of a file that may be a recording."""
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
        size_bytes = path.stat().st_size
    except FileNotFoundError as error:
        raise RecordingChanged(f"{path.name} is no longer there") from error
    except OSError as error:
        raise storage_trouble(error, path=path) from error
    if not head:
        raise RecordingError(Reason.EMPTY, "the file is empty", hint="copy it again from the device")
    if only_tags := why_only_tags(head, size_bytes=size_bytes):
        raise only_tags
    if intruder := name_intruder(head):
        raise RecordingError(
            Reason.UNSUPPORTED, f"this is {intruder}, not a recording", hint="put sound files into the inbox"
        )
    return size_bytes


def _require_decodable(audio: AudioStream) -> None:
    if audio.codec == "none":
        reason, message, hint = UNKNOWN_FORMAT
        raise RecordingError(reason, message, hint=hint)
    if audio.channels is not None and audio.channels > MOST_CHANNELS:
        raise RecordingError(
            Reason.UNSUPPORTED,
            f"the header claims {audio.channels} channels",
            hint="save the recording anew, with one channel or two",
        )
    if audio.sample_rate_hz == 0 or audio.channels == 0:
        raise RecordingError(
            Reason.UNREADABLE,
            "the audio track has no readable sound",
            hint="play the file once; save it anew",
        )
    if not LOWEST_RATE_HZ <= audio.sample_rate_hz <= HIGHEST_RATE_HZ:
        # A header that claims 1 Hz makes two days of sound out of 320 KB.
        raise RecordingError(
            Reason.UNSUPPORTED,
            f"the header claims {audio.sample_rate_hz} samples per second, which is no speech",
            hint="save the recording anew at 8000 to 48000 Hz",
        )


def _source(path: Path, *, size_bytes: int, description: Description, audio: AudioStream) -> AudioSource:
    ending = _find_ending(path, container=description.container, size_bytes=size_bytes)
    return AudioSource(
        path=path,
        container=description.container,
        codec=audio.codec,
        stream_index=audio.index,
        sample_rate_hz=audio.sample_rate_hz,
        channels=audio.channels,
        bit_rate_bps=audio.bit_rate_bps or description.bit_rate_bps,
        duration_ms=description.duration_ms,
        duration_exact=is_credible(description, size_bytes=size_bytes)
        and not (ending.is_cut_off and description.container == "mov"),
        start_ms=description.start_ms,
        size_bytes=size_bytes,
        has_other_streams=description.other_streams > 0,
        gap_ms=_gap_ms(path) if description.container == "mp3" else 0,
        ending=ending,
        # What an MPEG stream tells is the distance between two clocks, which need not be the same one.
        is_estimate=description.is_estimate or description.container in CLOCKED,
        tracks=tuple(each.index for each in description.tracks),
    )


def _find_ending(path: Path, *, container: str, size_bytes: int) -> Ending:
    try:
        with path.open("rb", buffering=0) as file:

            def read(at: int, length: int) -> bytes:
                # A header may name a position that no file can have.
                return os.pread(file.fileno(), length, at) if at < size_bytes else b""

            return find_ending(container, read=read, size_bytes=size_bytes)
    except OSError as error:
        raise storage_trouble(error, path=path) from error


def _gap_ms(path: Path) -> int:
    try:
        with path.open("rb") as file:
            file.seek(layer3.id3_length(file.read(layer3.ID3_BYTES)))
            return reservoir.gap_ms(file.read(reservoir.LOOK_BYTES))
    except OSError as error:
        raise storage_trouble(error, path=path) from error


def is_credible(description: Description, *, size_bytes: int) -> bool:
    """Whether a file's duration can be believed. Pure.

    True where it is taken from the last page (ogg), from a table of all samples (mov), or from a WAV header
    that promises no more than the file holds.
    """
    if description.duration_ms is None or description.is_estimate:
        return False
    if description.container == "wav":
        promised = (description.bit_rate_bps or 0) / 8 * description.duration_ms / 1000
        return promised <= size_bytes + _WAV_SLACK_BYTES
    return description.container in {"mov", "ogg"}
