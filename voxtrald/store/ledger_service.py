"""What concerns all jobs: who this installation is, whether its daemon runs, and which services work waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voxtrald.store.ledger_tables import Tables, instant_text, storable

_GATE = "gate:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutGate:
    """Work waits for a service.

    Attributes:
        state: `held` (it refuses us) or `open` (the circuit is: it does not answer).
        reason: a sentence, or empty.
        since: when it began to be so.
    """

    service: str
    state: str
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

    def note_gate(self, service: str, *, state: str, reason: str | None) -> None:
        """Write down how a service's gate stands, for `status` to show; a state that stands keeps its beginning."""
        if state == "closed":
            self._database.write("DELETE FROM meta WHERE name = ?", (_GATE + service,))
            return
        standing = next((gate for gate in self.shut_gates() if (gate.service, gate.state) == (service, state)), None)
        since = instant_text(standing.since) if standing else self._now_text()
        self._set(_GATE + service, json.dumps({"state": state, "reason": storable(reason or ""), "since": since}))

    def forget_gates(self) -> None:
        """Write down that nothing is known of any service: a start finds out anew."""
        self._database.write("DELETE FROM meta WHERE name LIKE 'gate:%'")

    def shut_gates(self) -> tuple[ShutGate, ...]:
        """List the services that work waits for."""
        rows = self._database.read("SELECT name, value FROM meta WHERE name LIKE 'gate:%' ORDER BY name")
        return tuple(_read_gate(row["name"].removeprefix(_GATE), json.loads(row["value"])) for row in rows)

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


def _read_gate(service: str, content: Mapping[str, str]) -> ShutGate:
    return ShutGate(
        service=service,
        state=content["state"],
        reason=content["reason"],
        since=datetime.fromisoformat(content["since"]),
    )
