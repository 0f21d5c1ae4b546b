"""What an hour of audio costs, and how many hours of it a day fit through each narrow place, on paper. Pure.

Every number says where it comes from: measured by a benchmark beside this file, read in the program, or assumed. The
figures that were measured are those of one machine; `benchmarks.scale --validate` shows how far they hold on another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from voxtrald.config import Settings
from voxtrald.engines.voxtral.models import rules_for
from voxtrald.transcript.model import Cut
from voxtrald.transcript.planning import ChunkLimits, first_window, needs_cutting, plan_spans, search_windows

_HOUR_S: Final = 3600.0
_DAY_H: Final = 24.0
_KIB: Final = 1024.0
_SETTINGS: Final = Settings()

AHEAD: Final = 3
"""Recordings that may wait for answers for each allowed request (`voxtrald/dispatch/local.py`)."""

SENDERS_PER_REQUEST: Final = 2
"""Sender threads for each allowed request (`voxtrald/assembly.py`)."""


class Figure(float):
    """A number that knows what it means and where it comes from."""

    __slots__ = ("meaning", "origin")
    meaning: str
    origin: str

    def __new__(cls, value: float, meaning: str, origin: str) -> Self:
        """Make a number with its meaning (unit included) and its origin."""
        figure = super().__new__(cls, value)
        figure.meaning, figure.origin = meaning, origin
        return figure


_PIECES: Final = "measured: `benchmarks.pieces`"
_MEMOS: Final = "measured: `benchmarks.memos`"
_LISTED: Final = "measured: a state folder after 20 and after 80 memos"

NOTICE_S: Final = Figure(0.07, "from the drop to the claim, s", "measured: `benchmarks.detection`, median")
PROBE_CPU_S: Final = Figure(0.02, "looking into a file, CPU s a recording", _PIECES)
MEASURE_CPU_S: Final = Figure(0.15, "measuring the exact length, CPU s an hour", _PIECES)
CUT_CPU_S: Final = Figure(0.11, "finding one quiet place, CPU s", _PIECES)
START_CPU_S: Final = Figure(0.025, "starting ffmpeg for one chunk, CPU s", _PIECES)
RECORDING_CPU_S: Final = Figure(0.015, "the daemon itself, CPU s a recording", _MEMOS)
CHUNK_CPU_S: Final = Figure(0.015, "the daemon itself, CPU s a chunk, with its four requests", _MEMOS)
HEARING_CPU_S: Final = Figure(0.5, "the daemon itself, CPU s an hour that it listens to", "measured once")
SHORT_S: Final = Figure(0.05, "a request that carries no audio, s", "assumed")
LATENCY_S: Final = Figure(1.0, "a transcription, s", "assumed, as the stand-in has it")
LATENCY_PER_AUDIO_S: Final = Figure(0.01, "more for each second of audio, s", "assumed, as the stand-in has it")
DAEMON_MIB: Final = Figure(100, "memory of the daemon, MiB", "measured: `benchmarks.end_to_end`")
FFMPEG_MIB: Final = Figure(
    40, "memory of one ffmpeg, MiB; there are as many as cores", "measured: `benchmarks.end_to_end`"
)
RECORDING_MIB: Final = Figure(1, "memory of one recording in work, MiB", "assumed")
ANSWER_KIB: Final = Figure(12, "a kept answer in the state folder, KiB a chunk: three blocks of the disk", _LISTED)
ANSWER_TEXT_KIB: Final = Figure(100, "the text in it, KiB an hour of speech with segments", "assumed")
TEXT_KIB: Final = Figure(400, "texts in the outbox in the four usual formats, KiB an hour of speech", "assumed")
LEDGER_KIB: Final = Figure(2.2, "the ledger, KiB a chunk: rows of the chunk, its upload and its price", _LISTED)
PRICE_PER_MINUTE: Final = Figure(
    rules_for("voxtral-mini-transcribe-3-0").price.per_minute,  # type: ignore[union-attr]
    "the default model, USD a minute",
    "the program's table of prices",
)
LOCAL_CPU_S: Final = Figure(
    0.126, "the recogniser on this machine (model base), CPU s a second of audio", "measured once"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A kind of audio, and what becomes of it.

    Attributes:
        cpu_s: ffmpeg's CPU seconds for an hour, without starts and searches, and without the daemon's for listening.
        sent_kbps: bit rate of what is uploaded.
    """

    name: str
    cpu_s: Figure
    sent_kbps: int

    @property
    def bytes_per_s(self) -> float:
        """Bytes that leave for each second of audio."""
        return self.sent_kbps * 1000 / 8


_ENCODED_KBPS: Final = _SETTINGS.audio.bitrate_kbps


def _encoded(name: str, cpu_s: float) -> Sound:
    figure = Figure(cpu_s, f"decoding {name}, listening to it and encoding mp3, CPU s an hour", _PIECES)
    return Sound(name=name, cpu_s=figure, sent_kbps=_ENCODED_KBPS)


SOUNDS: Final[Mapping[str, Sound]] = {
    sound.name: sound
    for sound in (
        Sound(
            name="mp3, copied",
            cpu_s=Figure(3.4, "copying an mp3 of 128 kbit/s and listening to it, CPU s an hour", _PIECES),
            sent_kbps=128,
        ),
        _encoded("mp3", 12.1),
        _encoded("m4a", 10.6),
        _encoded("wav", 9.2),
        _encoded("flac", 10),
        _encoded("opus", 13.7),
        _encoded("mp4", 9.8),
    )
}

FIGURES: Final[tuple[Figure, ...]] = (
    *(figure for figure in tuple(globals().values()) if isinstance(figure, Figure)),
    *(sound.cpu_s for sound in SOUNDS.values()),
)

CHUNKS: Final = ChunkLimits(
    max_ms=round(_SETTINGS.chunks.max_minutes * 60_000),
    first_ms=round(_SETTINGS.chunks.first_minutes * 60_000),
    search_ms=round(_SETTINGS.chunks.search_s * 1000),
    overlap_ms=round(_SETTINGS.chunks.overlap_s * 1000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A machine, its line and the settings that matter.

    Attributes:
        uplink_mbit: Mbit/s towards the service.
        requests_per_s: chunks a second that may leave (`limits.requests_per_s`), or None.
    """

    name: str
    cores: int
    uplink_mbit: float
    recordings: int = _SETTINGS.limits.recordings
    requests: int = _SETTINGS.limits.requests
    requests_per_s: float | None = _SETTINGS.limits.requests_per_s

    @property
    def uplink_bytes_per_s(self) -> float:
        """The line in bytes per second."""
        return self.uplink_mbit * 1e6 / 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Recordings of one kind and one length, as many as there is time for."""

    name: str
    sound: Sound
    minutes: float

    @property
    def hours(self) -> float:
        """The length of one of them in hours."""
        return self.minutes / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The far side, as far as it limits us.

    Attributes:
        latency_s: what every transcription takes.
        latency_per_audio_s: what each second of audio adds.
        short_s: what a request without audio takes.
        audio_s_per_minute: seconds of audio that the account may send in a minute, or None.
    """

    latency_s: float = LATENCY_S
    latency_per_audio_s: float = LATENCY_PER_AUDIO_S
    short_s: float = SHORT_S
    audio_s_per_minute: float | None = None

    def transcription_s(self, audio_s: float) -> float:
        """Give the expected time of one transcription."""
        return self.latency_s + self.latency_per_audio_s * audio_s


def chunk_lengths_s(duration_ms: int, *, limits: ChunkLimits = CHUNKS) -> tuple[float, ...]:
    """Cut as the program cuts, with a quiet place at every mark; give the lengths in seconds."""
    if not needs_cutting(duration_ms, limits):
        return (duration_ms / 1000,)
    first = Cut(at_ms=first_window(limits).end_ms, quiet=True)
    windows = search_windows(duration_ms, first_cut=first, limits=limits)
    marks = (Cut(at_ms=(window.start_ms + window.end_ms) // 2, quiet=True) for window in windows)
    return tuple(span.length_ms / 1000 for span in plan_spans(duration_ms, (first, *marks), limits=limits))


def chunks_of(load: Load) -> int:
    """Count the chunks of one recording."""
    return len(chunk_lengths_s(round(load.minutes * 60_000)))


def ffmpeg_cpu_s(load: Load) -> float:
    """CPU seconds of all ffmpeg processes for one recording."""
    chunks = chunks_of(load)
    per_hour_s = MEASURE_CPU_S * (chunks > 1) + load.sound.cpu_s
    return PROBE_CPU_S + per_hour_s * load.hours + CUT_CPU_S * (chunks - 1) + START_CPU_S * chunks


def daemon_cpu_s(load: Load) -> float:
    """CPU seconds of the daemon's own process for one recording; all of them on one core at a time."""
    return RECORDING_CPU_S + CHUNK_CPU_S * chunks_of(load) + HEARING_CPU_S * load.hours


def request_s(load: Load, service: Service, *, upload_bytes_per_s: float = math.inf) -> float:
    """Seconds for which the requests of one recording are open, one after another: four for each chunk."""
    seconds = load.minutes * 60
    answering_s = service.latency_per_audio_s * seconds + chunks_of(load) * (service.latency_s + 3 * service.short_s)
    return answering_s + seconds * load.sound.bytes_per_s / upload_bytes_per_s


def hours_per_day(site: Site, load: Load, service: Service) -> dict[str, float]:
    """Give for each narrow place how many hours of audio fit through it in a day, were it the only one."""
    chunks = chunks_of(load)
    recordings_per_s = {
        "cores": site.cores / (ffmpeg_cpu_s(load) + daemon_cpu_s(load)),
        "daemon": 1 / daemon_cpu_s(load),
        "requests": site.requests / request_s(load, service),
        "uplink": site.uplink_bytes_per_s / (load.minutes * 60 * load.sound.bytes_per_s),
    }
    if site.requests_per_s is not None:
        recordings_per_s["requests_per_s"] = site.requests_per_s / chunks
    if service.audio_s_per_minute is not None:
        recordings_per_s["account"] = service.audio_s_per_minute / 60 / (load.minutes * 60)
    return {place: rate * load.hours * _HOUR_S * _DAY_H for place, rate in recordings_per_s.items()}


def narrowest(places: Mapping[str, float]) -> tuple[str, float]:
    """Name the narrowest place, and what fits through it."""
    return min(places.items(), key=lambda place: place[1])


def cost_per_hour() -> float:
    """Dollars for an hour of audio with the default model."""
    return 60 * PRICE_PER_MINUTE


def state_mib_per_hour(load: Load) -> float:
    """MiB that an hour of audio adds to the state folder for good."""
    return ((ANSWER_KIB + LEDGER_KIB) * chunks_of(load) / load.hours + ANSWER_TEXT_KIB) / _KIB


def most_in_work(site: Site) -> int:
    """Count the recordings that may be in work at once: in preparation, or prepared and waiting for answers."""
    return site.recordings + AHEAD * site.requests


def room(site: Site) -> int:
    """Count the chunks of one recording that may lie prepared and unanswered."""
    return SENDERS_PER_REQUEST * site.requests + 2


def work_mib(site: Site, load: Load) -> float:
    """MiB of prepared chunks that may lie in the state folder at once, where all wait for the service."""
    lengths_s = sorted(chunk_lengths_s(round(load.minutes * 60_000)), reverse=True)[: room(site)]
    return most_in_work(site) * sum(lengths_s) * load.sound.bytes_per_s / _KIB**2


def memory_mib(site: Site) -> float:
    """MiB of the daemon and its ffmpeg processes at the most."""
    return DAEMON_MIB + FFMPEG_MIB * site.cores + RECORDING_MIB * most_in_work(site)
