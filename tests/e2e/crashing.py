"""Crashes at will, and what they may cost."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.e2e.daemon import COMMAND, SMALL_CHUNKS, Place, Running, files_in, is_hidden, wait_for
from tests.standin.server import Standin
from voxtrald.clock import Clock
from voxtrald.store.ledger import LEDGER_FILE, Ledger

REQUESTS: Final = 3
"""How many requests may be under way at once, and so be lost in one crash."""

CONFIG: Final[Mapping[str, Any]] = {
    "chunks": SMALL_CHUNKS,
    "limits": {"requests": REQUESTS},
    "output": {"formats": ["txt", "srt", "vtt", "json"]},
}
SET: Final = ("talk.json", "talk.srt", "talk.txt", "talk.vtt")

MOST_CHUNK_S: Final = 13
"""The longest chunk under `SMALL_CHUNKS`, in started seconds, with what its encoder adds."""


def at_step(deed: str, step: str, nth: int = 1) -> tuple[str | Path, ...]:
    """Give the command that does `deed` at the n-th announcement of `step`; see killed.py for both."""
    # -P keeps this folder's modules out of the way of the installed program.
    return (COMMAND.parent / "python", "-P", Path(__file__).with_name("killed.py"), deed, step, str(nth))


def died(running: Running, *, after: str, timeout_s: float = 30) -> None:
    """Wait for the death by SIGKILL; fail where the work ended with `after` in the log, as the step never came."""

    def look() -> bool:
        return running.process.poll() is not None or bool(running.events(after))

    wait_for(look, what="the death of the daemon", timeout_s=timeout_s)
    # The event may stand in the log a moment before the end of a process that is dying.
    assert running.events(after) == [], f"the step never came\n{running.tail()}"
    assert running.wait() == -signal.SIGKILL, running.tail()


@dataclass(slots=True, kw_only=True)
class Bill:
    """What was paid, what of it was kept, and what crashes cost."""

    place: Place
    lost_s: list[int] = field(default_factory=list)

    def after_crash(self) -> int:
        """Note what the crash just now cost: seconds paid for answers that nobody kept."""
        lost_s = settled_s(self.place.standin) - kept_s(self.place) - sum(self.lost_s)
        self.lost_s.append(lost_s)
        assert 0 <= lost_s <= REQUESTS * MOST_CHUNK_S
        return lost_s

    def assert_paid(self, total_s: int) -> None:
        """Assert that each second was paid once, beside what the crashes cost."""
        assert settled_s(self.place.standin) == total_s + sum(self.lost_s)


def settled_s(standin: Standin) -> int:
    """Give the seconds paid, once no request is open any more: the service works on when its client is dead."""
    wait_for(lambda: not standin.records._open.total(), what="the end of every request")
    return standin.seconds_paid


def kept_s(place: Place) -> int:
    """Give the seconds whose answers are kept."""
    answers = (place.state / "results").glob("??/*/answer-*.json")
    return round(sum(json.loads(answer.read_text())["kept"]["answer"]["billed_s"] for answer in answers))


def chunks_s(place: Place, stem: str = "talk") -> int:
    """Give the seconds that a recording costs when each of its chunks is paid once."""
    return round(sum(chunk["billed_s"] for chunk in place.result(stem)["chunks"]))


def booked_s(place: Place) -> int:
    """Give the seconds that the ledger says were paid."""
    with Ledger.open_read_only(place.state / LEDGER_FILE, clock=Clock()) as ledger:
        return round(sum(spent.audio_s for spent in ledger.spend_since(datetime(2000, 1, 1, tzinfo=UTC))))


def assert_one_set(place: Place, *, original: str) -> None:
    """Assert that exactly one whole set lies in the outbox, and nothing half done anywhere."""
    assert files_in(place.outbox) == sorted((*SET, original))
    place.assert_clean()


def half_done(place: Place) -> list[str]:
    """List the temporary files in the folders that people look into."""
    folders = (place.inbox, place.outbox, place.error)
    return [name for folder in folders for name in files_in(folder) if is_hidden(name)]


def status_of(place: Place, recording: str) -> str:
    """Give the state that `voxtrald status` shows for a recording."""
    told = place.run("status")
    assert told.returncode == 0, told.stderr
    rows = [line for line in told.stdout.splitlines() if f" {recording} " in f"{line} "]
    assert len(rows) == 1, told.stdout
    return rows[0].partition(recording)[0].strip()
