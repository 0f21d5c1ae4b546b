"""Embedded workers: one thread per recording in work, as many as the limits allow.

A recording that has nothing left to prepare only waits for answers. It then makes place for the next one to be
prepared, so that short memos keep all senders busy; three times `requests` more recordings may be that far: as many as
there are open requests wait for an answer, as many keep one or are about to ask, as many are being published.

Each lane has places of its own: recordings for a slow or held far side must not take those of another's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from voxtrald.dispatch import threads
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.messages import WorkEnded

Result = TypeVar("Result")

_AHEAD = 3


class LocalDispatch(Generic[Result]):
    """Count the places and start the threads. Used by the main thread alone.

    Args:
        recordings: how many recordings of a lane may be in preparation at once.
        requests: how many may be open at once; three times as many recordings more may be past their preparation.
        put: takes `WorkEnded` in the worker's thread.
    """

    def __init__(self, *, recordings: int, requests: int, put: Callable[[WorkEnded[Result]], None]) -> None:
        self._put = put
        self._preparing: dict[str, str] = {}  # from job to lane
        self._working: dict[str, str] = {}
        self._threads: dict[str, threading.Thread] = {}
        self.resize(recordings=recordings, requests=requests)

    def resize(self, *, recordings: int, requests: int) -> None:
        """Use other limits from now on."""
        self._recordings = recordings
        self._most = recordings + _AHEAD * requests

    @property
    def working(self) -> frozenset[str]:
        """The jobs in work."""
        return frozenset(self._working)

    def working_in(self, lane: str) -> int:
        """Count a lane's jobs in work."""
        return list(self._working.values()).count(lane)

    def has_place(self, lane: str) -> bool:
        """Whether another recording of this lane may begin."""
        preparing = list(self._preparing.values()).count(lane)
        return preparing < self._recordings and self.working_in(lane) < self._most

    def admits(self, lane: Lane) -> bool:
        """Whether another recording may set out on this lane.

        During an outage, too: it may be one recording alone that breaks the service, and only another one's success
        tells. During a hold only where nothing is in work that would ask again some day.
        """
        return self.has_place(lane.service) and not (lane.is_held and self.working_in(lane.service))

    def start(self, job: str, work: Callable[[], Result], *, lane: str) -> None:
        """Begin a job of a lane in a thread of its own."""
        self._preparing[job] = lane
        self._working[job] = lane
        self._threads[job] = threads.start(
            f"worker-{job}", work, done=lambda result: self._put(WorkEnded(job=job, result=result))
        )

    def dead(self) -> tuple[str, ...]:
        """Name the workers that have ended; where one stays here after the mailbox was read, it ended in silence."""
        return tuple(thread.name for thread in self._threads.values() if not thread.is_alive())

    def prepared(self, job: str) -> None:
        """Take in that a job has nothing left to prepare."""
        self._preparing.pop(job, None)

    def ended(self, job: str) -> None:
        """Take in that a job's worker has ended."""
        self._preparing.pop(job, None)
        self._working.pop(job, None)
        self._threads.pop(job, None)
