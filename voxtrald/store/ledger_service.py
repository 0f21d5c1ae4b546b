"""What concerns all jobs: who this installation is, whether its daemon runs, and whether work is held."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from voxtrald.store.ledger_tables import Tables, instant_text, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """All work waits: why (a sentence), and since when."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life of the daemon."""

    pid: int
    started_at: datetime
    beat_at: datetime


class ServiceTable(Tables):
    """A few named values."""

    @property
    def installation_id(self) -> str:
        """Eight hexadecimal digits that were drawn when the ledger was made."""
        return self._value("installation_id") or ""

    def hold(self, reason: str) -> None:
        """Write down that all work waits; a hold that stands keeps its beginning."""
        standing = self.held()
        since = instant_text(standing.since) if standing else self._now_text()
        self._set("hold", json.dumps({"reason": storable(reason), "since": since}))

    def release(self) -> None:
        """Write down that work goes on."""
        self._database.write("DELETE FROM meta WHERE name = 'hold'")

    def held(self) -> Hold | None:
        """Look up whether all work waits."""
        content = json.loads(self._value("hold") or "null")
        if content is None:
            return None
        return Hold(reason=content["reason"], since=datetime.fromisoformat(content["since"]))

    def note_circuit(self, state: str) -> None:
        """Write down whether the far side is believed to be reachable, for `status` to show."""
        self._set("circuit", state)

    def circuit(self) -> str:
        """Look up what `note_circuit` wrote last, or an empty string."""
        return self._value("circuit") or ""

    def beat(self, *, pid: int, started_at: datetime) -> None:
        """Leave a sign of life."""
        beat = {"pid": pid, "started_at": instant_text(started_at), "beat_at": self._now_text()}
        self._set("heartbeat", json.dumps(beat))

    def fall_silent(self) -> None:
        """Take the sign of life back: the daemon has ended in an orderly way."""
        self._database.write("DELETE FROM meta WHERE name = 'heartbeat'")

    def heartbeat(self) -> Heartbeat | None:
        """Look up the last sign of life of a daemon."""
        content = json.loads(self._value("heartbeat") or "null")
        if content is None:
            return None
        return Heartbeat(
            pid=content["pid"],
            started_at=datetime.fromisoformat(content["started_at"]),
            beat_at=datetime.fromisoformat(content["beat_at"]),
        )

    def _value(self, name: str) -> str | None:
        rows = self._database.read("SELECT value FROM meta WHERE name = ?", (name,))
        return rows[0]["value"] if rows else None

    def _set(self, name: str, value: str) -> None:
        self._database.write("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))
