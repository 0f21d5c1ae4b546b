"""Time as an argument: what the shell hands to everything that needs to know when it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Two clocks: `monotonic_s` for intervals, `now` for instants that people read (aware, UTC)."""

    monotonic_s: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
