"""What was paid: one row per paid answer, also where the same chunk had to be paid again after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voxtrald.store.ledger_tables import Tables, instant_text, path_bytes, read_path


class Period(StrEnum):
    """What spending is summed by. Days and months are those of UTC."""

    DAY = "day"
    MONTH = "month"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendSum:
    """What one group comes to in one currency.

    Attributes:
        group: `2026-11-23`, `2026-11`, a folder, or empty for everything.
        cost: of the answers whose price is known.
        answers: how many were paid.
    """

    group: str
    currency: str
    audio_s: float
    cost: float
    answers: int


_SUMS = (
    "SELECT CAST(part AS BLOB) AS part, currency, sum(audio_s) AS audio_s, coalesce(sum(cost), 0.0) AS cost,"
    " count(*) AS answers FROM (SELECT *, {part} AS part FROM spend WHERE at >= ?)"
    " GROUP BY part, currency ORDER BY part, currency"
)
_QUERIES = {
    None: _SUMS.format(part="''"),
    Period.DAY: _SUMS.format(part="substr(at, 1, 10)"),
    Period.MONTH: _SUMS.format(part="substr(at, 1, 7)"),
    Period.FOLDER: _SUMS.format(part="folder"),
}


class SpendTable(Tables):
    """One row per paid answer."""

    def record_spend(
        self,
        key: str,
        *,
        job_id: str,
        model: str,
        folder: str,
        audio_s: float,
        cost: float | None,
        currency: str,
    ) -> None:
        """Write down that an answer was paid: seconds of audio, and the price where it is known."""
        self._database.write(
            "INSERT INTO spend (key, job_id, model, folder, audio_s, cost, currency, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, job_id, model, path_bytes(folder), audio_s, cost, currency, self._now_text()),
        )

    def spend_since(self, since: datetime) -> tuple[SpendSum, ...]:
        """Sum what was paid from `since` on, per currency."""
        return self._sums(None, since=since)

    def spend_by(self, period: Period, *, since: datetime | None = None) -> tuple[SpendSum, ...]:
        """Sum what was paid per day, month or folder, and per currency."""
        return self._sums(period, since=since)

    def _sums(self, period: Period | None, *, since: datetime | None) -> tuple[SpendSum, ...]:
        rows = self._database.read(_QUERIES[period], (instant_text(since) or "",))
        return tuple(
            SpendSum(
                group=read_path(row["part"]),
                currency=row["currency"],
                audio_s=row["audio_s"],
                cost=row["cost"],
                answers=row["answers"],
            )
            for row in rows
        )
