"""The inbox as the daemon's main thread sees it: hints and looks go in, settled recordings come out.

Not thread-safe on purpose: one thread decides. It never touches the inbox itself, because a share that hangs would
hang it, too: the scout looks, and both the scout and the watcher only put hints into the mailbox.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import structlog

from voxtrald.config import WatchSettings
from voxtrald.errors import StorageUnavailable, VoxtraldError
from voxtrald.naming import IgnoreRules, is_recording_name
from voxtrald.watch.agenda import Agenda, Task
from voxtrald.watch.anchor import Anchor
from voxtrald.watch.mentioning import Mentions, mention_switches
from voxtrald.watch.scanning import TOP
from voxtrald.watch.scout import Errands, Scout
from voxtrald.watch.settling import Recording, Settling
from voxtrald.watch.survey import Arrived, Began, Called, Found, Looked, Report, Survey, Swept
from voxtrald.watch.watcher import Hint, HintKind, Watcher

START_S = 5.0
"""How long the start waits for a share that does not answer, before the daemon goes on without it."""

ANSWER_S = 20.0
"""A share that has left one call unanswered for so long counts as away."""

_STOP_S = 2.0
_UNSEEN = "it has not answered yet"
_LOOKS_AT_ONCE = 100

log = structlog.get_logger()

Errand = Callable[[], Iterator[Report]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxState:
    """Whether the inbox is there, for people and gauges.

    Attributes:
        is_reachable: whether recordings are taken from it.
        since_s: the monotonic time since when that is so.
        reason: why it is not, or empty.
        hint: what to do, or empty.
        polled: the folders without events, by their path from the inbox; `.` is the inbox itself.
    """

    is_reachable: bool
    since_s: float
    reason: str = ""
    hint: str = ""
    polled: tuple[str, ...] = ()


class Intake:
    """Watch, scan and settle one inbox.

    Args:
        root: the inbox.
        put: takes each hint from other threads; give it back with `take` in the main thread.
        state: the state folder, in which the inbox is remembered.
        scout: who looks; tests may have one without a thread.
    """

    def __init__(
        self,
        root: Path,
        *,
        settings: WatchSettings,
        put: Callable[[Hint], None],
        state: Path | None = None,
        scout: Errands[Report] | None = None,
    ) -> None:
        mode, recursive, rescan_s = settings.mode, settings.recursive, settings.rescan_s
        self._root = root
        self._recursive = recursive
        self._ignore = IgnoreRules(settings.ignore, takes_links=settings.links)
        self._settling = Settling(settle_s=settings.settle_s)
        self._watcher = Watcher(root, mode=mode, recursive=recursive, rescan_s=rescan_s, put=put)
        self._survey = Survey(
            root, recursive=recursive, ignore=self._ignore, watcher=self._watcher, anchor=Anchor(root, state=state)
        )
        self._scout = scout or Scout(tell=partial(put, Hint(path=root, kind=HintKind.NEWS)))
        self._agenda = Agenda(rescan_s=rescan_s, is_auto=mode == "auto")
        self._mentions = Mentions()
        self._was_found = False
        self._away: StorageUnavailable | None = None
        self._since_s = 0.0
        self._under_way = _over()
        self._looking = _over()
        self._steps = 0
        self._step_at_s = 0.0

    # --- what the daemon asks for ----------------------------------------------------------------------------

    def start(self, *, now_s: float) -> None:
        """Listen, then have everything looked at: what arrives in between is heard or seen, never neither.

        An inbox that is away is waited for; see `state`.

        Raises:
            DependencyError: events were asked for and the kernel does not give them.
        """
        self._since_s = now_s
        self._scout.start()
        try:
            self.tick(now_s=now_s)
            self._under_way.wait(START_S)
            self.tick(now_s=now_s)
        except VoxtraldError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening; a share that hangs is left behind."""
        self._scout.ask_between(self._survey.stop_listening)
        self._scout.stop(timeout_s=_STOP_S)

    @property
    def state(self) -> InboxState:
        """Whether the inbox is there."""
        return InboxState(
            is_reachable=self._was_found,
            since_s=self._since_s,
            reason=self._away.message if self._away else "" if self._was_found else _UNSEEN,
            hint=self._away.hint if self._away else "",
            polled=tuple(sorted(map(str, self._agenda.polled))),
        )

    def take(self, *hints: Hint, now_s: float) -> None:
        """Follow hints. Of many at once the files are looked at together, which costs far less than one by one."""
        named: dict[PurePosixPath, bool] = {}
        for hint in hints:
            relative = PurePosixPath(hint.path.relative_to(self._root).as_posix())
            match hint.kind:
                case HintKind.NEWS:
                    pass
                case HintKind.CANARY:
                    mention_switches(self._agenda.heard(relative.parent, now_s=now_s))
                case HintKind.OVERFLOW:
                    self._agenda.sweep_soon(now_s=now_s)
                case HintKind.FOLDER:
                    self._look_through(relative, now_s=now_s)
                case HintKind.GONE | HintKind.MAYBE | HintKind.COMPLETE:
                    named[relative] = hint.kind is HintKind.COMPLETE  # the last word on a file counts
        for is_complete in (False, True):
            self._look_at([name for name in named if named[name] is is_complete], is_complete=is_complete, now_s=now_s)
        self._take_reports(now_s=now_s)

    def tick(self, *, now_s: float) -> float:
        """Do what is due by now; say in how many seconds something is due again.

        Raises:
            VoxtraldError: nobody looks any more, or events were asked for and there are none.
        """
        self._watch_scout(now_s=now_s)
        while self._under_way.is_set():
            self._take_reports(now_s=now_s)  # all that came of the task before: it says what is due
            if not (task := self._agenda.next_task(now_s=now_s, is_away=self._is_away)):
                break
            self._under_way = self._scout.ask(self._errand(task))
            self._steps, self._step_at_s = self._scout.steps, now_s
        if not self._is_away:
            mention_switches(self._agenda.judge(now_s=now_s))
            self._look_again(now_s=now_s)
            self._take_reports(now_s=now_s)
        return max(0.0, min(self._due_times(now_s=now_s)) - now_s)

    def next_ready(
        self,
        queue_of: Callable[[Recording], Hashable | None] = lambda _: "",
        is_open: Callable[[Any], bool] = lambda _: True,
    ) -> Recording | None:
        """Give the first recording of the open queues; the next one once this was `took`. See `Settling.ready`.

        While the inbox is away there is none.
        """
        offers = self._settling.ready(at_most=1, queue_of=queue_of, is_open=is_open) if self._was_found else ()
        return next(iter(offers), None)

    def sort_anew(self) -> None:
        """Take in that recordings may belong into other queues than before."""
        self._settling.sort_anew()

    def waiting(self) -> int:
        """Count the recordings that are whole and that nobody has."""
        return self._settling.waiting()

    def oldest_s(self, *, now_s: float) -> float:
        """Say how long the first of the `waiting` recordings has not changed; 0 where none waits."""
        return self._settling.oldest_s(now_s=now_s)

    def still_since_s(self, recording: Recording) -> float | None:
        """Look up since when a recording has not changed."""
        return self._settling.still_since_s(recording.relative)

    def took(self, recording: Recording) -> None:
        """Take in that a worker has this recording."""
        self._settling.took(recording)

    def release(self, relative: PurePosixPath, *, keep: bool, now_s: float) -> None:
        """Take in that the worker is done with it; with `keep` it comes up again only when it changes."""
        self._settling.release(relative, keep=keep)
        if not keep:
            self._look_at([relative], now_s=now_s)
            self._take_reports(now_s=now_s)

    # --- sending the scout -----------------------------------------------------------------------------------

    @property
    def _is_away(self) -> bool:
        return self._away is not None

    def _errand(self, task: Task) -> Errand:
        match task.kind:
            case "arrive":
                return self._survey.arrive
            case "sweep":
                return partial(self._survey.sweep, task.below)
            case "glance":
                return partial(self._survey.glance, task.below)
            case "canaries":
                return partial(self._survey.call_out, always=task.always, number=task.number)

    def _look_at(self, names: Iterable[PurePosixPath], *, is_complete: bool = False, now_s: float) -> None:
        # While the inbox is away there is nothing to see, and when it is there again, everything is looked at.
        wanted = [name for name in names if not self._is_away and is_recording_name(name, self._ignore)]
        self._look(wanted, is_complete=is_complete, now_s=now_s)

    def _look_again(self, *, now_s: float) -> None:
        """Have another look at the files that are due for it; not before the last look is over."""
        if self._looking.is_set():
            self._look(self._settling.pending(now_s=now_s), is_complete=False, now_s=now_s)

    def _look(self, names: Sequence[PurePosixPath], *, is_complete: bool, now_s: float) -> None:
        for at in range(0, len(names), _LOOKS_AT_ONCE):
            some = partial(self._survey.look, *names[at : at + _LOOKS_AT_ONCE], is_complete=is_complete)
            self._looking = self._ask_between(some, now_s=now_s)

    def _look_through(self, relative: PurePosixPath, *, now_s: float) -> None:
        if not self._is_away and self._recursive and not self._ignore.ignores(relative):
            self._ask_between(partial(self._survey.look_through, relative), now_s=now_s)

    def _ask_between(self, errand: Errand, *, now_s: float) -> threading.Event:
        if not self._scout.is_busy:
            self._steps, self._step_at_s = self._scout.steps, now_s
        return self._scout.ask_between(errand)

    def _watch_scout(self, *, now_s: float) -> None:
        """See whether the scout gets on: where it does not, the share hangs."""
        if not self._scout.is_alive():
            raise VoxtraldError("the thread that looks at the inbox has ended")
        if not self._scout.is_busy or self._scout.steps != self._steps:
            self._steps, self._step_at_s = self._scout.steps, now_s
        elif now_s - self._step_at_s >= ANSWER_S:
            hint = "look at the share and its server; work goes on by itself"
            error = StorageUnavailable(f"{self._root} does not answer", path=self._root, hint=hint)
            self._lose(error, now_s=now_s)

    def _due_times(self, *, now_s: float) -> Iterator[float]:
        if self._under_way.is_set():
            yield self._agenda.due_s(is_away=self._is_away)
        else:  # its end will be heard, unless the share hangs
            yield now_s + ANSWER_S
        if not self._is_away:
            yield self._agenda.judged_s()
        if not self._is_away and self._looking.is_set():
            due_s = self._settling.due_s(now_s=now_s)
            yield math.inf if due_s is None else now_s + due_s

    # --- what the scout brings -------------------------------------------------------------------------------

    def _take_reports(self, *, now_s: float) -> None:
        for report in self._scout.reports():
            self._take_report(report, now_s=now_s)

    def _take_report(self, report: Report | VoxtraldError, *, now_s: float) -> None:
        match report:
            case Arrived():
                self._arrive(report, now_s=now_s)
            case Found():
                self._take_found(report, now_s=now_s)
            case Looked():
                self._take_look(report, now_s=now_s)
            case Began() | Swept() | Called():
                self._take_progress(report, now_s=now_s)
            case StorageUnavailable():
                self._lose(report, now_s=now_s)
            case VoxtraldError():
                raise report

    def _take_progress(self, report: Began | Swept | Called, *, now_s: float) -> None:
        match report:
            case Began():
                self._agenda.began(now_s=now_s)
                if report.below == TOP:
                    self._settling.sweep_begins()
            case Swept():
                if report.is_whole and report.below == TOP:
                    self._settling.sweep_ended()
                self._agenda.ended(report.below, report.kind, now_s=now_s, has_news=report.has_news)
            case Called():
                self._agenda.called(report.folders, now_s=now_s)

    def _arrive(self, report: Arrived, *, now_s: float) -> None:
        if self._away is not None:
            self._away, self._since_s = None, now_s
            log.info("inbox_reachable", inbox=str(self._root))
        elif report.is_new and self._was_found:
            log.warning("watch_restarted", inbox=str(self._root))
        is_new = report.is_new or not self._was_found
        self._was_found = True
        hears = self._watcher.hears
        mention_switches(self._agenda.arrived(report.place, is_new=is_new, hears=hears, now_s=now_s))

    def _lose(self, error: StorageUnavailable, *, now_s: float) -> None:
        """Begin nothing and forget nothing until the inbox is there again; then look at everything."""
        if self._away is None:
            self._since_s = now_s
            log.warning("inbox_unreachable", error=error.message, hint=error.hint)
        self._away = error
        self._was_found = False

    def _take_look(self, look: Looked, *, now_s: float) -> None:
        if look.sighting is None:
            self._settling.gone(look.relative)
        else:
            complete, at_least_s = look.is_complete, look.at_least_s
            self._settling.saw(look.sighting, now_s=now_s, complete=complete, at_least_s=at_least_s)

    def _take_found(self, found: Found, *, now_s: float) -> None:
        for sighting in found.sightings:
            self._settling.saw(sighting, now_s=now_s, at_least_s=found.at_least_s)
        self._mentions.left_alone(found.oddities)


def _over() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
