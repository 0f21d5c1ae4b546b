"""Faults that a test queues: what goes wrong, for which call, how often.

    standin.script.add(Status(503), times=2)                        # the next two transcriptions
    standin.script.add(Status(429, retry_after=2), nth=3)           # the third one from now on
    standin.script.add(Reset(), match=UPLOAD)
    standin.script.add(Hang(), when=lambda call: "part-3" in call.filename)   # until standin.script.release()
    standin.script.add(Status(422, body={...}), when=lambda call: call.form.get("language"))
    standin.script.forget_uploads(1)                                # the next upload is never visible (404)

Several faults for the same calls form a queue: one that did not get its turn waits for the next call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from tests.sound.speech import PlacedWord
from tests.standin.faults import Reply
from tests.standin.multipart import Form

UPLOAD: Final = ("POST", "/v1/files")
LIST: Final = ("GET", "/v1/files")
SIGN: Final = ("GET", "/v1/files/*/url")
DELETE: Final = ("DELETE", "/v1/files/*")
TRANSCRIBE: Final = ("POST", "/v1/audio/transcriptions")
MODELS: Final = ("GET", "/v1/models")
ANY: Final = ("*", "/v1/**")


def _hears_nothing() -> tuple[PlacedWord, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a fault's `when` may look at.

    Attributes:
        form: the request's form; empty for requests without one, and for faults that strike before the body.
        filename: the name of the audio file, sent now or uploaded earlier; empty where there is none.
        sha256: the digest of that file.
        words: decodes that file and gives what is said in it.
    """

    method: str
    path: str
    form: Form = field(default_factory=lambda: Form(fields=(), files=()))
    filename: str = ""
    sha256: str = ""
    words: Callable[[], tuple[PlacedWord, ...]] = _hears_nothing


def _always(_: Call) -> bool:
    return True


@dataclass(slots=True, kw_only=True)
class _Rule:
    reply: Reply
    match: tuple[str, str]
    nth: int
    left: int | None
    when: Callable[[Call], object]
    seen: int = 0

    def wants(self, call: Call, *, early: bool) -> bool:
        return self.reply.early == early and is_match(call.method, call.path, self.match) and bool(self.when(call))


def is_match(method: str, path: str, match: tuple[str, str]) -> bool:
    """Say whether a request is of a kind: `*` is any one name of its path, a last `**` several."""
    return fnmatchcase(method, match[0]) and _path_matches(path, match[1])


def _path_matches(path: str, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return path.startswith(pattern.removesuffix("**"))
    names, wanted = path.split("/"), pattern.split("/")
    return len(names) == len(wanted) and all(map(fnmatchcase, names, wanted))


class Script:
    """The queue of faults. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rules: list[_Rule] = []
        self._forget = 0
        self._release = threading.Event()
        self._hanging = 0

    def add(
        self,
        reply: Reply,
        *,
        match: tuple[str, str] = TRANSCRIBE,
        nth: int = 1,
        times: int | None = 1,
        when: Callable[[Call], object] = _always,
    ) -> None:
        """Queue a fault.

        Args:
            reply: what happens instead of the true answer, or to it.
            match: method and path; `*` stands for any one name, a last `**` for several.
            nth: leave the matching calls before this one alone (the next is 1).
            times: for how many calls; None for ever.
            when: a further condition on the call.
        """
        with self._lock:
            self._rules.append(_Rule(reply=reply, match=match, nth=nth, left=times, when=when))

    def clear(self) -> None:
        """Forget all faults and let hanging calls go."""
        with self._lock:
            self._rules.clear()
            self._forget = 0
        self.release()

    def release(self) -> None:
        """Let every call go that hangs now."""
        with self._lock:
            waiting, self._release = self._release, threading.Event()
        waiting.set()

    def forget_uploads(self, times: int = 1) -> None:
        """Let the next uploads succeed and yet never become visible: a transcription finds none (404)."""
        with self._lock:
            self._forget += times

    def take_forgetting(self) -> bool:
        """Say whether the upload at hand is to be forgotten, and count it."""
        with self._lock:
            forget = self._forget > 0
            self._forget -= forget
        return forget

    def pick(self, call: Call, *, early: bool) -> Reply | None:
        """Find the fault for a call, and use it up."""
        with self._lock:
            chosen: _Rule | None = None
            for rule in self._rules:
                if rule.left == 0 or not rule.wants(call, early=early):
                    continue
                rule.seen += 1
                if chosen is None and rule.seen >= rule.nth:
                    chosen = rule
            if chosen is None:
                return None
            if chosen.left is not None:
                chosen.left -= 1
            return chosen.reply

    @property
    def hanging(self) -> int:
        """How many calls `release` would let go now; wait for it before you do."""
        with self._lock:
            return self._hanging

    @contextmanager
    def holding(self) -> Iterator[threading.Event]:
        """Hang inside, until the event is set."""
        with self._lock:
            self._hanging += 1
            released = self._release
        try:
            yield released
        finally:
            with self._lock:
                self._hanging -= 1
