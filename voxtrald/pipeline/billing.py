"""What an answer is billed at, and that it stands in the ledger exactly once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath

from voxtrald.dispatch.spending import Charge
from voxtrald.engines.base import Engine
from voxtrald.store.jobs import Job
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import KeptAnswer, ResultKey
from voxtrald.transcript.model import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Seconds of audio, and their price in the engine's currency where it is known."""

    audio_s: float
    cost: float | None


def bill_for(answer: Answer, *, duration_ms: int, price_per_minute: float | None) -> Bill:
    """Bill what the engine said it charges for, else the chunk's length in started seconds."""
    audio_s = answer.billed_s if answer.billed_s is not None else started_seconds(duration_ms)
    return Bill(audio_s=audio_s, cost=cost_of(audio_s, price_per_minute=price_per_minute))


def started_seconds(duration_ms: int) -> float:
    """Count the seconds that audio of this length is billed at."""
    return float(math.ceil(duration_ms / 1000))


def cost_of(audio_s: float, *, price_per_minute: float | None) -> float | None:
    """Price some audio; None where the price is not known."""
    return None if price_per_minute is None else audio_s / 60 * price_per_minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The ledger's page for one job.

    Attributes:
        rule: the pattern of the rule that the recording matched, or empty.
    """

    job: Job
    engine: Engine
    ledger: Ledger
    rule: str

    def charge_for(self, duration_ms: int) -> Charge:
        """Say what a request about audio of this length will cost."""
        capabilities = self.engine.capabilities
        cost = cost_of(started_seconds(duration_ms), price_per_minute=capabilities.price_per_minute)
        return Charge(cost=cost, currency=capabilities.currency, rule=self.rule)

    def enter(self, key: ResultKey, kept: KeptAnswer) -> Bill:
        """Write down that an answer was paid.

        Raises:
            StorageUnavailable: it cannot be written now.
        """
        capabilities = self.engine.capabilities
        bill = bill_for(kept.answer, duration_ms=kept.duration_ms, price_per_minute=capabilities.price_per_minute)
        self.ledger.record_spend(
            key.digest,
            job_id=self.job.id,
            model=kept.answer.model or self.engine.model,
            folder=str(PurePosixPath(self.job.relative).parent),
            audio_s=bill.audio_s,
            cost=bill.cost,
            currency=capabilities.currency,
            rule=self.rule,
        )
        return bill

    def make_up(self, key: ResultKey, kept: KeptAnswer) -> None:
        """Enter a kept answer that was paid for just before the process died, and so is not in the books.

        Raises:
            StorageUnavailable: it cannot be written now.
        """
        if not self.ledger.has_spend(key.digest):
            self.enter(key, kept)
