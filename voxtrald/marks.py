"""By what a change of a small file is noticed without reading it. Pure."""

from __future__ import annotations

from typing import Protocol

Mark = tuple[int, int, int]
"""Size, modification time, and the time of the last change of any kind, also of its rights."""


class Status(Protocol):
    """What `os.stat` gives."""

    @property
    def st_size(self) -> int:
        """The size."""

    @property
    def st_mtime_ns(self) -> int:
        """When the content changed last."""

    @property
    def st_ctime_ns(self) -> int:
        """When anything changed last."""


def mark_of(status: Status) -> Mark:
    """Make the mark of a file; not of its inode, which some FUSE shares make up."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
