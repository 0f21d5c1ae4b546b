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
            self._until[_identity(recording)] = until
        self._outdated -= {job}

    def keeps(self, recording: Recording) -> bool:
        """Whether it has to wait."""
        return _identity(recording) in self._until

    def expire(self, *, now: datetime) -> bool:
        """Let those go whose time has come; say whether there were some and none is left."""
        had_some = bool(self._until)
        self._until = {identity: until for identity, until in self._until.items() if until > now}
        return had_some and not self._until

    def release(self, in_work: Iterable[str]) -> bool:
        """Let everybody go, because limits may have changed; say whether there were some.

        Args:
            in_work: the jobs that were measured against the old limits and may still end by them.
        """
        had_some = bool(self._until)
        self._until = {}
        self._outdated = frozenset(in_work)
        return had_some


def _identity(recording: Recording) -> Identity:
    return str(recording.relative), recording.size_bytes, recording.mtime_ns, recording.inode
