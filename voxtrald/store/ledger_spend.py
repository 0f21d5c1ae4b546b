"""What was paid: one row per paid answer, also where the same chunk had to be paid again after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from voxtrald.store.ledger_tables import Tables, instant_text, path_bytes, read_path


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendSum:
    """What was paid in one currency.

    Attributes:
        folder: whose recordings, as a path below the inbox; empty for all of them together.
        cost: of the answers whose price is known.
        answers: how many were paid.
    """

    folder: str
    currency: str
    audio_s: float
    cost: float
    answers: int


_SUMS = (
    "SELECT CAST(part AS BLOB) AS part, currency, sum(audio_s) AS audio_s, coalesce(sum(cost), 0.0) AS cost,"
    " count(*) AS answers FROM (SELECT *, {part} AS part FROM spend WHERE at >= ?)"
    " GROUP BY part, currency ORDER BY part, currency"
)
_TOGETHER, _BY_FOLDER = _SUMS.format(part="''"), _SUMS.format(part="folder")


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

    def has_spend(self, key: str) -> bool:
        """Whether an answer with this key was ever written down as paid."""
        return bool(self._database.read("SELECT 1 FROM spend WHERE key = ? LIMIT 1", (key,)))

    def spend_since(self, since: datetime) -> tuple[SpendSum, ...]:
        """Sum what was paid from `since` on, per currency."""
        return self._sums(_TOGETHER, since=since)

    def spend_by_folder(self, since: datetime) -> tuple[SpendSum, ...]:
        """Sum what was paid from `since` on, per folder of the inbox and currency."""
        return self._sums(_BY_FOLDER, since=since)

    def _sums(self, query: str, *, since: datetime) -> tuple[SpendSum, ...]:
        rows = self._database.read(query, (instant_text(since),))
        return tuple(
            SpendSum(
                folder=read_path(row["part"]),
                currency=row["currency"],
                audio_s=row["audio_s"],
                cost=row["cost"],
                answers=row["answers"],
            )
            for row in rows
        )
