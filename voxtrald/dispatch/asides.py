"""What was read beside recordings, as far as the main thread must know: who waits for a file, and who is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from voxtrald.dispatch import threads
from voxtrald.dispatch.holding import Identity, identity_of
from voxtrald.dispatch.threads import Broken
from voxtrald.marks import Mark, mark_of
from voxtrald.watch.settling import Recording

LOOK_S = 2.0
"""How often the files are looked at that recordings wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen:
    """The files that recordings wait for, as they are now; None where one is gone."""

    marks: Mapping[PurePosixPath, Mark | None]


class Asides:
    """Remember which recordings wait until a file beside them is mended, and which are asked of a chosen engine.

    Used by the main thread alone. It is forgotten with the process: after a start, the files are read again.

    Args:
        inbox: where the files lie. A thread looks at them, as a share that hangs would hang it.
        put: takes `FilesSeen` in that thread.
    """

    def __init__(self, inbox: Path, *, put: Callable[[FilesSeen], None]) -> None:
        self._inbox = inbox
        self._put = put
        self._held: dict[Identity, Mapping[PurePosixPath, Mark]] = {}
        self._choices: dict[Identity, str] = {}
        self._outdated: frozenset[str] = frozenset()
        self._is_looking = False
        self._look_at_s = -math.inf

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._held)

    @property
    def files(self) -> frozenset[PurePosixPath]:
        """The files that somebody waits for, by their paths below the inbox."""
        return frozenset(file for files in self._held.values() for file in files)

    def hold(self, job: str, recording: Recording, *, files: Mapping[PurePosixPath, Mark]) -> None:
        """Let this very recording wait until one of the files is another one, or gone.

        Not where the settings have changed since its work began: what was wrong may be right by now.
        """
        if job not in self._outdated:
            self._held[identity_of(recording)] = files
        self._outdated -= {job}

    def keeps(self, recording: Recording) -> bool:
        """Whether it has to wait."""
        return identity_of(recording) in self._held

    def choose(self, recording: Recording, engine: str) -> None:
        """Have it asked of the engine of this name; of its own where that is empty."""
        self._choices[identity_of(recording)] = engine

    def choice(self, recording: Recording) -> str:
        """Name the engine that was chosen for it, or nothing."""
        return self._choices.get(identity_of(recording), "")

    def ended(self, recording: Recording) -> None:
        """Take in that the work on it has come to an end."""
        self._choices.pop(identity_of(recording), None)

    def release(self, in_work: Iterable[str]) -> None:
        """Forget everything, because the settings have changed.

        Args:
            in_work: the jobs whose files were read under the old ones.
        """
        self._held, self._choices = {}, {}
        self._outdated = frozenset(in_work)

    # --- looking -----------------------------------------------------------------------------------------------

    def look(self, *, now_s: float) -> float:
        """Have the files looked at where that is due; say when it is due again."""
        if self._is_looking or not self._held:
            return math.inf
        if now_s >= self._look_at_s:
            self._is_looking, self._look_at_s = True, now_s + LOOK_S
            files = self.files
            threads.start("asides", lambda: _look(self._inbox, files), done=self._tell)
            return math.inf
        return self._look_at_s

    def take(self, seen: FilesSeen) -> bool:
        """Let those go whose file has changed; say whether there were some."""
        self._is_looking = False
        before = len(self._held)
        self._held = {each: files for each, files in self._held.items() if not _has_news(files, seen.marks)}
        return len(self._held) < before

    def _tell(self, marks: Mapping[PurePosixPath, Mark | None] | Broken) -> None:
        self._put(FilesSeen(marks={} if isinstance(marks, Broken) else marks))


def _has_news(files: Mapping[PurePosixPath, Mark], marks: Mapping[PurePosixPath, Mark | None]) -> bool:
    return any(file in marks and marks[file] != mark for file, mark in files.items())


def _look(inbox: Path, files: Collection[PurePosixPath]) -> dict[PurePosixPath, Mark | None]:
    marks: dict[PurePosixPath, Mark | None] = {}
    for file in files:
        try:
            marks[file] = mark_of((inbox / file).lstat())
        except (FileNotFoundError, NotADirectoryError):
            marks[file] = None
        except OSError:  # the share does not answer: no news
            continue
    return marks
