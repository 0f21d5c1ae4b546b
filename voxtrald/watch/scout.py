"""One thread that touches the inbox, so that a share that does not answer never holds up who decides.

A call into a dead network share can block for minutes, and nothing can be done about it from outside. So nobody but
this thread makes such calls: it is given errands, brings reports back one by one, and whoever asked sees by the
number of steps whether it still gets on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from voxtrald.errors import VoxtraldError

Report = TypeVar("Report")
_Errand = tuple[Callable[[], Iterator[Report]], threading.Event]


class Errands(Protocol[Report]):
    """Who looks at the inbox; see `Scout`."""

    @property
    def steps(self) -> int:
        """How many steps were made; while it is busy, a number that stands still means that the share hangs."""

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""

    def start(self) -> None:
        """Begin to work."""

    def stop(self, *, timeout_s: float) -> None:
        """Stop, as far as the share lets it."""

    def is_alive(self) -> bool:
        """Whether errands are still done."""

    def ask(self, errand: Callable[[], Iterator[Report]]) -> threading.Event:
        """Have a long errand done."""

    def ask_between(self, errand: Callable[[], Iterator[Report]]) -> threading.Event:
        """Have a small errand done soon."""

    def reports(self) -> Iterator[Report | VoxtraldError]:
        """Take what was reported."""


class Scout(Generic[Report]):
    """Does errands one after the other; small ones go between the steps of a long one.

    An errand is a function that yields reports. What it raises on purpose is a report as well; any other exception
    ends the thread and is shown by the interpreter.

    Args:
        tell: called in the scout's thread when there are reports, once until `reports` is asked for them.
    """

    def __init__(self, *, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._has_work = threading.Condition()
        self._small: deque[_Errand[Report]] = deque()
        self._long: deque[_Errand[Report]] = deque()
        self._under_way: tuple[Iterator[Report], threading.Event] | None = None
        self._reports: deque[Report | VoxtraldError] = deque()
        self._is_told = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="scout", daemon=True)
        self.steps = 0
        self.is_busy = False

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, *, timeout_s: float) -> None:
        """Do the small errands, drop the long ones, and wait for the end.

        A share that hangs can put it off for ever; then the thread is left behind and ends with the process.
        """
        with self._has_work:
            self._is_stopping = True
            self._has_work.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def is_alive(self) -> bool:
        """Whether errands are still done."""
        return self._thread.is_alive()

    def ask(self, errand: Callable[[], Iterator[Report]]) -> threading.Event:
        """Have an errand done after those that were asked for before; give what is set when it is over."""
        return self._queue(self._long, errand)

    def ask_between(self, errand: Callable[[], Iterator[Report]]) -> threading.Event:
        """Have a small errand done before the next step of a long one."""
        return self._queue(self._small, errand)

    def reports(self) -> Iterator[Report | VoxtraldError]:
        """Take the reports that are there, oldest first; of those that come meanwhile `tell` is called again."""
        self._is_told = False  # before counting: what comes from now on is told anew
        for _ in range(len(self._reports)):
            yield self._reports.popleft()

    def _queue(self, errands: deque[_Errand[Report]], errand: Callable[[], Iterator[Report]]) -> threading.Event:
        done = threading.Event()
        with self._has_work:
            errands.append((errand, done))
            self.is_busy = True
            self._has_work.notify()
        return done

    def _run(self) -> None:
        try:
            while self._wait():
                self._step()
                self.steps += 1
        finally:
            self._say()

    def _wait(self) -> bool:
        with self._has_work:
            while not (self._is_stopping or self._small or self._long or self._under_way):
                self.is_busy = False
                self._has_work.wait()
            return bool(self._small) or not self._is_stopping

    def _step(self) -> None:
        if self._small:
            errand, done = self._small.popleft()
            self._bring(errand(), at_most=None)
            self._finish(done)
            return
        if self._under_way is None:
            errand, done = self._long.popleft()
            self._under_way = errand(), done
        reports, done = self._under_way
        if not self._bring(reports, at_most=1):
            self._under_way = None
            self._finish(done)

    def _finish(self, done: threading.Event) -> None:
        done.set()
        self._say()  # also where there was nothing to report: something else may begin

    def _bring(self, reports: Iterator[Report], *, at_most: int | None) -> bool:
        """Report what an errand yields; say whether it may yield more."""
        try:
            for report in islice(reports, at_most):
                self._report(report)
                if at_most:
                    return True
        except VoxtraldError as error:
            self._report(error)
        return False

    def _report(self, report: Report | VoxtraldError) -> None:
        self._reports.append(report)
        self._say()

    def _say(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._tell()
