"""Which message goes to which address next, and what follows when one does not arrive. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from voxtrald.retrying import GiveUp, Policy, RetryIn, backoff_s
from voxtrald.service.messages.digesting import Addressed
from voxtrald.service.messages.happenings import Message

PATIENCE = Policy(attempts=9, first_wait_s=5.0, max_wait_s=600.0)
"""Ten to twenty minutes: longer than a restart of a mail server, shorter than news stays news."""

MOST_WAITING = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one address; `due_s` is when to try, on the monotonic clock."""

    url: str
    message: Message
    due_s: float
    attempts: int = 0


def letters_for(addressed: Iterable[Addressed], *, now_s: float) -> tuple[Letter, ...]:
    """Make one letter per address: each arrives, or is tried again, by itself."""
    return tuple(Letter(url=url, message=each.message, due_s=now_s) for each in addressed for url in each.route.urls)


def after_failure(attempts: int, *, policy: Policy, jitter: float) -> RetryIn | GiveUp:
    """Decide what follows from failure number `attempts` (from 1); `jitter` is a random number in [0, 1)."""
    if attempts >= policy.attempts:
        return GiveUp()
    return RetryIn(wait_s=backoff_s(attempt=attempts, policy=policy, jitter=jitter))


class Outbasket:
    """The letters that wait, at most so many.

    Args:
        policy: how often a letter is tried, and how long the waits are.
        most: where more wait, the oldest are given up for the newest.
    """

    def __init__(self, *, policy: Policy = PATIENCE, most: int = MOST_WAITING) -> None:
        self._policy = policy
        self._most = most
        self._letters: list[Letter] = []

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letters: Iterable[Letter]) -> tuple[Letter, ...]:
        """Take letters in; give those for which there is no room any more."""
        self._letters += letters
        over = max(0, len(self._letters) - self._most)
        dropped, self._letters = tuple(self._letters[:over]), self._letters[over:]
        return dropped

    def next_due(self, *, now_s: float) -> Letter | None:
        """Take out the letter that has been due longest, or None where none is."""
        letter = min(self._letters, key=lambda each: each.due_s, default=None)
        if letter is None or letter.due_s > now_s:
            return None
        self._letters.remove(letter)
        return letter

    def take_all(self) -> tuple[Letter, ...]:
        """Take out every letter, due or not."""
        letters, self._letters = tuple(self._letters), []
        return letters

    def failed(self, letter: Letter, *, now_s: float, jitter: float) -> bool:
        """Take a letter back that did not arrive; say whether it will be tried again."""
        attempts = letter.attempts + 1
        match after_failure(attempts, policy=self._policy, jitter=jitter):
            case RetryIn(wait_s=wait_s):
                self._letters.append(replace(letter, attempts=attempts, due_s=now_s + wait_s))
                return True
        return False

    def due_s(self, *, now_s: float) -> float | None:
        """Say in how many seconds a letter is due, or None where none waits."""
        return max(0.0, min(each.due_s for each in self._letters) - now_s) if self._letters else None


def shown_address(url: str) -> str:
    """Give the part of an address that may stand in a log: what kind of service it is, and nothing else.

    Not even the host: for many kinds a token stands in its place, as in `discord://ID/TOKEN`.
    """
    scheme, separator, _ = url.partition("://")
    is_plain = bool(separator) and scheme.replace("+", "").replace("-", "").isalnum()
    return f"{scheme.lower()}://…" if is_plain else "an address"
