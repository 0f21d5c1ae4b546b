"""Finds the quietest place in a stretch of a recording, to cut between words rather than through one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import structlog

from voxtrald.audio import commands, riff
from voxtrald.audio.entering import find_entry
from voxtrald.audio.faults import find_fault
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.reading import read_mono
from voxtrald.errors import RecordingError
from voxtrald.transcript.model import Cut, Span

with warnings.catch_warnings():
    # It looks for an ffmpeg on the PATH and warns; we never let it start one.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

Samples = npt.NDArray[np.int16]
Levels = npt.NDArray[np.float64]

FRAME_MS: Final = 10
_FRAMES_PER_S: Final = 1000 // FRAME_MS
PAUSE_MS: Final = 200
"""Measured on speech by far the best length: longer ones are pulled away from short pauses, shorter ones into
stops."""

QUIET_DB: Final = 10.0
"""How far a pause lies below the loud parts of its surroundings. Pauses between words do at 15 dB over the
noise and better; the dips of unbroken speech or music, taken over 200 ms, stay above it."""

EVEN_DB: Final = 3.0
"""Where the levels of a window differ by less, nobody speaks in it: a room, a fan, silence. Any place is
quiet then."""

_LOUD_PERCENTILE: Final = 95
_TIMEOUT_S: Final = 60.0
_WAV_BYTES_PER_MS: Final = commands.DECODED_RATE_HZ * 2 // 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quietest:
    """The middle of the quietest pause, in ms from the start of the samples, and whether it is one."""

    at_ms: int
    is_quiet: bool


def find_cut(source: AudioSource, *, window: Span, ffmpeg: Ffmpeg) -> Cut:
    """Find the place within `window` to cut at. Only the window is decoded.

    Where a hole in the timestamps reaches the window's end, that end is a quiet place.

    Raises:
        RecordingChanged: the file vanished.
        StorageUnavailable: it cannot be read now.
        StopRequested: stop was asked for.
    """
    sound = decode_window(source, window=window, ffmpeg=ffmpeg)
    if len(sound) < PAUSE_MS or window.length_ms - len(sound) >= PAUSE_MS:
        return Cut(at_ms=window.end_ms, quiet=True)
    found = quietest(np.frombuffer(sound.raw_data, dtype="<i2"), rate_hz=sound.frame_rate)
    pause = sound[max(0, found.at_ms - PAUSE_MS // 2) : found.at_ms + PAUSE_MS // 2]
    log.debug(
        "cut_found",
        at_ms=window.start_ms + found.at_ms,
        quiet=found.is_quiet,
        pause_dbfs=round(pause.dBFS, 1),
        window_dbfs=round(sound.dBFS, 1),
    )
    return Cut(at_ms=window.start_ms + found.at_ms, quiet=found.is_quiet)


def decode_window(source: AudioSource, *, window: Span, ffmpeg: Ffmpeg) -> AudioSegment:
    """Give a stretch of a recording as mono sound, from exactly its start: at 16 kHz, or as it is stored.

    The sound is shorter where the recording ends. Damage inside gives silence or less sound and is no error.
    Raises as `find_cut` does.
    """
    layout = source.layout
    if isinstance(layout, riff.Samples) and layout.sample_rate_hz % _FRAMES_PER_S == 0:
        samples = read_mono(source.path, layout, span=window)
        return _segment(samples.astype("<i2").tobytes(), rate_hz=layout.sample_rate_hz)
    most_bytes = _WAV_BYTES_PER_MS * (window.length_ms + 1000)
    command = commands.decode(
        source.path,
        container=source.container,
        stream_index=source.stream_index,
        span=window,
        entry=find_entry(source, at_ms=window.start_ms),
    )
    bounds = Bounds(timeout_s=_TIMEOUT_S, stdout_bytes=most_bytes)
    finished = ffmpeg.run(command, source=source.path, bounds=bounds)
    if finished.complaint:
        fault = find_fault(finished.complaint, source=source.path)
        if not isinstance(fault, RecordingError):
            raise fault
    pcm = finished.stdout[: len(finished.stdout) // 2 * 2]
    return _segment(pcm, rate_hz=commands.DECODED_RATE_HZ)


def _segment(pcm: bytes, *, rate_hz: int) -> AudioSegment:
    return AudioSegment(data=pcm, sample_width=2, frame_rate=rate_hz, channels=1)


def quietest(samples: Samples, *, rate_hz: int) -> Quietest:
    """Find the quietest 200 ms of mono samples, and say whether they are a pause. Pure.

    No fixed threshold: those find nothing once there is noise or music. The level is the mean square over 200
    ms, in steps of 10 ms. Of equally quiet places the one in the middle of the first run is taken.
    """
    levels = pause_levels_db(samples, rate_hz=rate_hz)
    if levels.size == 0:
        return Quietest(at_ms=samples.size * 500 // rate_hz, is_quiet=False)
    lowest = float(levels.min())
    first = int(levels.argmin())
    run = int(np.argmax(np.append(levels[first:] > lowest, True)))
    at_ms = (first + max(0, run - 1) // 2) * FRAME_MS + PAUSE_MS // 2
    depth_db = float(np.percentile(levels, _LOUD_PERCENTILE)) - lowest
    return Quietest(at_ms=at_ms, is_quiet=depth_db >= QUIET_DB or depth_db <= EVEN_DB)


def pause_levels_db(samples: Samples, *, rate_hz: int) -> Levels:
    """Give the level of every 200 ms, stepping by 10 ms, in dB over one step of 16-bit sound. Pure."""
    step = rate_hz * FRAME_MS // 1000
    frames = samples[: samples.size // step * step].reshape(-1, step)
    # In float64: squares of int16 overflow int16, and a running sum in float32 loses silence behind loud
    # sound. Summed up as they are made, so that they never lie in memory together.
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / step
    width = PAUSE_MS // FRAME_MS
    if power.size < width:
        return np.empty(0, dtype=np.float64)
    means = np.lib.stride_tricks.sliding_window_view(power, width).mean(axis=1)
    levels: Levels = 10 * np.log10(np.maximum(means, 1.0))
    return levels
