"""What systemd is told about the daemon, as sd_notify(3) describes it.

The protocol is one datagram of `NAME=value` lines to a socket that the environment names. The packages that speak it
either bind a C library or have not changed for years, so these are our own few lines.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import structlog

SOCKET = "NOTIFY_SOCKET"
WATCHDOG_INTERVAL = "WATCHDOG_USEC"
WATCHDOG_PROCESS = "WATCHDOG_PID"

_STATUS_EVERY_S = 1.0
_SEND_TIMEOUT_S = 1.0
_FEEDS_PER_INTERVAL = 3  # sd_watchdog_enabled(3) asks for two; one may be late
_MOURN_AFTER_S = 1.0  # a thread that ended in order may do so before its last message is read
_STOP_MARGIN_S = 10.0

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class ServiceManager:
    """The service manager that started us, or nobody: then every method does nothing.

    Not thread-safe: only the thread that decides speaks, because that it speaks is the sign that it lives.

    Attributes:
        address: of the socket that listens; an abstract one begins with `@`.
        watchdog_s: how long the manager waits for a sign of life before it restarts us.
    """

    address: str | None
    watchdog_s: float | None
    _told: str = ""
    _look_at_s: float = 0.0
    _feed_at_s: float = 0.0
    _dead_since_s: float | None = None

    @classmethod
    def named_in(cls, environ: Mapping[str, str], *, pid: int) -> Self:
        """Give the manager that the environment of process `pid` names."""
        return cls(address=environ.get(SOCKET) or None, watchdog_s=watchdog_interval_s(environ, pid=pid))

    @property
    def is_listening(self) -> bool:
        """Whether anybody wants to know."""
        return self.address is not None

    def ready(self) -> None:
        """Tell that the start, or a reload, has come to its end."""
        self._send("READY=1")

    def reloading(self, *, now_s: float) -> None:
        """Tell that the configuration is being read again; `ready` ends that.

        Args:
            now_s: CLOCK_MONOTONIC; by it systemd tells this reload from an earlier one.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(now_s * 1e6)}")

    def stopping(self, *, grace_s: float) -> None:
        """Tell that work is coming to its end, and may take so long."""
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int((grace_s + _STOP_MARGIN_S) * 1e6)}")

    def tick(self, look: Callable[[], str], *, dead: tuple[str, ...], now_s: float) -> float:
        """Tell what is due by now; say in how many seconds something is due again.

        Args:
            look: says in one line how the work stands; asked at most once a second, and told where it has changed.
            dead: threads without which the daemon is not whole; while there are any, the watchdog starves.
            now_s: monotonic time.
        """
        if self.address is None:
            return math.inf
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + _STATUS_EVERY_S
            self._tell(look())
            looks_in_s = math.inf
        else:  # something has happened, or nobody would have asked: look again when it is time
            looks_in_s = self._look_at_s - now_s
        return min(looks_in_s, self._feed(dead, now_s=now_s))

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._send(f"STATUS={text}")
            self._told = text

    def _feed(self, dead: tuple[str, ...], *, now_s: float) -> float:
        """Feed the watchdog where it is time and all are alive; say in how many seconds it is time again."""
        if self.watchdog_s is None:
            return math.inf
        if now_s >= self._feed_at_s and not self._has_lost(dead, now_s=now_s):
            self._send("WATCHDOG=1")
            self._feed_at_s = now_s + self.watchdog_s / _FEEDS_PER_INTERVAL
        return max(_MOURN_AFTER_S, self._feed_at_s - now_s)

    def _has_lost(self, dead: tuple[str, ...], *, now_s: float) -> bool:
        if not dead:
            self._dead_since_s = None
            return False
        since_s = self._dead_since_s
        self._dead_since_s = now_s if since_s is None else since_s
        if since_s is not None and now_s - since_s >= _MOURN_AFTER_S:
            log.critical("threads_died", threads=list(dead), hint="the service manager will restart the daemon")
            self._dead_since_s = math.inf  # said once
        return True

    def _send(self, *lines: str) -> None:
        if self.address is None:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        # A manager that does not listen must not keep the work from being done.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(_SEND_TIMEOUT_S)
            channel.connect(address)
            channel.send("\n".join(lines).encode())


def watchdog_interval_s(environ: Mapping[str, str], *, pid: int) -> float | None:
    """Read how long the manager waits for a sign of life of process `pid`; None where it does not wait."""
    try:
        interval_s = int(environ[WATCHDOG_INTERVAL]) / 1e6
    except (KeyError, ValueError):
        return None
    is_meant = environ.get(WATCHDOG_PROCESS, str(pid)) == str(pid)
    return interval_s if is_meant and interval_s > 0 else None
