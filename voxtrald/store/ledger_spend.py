"""What was paid: one row per paid answer, also where the same chunk had to be paid again after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from voxtrald.store.ledger_tables import Tables, instant_text, path_bytes, read_path, storable


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """What was paid on one day (UTC) in one currency; `cost` is that of the answers whose price is known."""

    day: date
    currency: str
    audio_s: float
    cost: float
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSum:
    """What was paid for one model in one currency; `cost` is that of the answers whose price is known."""

    model: str
    currency: str
    audio_s: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was paid since somebody last looked; `last` is for the next look."""

    sums: tuple[ModelSum, ...]
    last: int


_SUMS = (
    "SELECT CAST(part AS BLOB) AS part, currency, sum(audio_s) AS audio_s, coalesce(sum(cost), 0.0) AS cost,"
    " count(*) AS answers FROM (SELECT *, {part} AS part FROM spend WHERE at >= ?)"
    " GROUP BY part, currency ORDER BY part, currency"
)
_BY_DAY = (
    # Instants are ISO 8601 in UTC: the first ten characters are the day.
    "SELECT substr(at, 1, 10) AS day, currency, sum(audio_s) AS audio_s, coalesce(sum(cost), 0.0) AS cost,"
    " count(*) AS answers FROM spend WHERE at >= ? GROUP BY day, currency ORDER BY day, currency"
)
_BY_MODEL = (
    "SELECT model, currency, sum(audio_s) AS audio_s, coalesce(sum(cost), 0.0) AS cost, max(id) AS last"
    " FROM spend WHERE id > ? GROUP BY model, currency ORDER BY model, currency"
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
        rule: str = "",
    ) -> None:
        """Write down that an answer was paid: seconds of audio, and the price where it is known.

        `rule` is the pattern of the rule that the recording matched, or empty. A power cut may undo it as long as the
        recording is not published; it is then looked at again, and its kept answer entered.
        """
        self._database.write(
            "INSERT INTO spend (key, job_id, model, folder, audio_s, cost, currency, rule, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, job_id, model, path_bytes(folder), audio_s, cost, currency, storable(rule), self._now_text()),
            at_once=False,
        )

    def has_spend(self, key: str) -> bool:
        """Whether an answer with this key was ever written down as paid."""
        return bool(self._database.read("SELECT 1 FROM spend WHERE key = ? LIMIT 1", (key,)))

    def cost_since(self, since: datetime, *, currency: str, rule: str = "") -> float:
        """Add up what was paid in a currency from `since` on: all of it, or under one rule."""
        rows = self._database.read(
            "SELECT coalesce(sum(cost), 0.0) AS cost FROM spend"
            " WHERE at >= ? AND currency = ? AND (? = '' OR rule = ?)",
            (instant_text(since), currency, rule, storable(rule)),
        )
        return float(rows[0]["cost"])

    def spend_by_day(self, since: datetime) -> tuple[DaySum, ...]:
        """Sum what was paid from `since` on, per day in UTC and currency; days without any are left out."""
        rows = self._database.read(_BY_DAY, (instant_text(since),))
        return tuple(
            DaySum(
                day=date.fromisoformat(row["day"]),
                currency=row["currency"],
                audio_s=row["audio_s"],
                cost=row["cost"],
                answers=row["answers"],
            )
            for row in rows
        )

    def spend_since(self, since: datetime) -> tuple[SpendSum, ...]:
        """Sum what was paid from `since` on, per currency."""
        return self._sums(_TOGETHER, since=since)

    def spend_by_folder(self, since: datetime) -> tuple[SpendSum, ...]:
        """Sum what was paid from `since` on, per folder of the inbox and currency."""
        return self._sums(_BY_FOLDER, since=since)

    def spend_after(self, last: int) -> Spent:
        """Sum what was paid since an earlier look, per model and currency; 0 for all that was ever paid."""
        rows = self._database.read(_BY_MODEL, (last,))
        sums = tuple(
            ModelSum(model=row["model"], currency=row["currency"], audio_s=row["audio_s"], cost=row["cost"])
            for row in rows
        )
        return Spent(sums=sums, last=max((row["last"] for row in rows), default=last))

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
