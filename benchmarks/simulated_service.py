"""The far side in the simulation: a shared line, slots, latencies with chance, refusals and outages."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from benchmarks.capacity import Service, Site, Sound
from benchmarks.sharing import Shared, Slots
from voxtrald.errors import ApiBusy, ApiUnreachable
from voxtrald.pipeline.deciding import Failure

Steps = Generator[simpy.Event, Any, Any]
"""A process of the simulation: it gives the events that it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the far side does beside answering.

    Attributes:
        spread: sigma of the logarithmic normal distribution that multiplies each latency; its mean is 1.
        at_once: transcriptions at once before it answers 429, or None.
        retry_after_s: what it then asks for.
        outages: from when until when nothing answers.
    """

    spread: float = 0.35
    at_once: int | None = None
    retry_after_s: float = 10.0
    outages: tuple[tuple[float, float], ...] = ()

    def breaks_at(self, from_s: float, until_s: float) -> float | None:
        """Give the first moment of a stretch that lies in an outage, or None."""
        starts = (max(begin_s, from_s) for begin_s, end_s in self.outages if begin_s < until_s and end_s > from_s)
        return min(starts, default=None)


@dataclass(slots=True, kw_only=True)
class Parcel:
    """A chunk on its way."""

    audio_s: float
    sound: Sound
    failures: list[Failure] = field(default_factory=list)
    is_stored: bool = False


class FarSide:
    """The service: uploads over the shared line, then an answer after its latency, or a refusal."""

    def __init__(
        self, env: simpy.Environment, *, site: Site, service: Service, weather: Weather, luck: random.Random
    ) -> None:
        self._env, self._service, self._weather, self._luck = env, service, weather, luck
        self._answering = 0
        self._tokens_s = service.audio_s_per_minute or 0.0
        self._tokens_at_s = 0.0
        self.line = Shared(env, capacity=site.uplink_bytes_per_s, most_each=site.uplink_bytes_per_s)
        self.slots = Slots(env, site.requests)

    def attempt(self, parcel: Parcel) -> Steps:
        """Store the audio where it is not, have it signed, ask; give the error or None."""
        if not parcel.is_stored:
            error = yield from self._request(self._upload(parcel))
            if error is not None:
                return error
            parcel.is_stored = True
        error = yield from self._request(self._short())
        return error or (yield from self._request(self._transcribe(parcel)))

    def clear(self) -> Steps:
        """Delete the copy."""
        yield from self._request(self._short())

    def _request(self, work: Steps) -> Steps:
        with self.slots.request() as slot:
            yield slot
            return (yield from work)

    def _short(self) -> Steps:
        return (yield from self._spend(self._service.short_s))

    def _upload(self, parcel: Parcel) -> Steps:
        error = yield from self._short()
        if error is None:
            yield self.line.take(parcel.audio_s * parcel.sound.bytes_per_s)
        return error

    def _transcribe(self, parcel: Parcel) -> Steps:
        if not self._admits(parcel):
            yield self._env.timeout(self._service.short_s)
            return ApiBusy("busy", status=429, retry_after_s=self._weather.retry_after_s)
        spread = self._weather.spread
        self._answering += 1
        factor = self._luck.lognormvariate(-(spread**2) / 2, spread) if spread else 1.0
        error = yield from self._spend(self._service.transcription_s(parcel.audio_s) * factor)
        self._answering -= 1
        return error

    def _admits(self, parcel: Parcel) -> bool:
        """Whether the account and the machines of the far side have room; audio is counted as a bucket that fills."""
        if self._weather.at_once is not None and self._answering >= self._weather.at_once:
            return False
        most_s = self._service.audio_s_per_minute
        if most_s is None:
            return True
        filled_s = self._tokens_s + (self._env.now - self._tokens_at_s) * most_s / 60
        self._tokens_s, self._tokens_at_s = min(most_s, filled_s), self._env.now
        if self._tokens_s <= 0:
            return False
        self._tokens_s -= parcel.audio_s
        return True

    def _spend(self, wanted_s: float) -> Steps:
        """Let time pass, unless an outage comes in between; give the error or None."""
        now_s = self._env.now
        breaks_at_s = self._weather.breaks_at(now_s, now_s + wanted_s)
        if breaks_at_s is None:
            yield self._env.timeout(wanted_s)
            return None
        yield self._env.timeout(breaks_at_s - now_s + self._service.short_s)
        return ApiUnreachable("nobody answers")
