"""Is the far side there? A pure state machine over the results of all requests of all recordings.

Three states. *Closed*: everybody may send. *Open* (an outage: nothing has succeeded for a while): one probing
request at a time, and failures are nobody's fault. *Held* (key or account refused): nothing is sent but one
probe on a slow timer. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from voxtrald.retrying import Policy, backoff_s

_STREAK_FAILURES = 4  # fewer could be one unlucky chunk
_STREAK_S = 5.0  # shorter could be one restarted load balancer
_OUTAGES_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch of time in which nothing succeeded; `until_s` is None while it lasts."""

    since_s: float
    until_s: float | None = None

    def covers(self, at_s: float) -> bool:
        """Whether a failure at `at_s` was part of this outage."""
        return at_s >= self.since_s and (self.until_s is None or at_s <= self.until_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What is known of the far side.

    Attributes:
        policy: how fast to probe.
        held: why all work is held, or None.
        streak: failures since the last success.
        streak_since_s: when the first of them happened.
        answered_from_s: when the latest of the answered requests left. Not when its answer came: an answer to a
            request from before an outage says nothing about the outage.
        probes: unsuccessful probes so far in this outage or hold.
        probe_at_s: when the next probe may leave.
        probing: a probe is on its way.
        outages: the latest outages, the current one last.
    """

    policy: Policy
    held: str | None = None
    streak: int = 0
    streak_since_s: float = 0.0
    answered_from_s: float | None = None
    probes: int = 0
    probe_at_s: float = 0.0
    probing: bool = False
    outages: tuple[Outage, ...] = ()

    @property
    def state(self) -> Literal["closed", "open", "held"]:
        """The state in one word."""
        if self.held is not None:
            return "held"
        return "open" if self.outages and self.outages[-1].until_s is None else "closed"

    def wait_s(self, *, now_s: float) -> float | None:
        """How long a sender has to wait: 0 to go now, None while another's probe is on its way."""
        if self.state == "closed":
            return 0.0
        return None if self.probing else max(0.0, self.probe_at_s - now_s)

    def entered(self) -> Circuit:
        """A sender went through."""
        return self if self.state == "closed" else replace(self, probing=True)

    def succeeded(self, *, began_s: float, now_s: float) -> Circuit:
        """A request that left at `began_s` was answered: whatever was wrong is over."""
        outages = self.outages
        if outages and outages[-1].until_s is None:
            outages = (*outages[:-1], replace(outages[-1], until_s=now_s))
        latest_s = began_s if self.answered_from_s is None else max(began_s, self.answered_from_s)
        return Circuit(policy=self.policy, answered_from_s=latest_s, outages=outages[-_OUTAGES_KEPT:])

    def failed(self, *, now_s: float) -> Circuit:
        """A request failed for the far side's sake."""
        since_s = self.streak_since_s if self.streak else now_s
        grown = replace(self, streak=self.streak + 1, streak_since_s=since_s)
        if self.state != "closed":
            return grown.probed(now_s=now_s) if self.probing else grown
        if grown.streak >= _STREAK_FAILURES and now_s - since_s >= _STREAK_S:
            return grown.opened(now_s=now_s)
        return grown

    def opened(self, *, now_s: float) -> Circuit:
        """Declare an outage that began with the first failure of the streak."""
        if self.state != "closed":
            return self
        outage = Outage(since_s=self.streak_since_s if self.streak else now_s)
        return replace(self, outages=(*self.outages, outage), probes=0).probed(now_s=now_s)

    def denied(self, reason: str, *, now_s: float) -> Circuit:
        """The key or the account was refused: hold everything, ask again slowly."""
        return replace(self, held=reason, probing=False, probe_at_s=now_s + self.policy.max_wait_s)

    def released(self) -> Circuit:
        """Forget a hold and let the next request find out (a reload, perhaps with another key)."""
        return replace(self, held=None, probing=False, probe_at_s=0.0)

    def abandoned(self) -> Circuit:
        """A sender that went through came back without having learnt anything."""
        return replace(self, probing=False)

    def excuses(self, at_s: float) -> bool:
        """Whether a failure at `at_s` was an outage's fault and must not be counted against its chunk."""
        return any(outage.covers(at_s) for outage in self.outages)

    def probed(self, *, now_s: float) -> Circuit:
        """A probe came to nothing: the next one leaves later."""
        probes = self.probes + 1
        wait_s = backoff_s(attempt=probes, policy=self.policy, jitter=0.0)
        return replace(self, probes=probes, probing=False, probe_at_s=now_s + wait_s)
