"""The program's structure as a discrete-event simulation: places, ffmpeg, chunks, senders, slots, line, far side.

What the program decides by values decides here as well: cutting (`transcript/planning.py`), retries (`retrying.py`,
`pipeline/deciding.py`) and outages (`dispatch/circuit.py`) are the real ones. What takes time takes the figures of
`capacity.py`. Simulated seconds only; the same arrivals and seed give the same course.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import simpy

from benchmarks.arrivals import Arrival
from benchmarks.capacity import (
    CHUNK_CPU_S,
    CUT_CPU_S,
    HEARING_CPU_S,
    MEASURE_CPU_S,
    NOTICE_S,
    PROBE_CPU_S,
    RECORDING_CPU_S,
    SENDERS_PER_REQUEST,
    START_CPU_S,
    Service,
    Site,
    Sound,
    chunk_lengths_s,
    most_in_work,
    room,
)
from benchmarks.sharing import Shared
from benchmarks.simulated_service import FarSide, Parcel, Steps, Weather
from voxtrald.config import Settings
from voxtrald.dispatch.circuit import Circuit
from voxtrald.errors import ApiError
from voxtrald.pipeline.deciding import BlameService, FailChunk, Failure, TryLater, judge

_POLICY: Final = Settings().retry.policy
_HOUR_S: Final = 3600.0


@dataclass(slots=True, kw_only=True)
class Course:
    """What became of one recording."""

    arrival: Arrival
    done_s: float | None = None
    failed: bool = False

    @property
    def waited_s(self) -> float:
        """From the drop to the text."""
        return (self.done_s or 0.0) - self.arrival.at_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        courses: one for each recording, in the order of arrival.
        busy: share of the time, from the first drop to the last text, that cores, slots and line were in use.
        most_waiting: the most recordings that were there without a text at any time.
        refused: attempts that the far side did not answer, by their slug.
    """

    courses: Sequence[Course]
    length_s: float
    busy: dict[str, float]
    most_waiting: int
    refused: dict[str, int]

    @property
    def hours(self) -> float:
        """Hours of audio that have a text."""
        return sum(course.arrival.duration_s for course in self.courses if not course.failed) / _HOUR_S

    @property
    def hours_per_day(self) -> float:
        """The same for each day that the run took."""
        return self.hours * 24 * _HOUR_S / self.length_s


class Door:
    """The gate of `dispatch/gate.py` in simulated time."""

    def __init__(self, env: simpy.Environment, *, requests_per_s: float | None) -> None:
        self._env = env
        self._interval_s = 1 / requests_per_s if requests_per_s else 0.0
        self._next_turn_s = 0.0
        self._changed = env.event()
        self.circuit = Circuit(policy=_POLICY)

    def enter(self) -> Steps:
        """Wait for a turn; give when it came."""
        while (wait_s := self._wait_s()) != 0.0:
            timers = [] if wait_s is None else [self._env.timeout(wait_s)]
            yield self._env.any_of([self._changed, *timers])
        self._next_turn_s = max(self._next_turn_s, self._env.now) + self._interval_s
        self.circuit = self.circuit.entered()
        return self._env.now

    def _wait_s(self) -> float | None:
        wait_s = self.circuit.wait_s(now_s=self._env.now)
        return wait_s if wait_s != 0.0 else max(0.0, self._next_turn_s - self._env.now)

    def take(self, error: ApiError | None, *, began_s: float) -> None:
        """Take in how an attempt ended."""
        now_s = self._env.now
        if error is None:
            self._become(self.circuit.succeeded(began_s=began_s, now_s=now_s))
        else:
            self._become(self.circuit.failed(now_s=now_s))

    def declare_outage(self) -> None:
        """Take the far side for gone."""
        self._become(self.circuit.opened(now_s=self._env.now))

    def _become(self, circuit: Circuit) -> None:
        was_open, self.circuit = self.circuit.state != "closed", circuit
        if was_open:  # only then may somebody be waiting for a change
            self._changed.succeed()
            self._changed = self._env.event()


class Machine:
    """The daemon on its machine: claims, prepares, sends, publishes."""

    def __init__(self, env: simpy.Environment, *, site: Site, far_side: FarSide, luck: random.Random) -> None:
        self._env, self._site, self._far_side, self._luck = env, site, far_side, luck
        self.cpu = Shared(env, capacity=site.cores, most_each=1.0)
        self._children = simpy.Resource(env, site.cores)  # ffmpeg processes at once
        self._interpreter = simpy.Resource(env, 1)  # the daemon's own code runs on one core at a time
        self._working = simpy.Resource(env, most_in_work(site))
        self._preparing = simpy.Resource(env, site.recordings)
        self._senders = simpy.Resource(env, SENDERS_PER_REQUEST * site.requests)
        self._door = Door(env, requests_per_s=site.requests_per_s)
        self.waiting = self.most_waiting = 0
        self.refused: dict[str, int] = {}

    def carry(self, course: Course) -> Steps:
        """Carry one recording from the drop to the text."""
        yield self._env.timeout(course.arrival.at_s)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        yield self._env.timeout(NOTICE_S)
        with self._working.request() as working:
            yield working
            sent = yield from self._prepare_all(course.arrival)
            yield self._env.all_of(sent)
            course.failed = not all(each.value for each in sent)
            yield from self._think(RECORDING_CPU_S / 2)
        course.done_s = self._env.now
        self.waiting -= 1

    # --- preparing ---------------------------------------------------------------------------------------------

    def _prepare_all(self, arrival: Arrival) -> Steps:
        lengths_s = chunk_lengths_s(round(arrival.duration_s * 1000))
        places = simpy.Resource(self._env, room(self._site))
        sent: list[simpy.Process] = []
        with self._preparing.request() as preparing:
            yield preparing
            yield from self._think(RECORDING_CPU_S / 2)
            yield from self._run(PROBE_CPU_S)
            if len(lengths_s) == 1:
                yield from self._prepare_next(lengths_s, places, sent, sound=arrival.sound)
            else:
                measuring = self._start(MEASURE_CPU_S * arrival.duration_s / _HOUR_S)
                yield self._start(CUT_CPU_S)
                yield from self._prepare_next(lengths_s[:1], places, sent, sound=arrival.sound)
                yield measuring
                yield self._env.all_of([self._start(CUT_CPU_S) for _ in lengths_s[2:]])
                yield from self._prepare_next(lengths_s[1:], places, sent, sound=arrival.sound)
        return sent

    def _prepare_next(
        self, lengths_s: Sequence[float], places: simpy.Resource, sent: list[simpy.Process], *, sound: Sound
    ) -> Steps:
        """Make these chunks on all cores, and send each when its turn has come."""
        running: deque[tuple[simpy.Process, simpy.resources.resource.Request, float]] = deque()

        def hand_over() -> Steps:
            encoding, place, audio_s = running.popleft()
            yield encoding
            sent.append(self._env.process(self._send(Parcel(audio_s=audio_s, sound=sound), places, place)))

        for audio_s in lengths_s:
            place = places.request()
            yield place
            per_hour_s = sound.cpu_s + HEARING_CPU_S  # the daemon listens to what ffmpeg has just decoded
            running.append((self._start(START_CPU_S + per_hour_s * audio_s / _HOUR_S), place, audio_s))
            if len(running) > self._site.cores:  # one waits, so that no core is idle meanwhile
                yield from hand_over()
        while running:
            yield from hand_over()

    def _start(self, cpu_s: float) -> simpy.Process:
        return self._env.process(self._run(cpu_s))

    def _run(self, cpu_s: float) -> Steps:
        with self._children.request() as child:
            yield child
            yield self.cpu.take(cpu_s)

    def _think(self, cpu_s: float) -> Steps:
        with self._interpreter.request() as turn:
            yield turn
            yield self.cpu.take(cpu_s)

    # --- sending -----------------------------------------------------------------------------------------------

    def _send(self, parcel: Parcel, places: simpy.Resource, place: simpy.resources.resource.Request) -> Steps:
        """Try until there is an answer; say whether there is one."""
        while (wait_s := (yield from self._try(parcel))) is not None and wait_s >= 0:
            yield self._env.timeout(wait_s)
        places.release(place)
        return wait_s is None

    def _try(self, parcel: Parcel) -> Steps:
        """Make one attempt; give None for an answer, the wait before the next one, or -1 to give up."""
        with self._senders.request() as sender:
            yield sender
            began_s = yield from self._door.enter()
            error = yield from self._far_side.attempt(parcel)
            self._door.take(error, began_s=began_s)
            if error is None:
                yield from self._think(CHUNK_CPU_S)
                yield from self._far_side.clear()
                return None
        return self._wait_after(parcel, error)

    def _wait_after(self, parcel: Parcel, error: ApiError) -> float:
        self.refused[error.slug] = self.refused.get(error.slug, 0) + 1
        parcel.failures.append(Failure(error=error, at_s=self._env.now))
        verdict = judge(
            parcel.failures, earlier=0, circuit=self._door.circuit, policy=_POLICY, jitter=self._luck.random()
        )
        match verdict:
            case TryLater(wait_s=wait_s):
                return wait_s
            case FailChunk():
                return -1.0
            case BlameService():
                self._door.declare_outage()
        return 0.0


def simulate(
    arrivals: Sequence[Arrival], *, site: Site, service: Service, weather: Weather | None = None, seed: int = 1
) -> Outcome:
    """Let the recordings come, and run until the last one has a text or is given up."""
    env, luck = simpy.Environment(), random.Random(seed)
    far_side = FarSide(env, site=site, service=service, weather=weather or Weather(), luck=luck)
    machine = Machine(env, site=site, far_side=far_side, luck=luck)
    courses = [Course(arrival=arrival) for arrival in arrivals]
    env.run(until=env.all_of([env.process(machine.carry(course)) for course in courses]))
    length_s = env.now - arrivals[0].at_s
    busy = {
        "cores": machine.cpu.busy_share(length_s),
        "requests": far_side.slots.busy_share(length_s),
        "uplink": far_side.line.busy_share(length_s),
    }
    return Outcome(
        courses=courses,
        length_s=length_s,
        busy=busy,
        most_waiting=machine.most_waiting,
        refused=machine.refused,
    )
