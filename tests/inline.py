"""A scout without a thread, so that a test alone says when something is looked at."""

from __future__ import annotations

import threading
from collections import deque

from voxtrald.errors import VoxtraldError


class InlineScout:
    """Does each errand at once, in the thread that asks."""

    def __init__(self):
        self.steps = 0
        self.is_busy = False
        self._reports = deque()

    def start(self):
        """Do nothing: there is no thread."""

    def stop(self, *, timeout_s):
        """Do nothing."""

    def is_alive(self):
        """Say that errands are done."""
        return True

    def ask(self, errand):
        """Do the errand."""
        try:
            self._reports.extend(errand())
        except VoxtraldError as error:
            self._reports.append(error)
        done = threading.Event()
        done.set()
        return done

    ask_between = ask

    def reports(self):
        """Give all reports."""
        while self._reports:
            yield self._reports.popleft()
