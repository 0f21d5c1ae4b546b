"""What the stand-in remembers of its visitors."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that has ended.

    Attributes:
        path: without the query.
        status: what was answered, or None where the connection was reset or the client had left.
        started_s: when its head had been read, on the monotonic clock.
        ended_s: when its answer was about to be handed to the network.
        in_flight: how many requests, this one included, were open when it began.
        bytes_in: length of its body.
        fields: its plain form fields, in order.
        filename: of the audio file, sent now or uploaded earlier.
        sha256: digest of that file.
    """

    method: str
    path: str
    status: int | None
    started_s: float
    ended_s: float
    in_flight: int
    bytes_in: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    filename: str = ""
    sha256: str = ""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a plain form field."""
        return tuple(value for key, value in self.fields if key == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A request that has begun: when, and how many were open then, over all and of its kind."""

    at_s: float
    in_flight: int
    of_kind: int


class Records:
    """Counters and lists, safe to use from every connection's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.failures: list[BaseException] = []
        self.paid: Counter[str] = Counter()
        self.seconds_paid = 0
        self.max_in_flight = 0
        self.max_transcriptions = 0
        self.first_byte_at: tuple[float, float] | None = None
        self.first_audio_at: tuple[float, float] | None = None

    def begin(self, kind: str) -> Begun:
        """Note that a request has begun: a `transcription`, an `upload`, or any `other`."""
        with self._lock:
            now_s = time.monotonic()
            self.first_byte_at = self.first_byte_at or (now_s, time.time())
            if kind != "other":
                self.first_audio_at = self.first_audio_at or (now_s, time.time())
            self._open[kind] += 1
            begun = Begun(at_s=now_s, in_flight=self._open.total(), of_kind=self._open[kind])
            self.max_in_flight = max(self.max_in_flight, begun.in_flight)
            self.max_transcriptions = max(self.max_transcriptions, self._open["transcription"])
            return begun

    def end(self, kind: str, request: Request) -> None:
        """Note that a request has ended."""
        with self._lock:
            self._open[kind] -= 1
            self.requests.append(request)

    def violate(self, problem: str) -> None:
        """Note something a well-behaved client never does."""
        with self._lock:
            self.violations.append(problem)

    def fail(self, error: BaseException) -> None:
        """Note a fault of the stand-in itself."""
        with self._lock:
            self.failures.append(error)

    def pay(self, sha256: str, seconds: int) -> None:
        """Note that a transcript was worked out, which is what costs money."""
        with self._lock:
            self.paid[sha256] += 1
            self.seconds_paid += seconds

    def statuses(self) -> dict[str, int]:
        """Count the answers by status; resets stand under `None`."""
        with self._lock:
            return dict(Counter(str(request.status) for request in self.requests))
