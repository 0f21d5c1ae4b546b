"""Embedded workers: one thread per recording in work, as many as the limits allow.

A recording that has nothing left to prepare only waits for answers. It then makes place for the next one to be
prepared, so that short memos keep all senders busy; three times `requests` more recordings may be that far: as many as
there are open requests wait for an answer, as many keep one or are about to ask, as many are being published.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from voxtrald.dispatch import threads
from voxtrald.dispatch.messages import WorkEnded

Result = TypeVar("Result")

_AHEAD = 3


class LocalDispatch(Generic[Result]):
    """Count the places and start the threads. Used by the main thread alone.

    Args:
        recordings: how many recordings may be in preparation at once.
        requests: how many may be open at once; three times as many recordings more may be past their preparation.
        put: takes `WorkEnded` in the worker's thread.
    """

    def __init__(self, *, recordings: int, requests: int, put: Callable[[WorkEnded[Result]], None]) -> None:
        self._put = put
        self._preparing: set[str] = set()
        self._working: set[str] = set()
        self.resize(recordings=recordings, requests=requests)

    def resize(self, *, recordings: int, requests: int) -> None:
        """Use other limits from now on."""
        self._recordings = recordings
        self._most = recordings + _AHEAD * requests

    @property
    def working(self) -> frozenset[str]:
        """The jobs in work."""
        return frozenset(self._working)

    def has_place(self) -> bool:
        """Whether another recording may begin."""
        return len(self._preparing) < self._recordings and len(self._working) < self._most

    def start(self, job: str, work: Callable[[], Result]) -> None:
        """Begin a job in a thread of its own."""
        self._preparing.add(job)
        self._working.add(job)
        threads.start(f"worker-{job}", work, done=lambda result: self._put(WorkEnded(job=job, result=result)))

    def prepared(self, job: str) -> None:
        """Take in that a job has nothing left to prepare."""
        self._preparing.discard(job)

    def ended(self, job: str) -> None:
        """Take in that a job's worker has ended."""
        self._preparing.discard(job)
        self._working.discard(job)
