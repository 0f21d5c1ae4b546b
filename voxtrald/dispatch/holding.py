"""Which recordings must not begin before an instant: they would pass a limit on spending until then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from voxtrald.watch.settling import Recording

Identity = tuple[str, int, int, int]


class Holds:
    """Remember who waits, and until when. Used by the main thread alone.

    They are forgotten with the process: after a start, each recording is measured against the limits again.
    """

    def __init__(self) -> None:
        self._until: dict[Identity, datetime] = {}
        self._first: datetime | None = None
        self._outdated: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._until)

    def hold(self, job: str, recording: Recording, *, until: datetime) -> None:
        """Let this very file, not another one under its name, wait until then.

        Not where the limits have changed since its work began: then it is measured against the new ones.
        """
        if job not in self._outdated:
            self._until[identity_of(recording)] = until
            self._first = until if self._first is None else min(self._first, until)
        self._outdated -= {job}

    def keeps(self, recording: Recording) -> bool:
        """Whether it has to wait."""
        return identity_of(recording) in self._until

    def expire(self, *, now: datetime) -> bool:
        """Let those go whose time has come; say whether there were some."""
        if self._first is None or now < self._first:
            return False
        self._until = {identity: until for identity, until in self._until.items() if until > now}
        self._first = min(self._until.values(), default=None)
        return True

    def release(self, in_work: Iterable[str]) -> bool:
        """Let everybody go, because limits may have changed; say whether there were some.

        Args:
            in_work: the jobs that were measured against the old limits and may still end by them.
        """
        had_some = bool(self._until)
        self._until, self._first = {}, None
        self._outdated = frozenset(in_work)
        return had_some


def identity_of(recording: Recording) -> Identity:
    """Tell this very file from another one under its name."""
    return str(recording.relative), recording.size_bytes, recording.mtime_ns, recording.inode
