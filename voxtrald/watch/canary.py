"""A file that is written to find out whether the kernel tells of it.

Some folders give no events although their file system should: a mount that came later, a folder past the kernel's
limit, a container's idea of a share. A canary is written and removed at once; only its event is waited for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

CANARY_PREFIX = ".voxtrald-canary-"
"""How the names begin. The dot hides them from people, and from every scan."""

AT_MOST = 64
"""How many folders are tried in one round. Of a larger tree, each round tries the next ones."""


def choose(
    folders: Sequence[PurePosixPath], *, always: Sequence[PurePosixPath], number: int, at_most: int = AT_MOST
) -> tuple[PurePosixPath, ...]:
    """Choose the folders of one round: those that are always tried, and the next ones in turn.

    Args:
        folders: all of them, in any lasting order.
        always: those of every round: the inbox itself, the mounts in it, folders that were silent.
        number: of the round; so many rounds as it takes go through all folders.
        at_most: how many in one round, beside those of every round.
    """
    others = [folder for folder in folders if folder not in set(always)]
    rounds = -(-len(others) // at_most) or 1
    start = number % rounds * at_most
    return (*always, *others[start : start + at_most])


def call_out(root: Path, folders: Sequence[PurePosixPath], *, token: str) -> Iterator[PurePosixPath]:
    """Write and remove a canary in each folder; give those folders where that was possible."""
    for folder in folders:
        canary = root / folder / f"{CANARY_PREFIX}{token}"
        with contextlib.suppress(OSError):  # read-only, full, gone: then there is nothing to learn
            canary.unlink(missing_ok=True)
            canary.open("x").close()
            yield folder
        with contextlib.suppress(OSError):
            canary.unlink(missing_ok=True)
