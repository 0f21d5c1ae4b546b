"""Attempts that hear stop: they do not begin after it, and blame nobody for what it broke off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from voxtrald.errors import ApiUnreachable, StopRequested
from voxtrald.stopping import Stop


def require_running(stop: Stop) -> None:
    """Begin nothing new once stop is asked for.

    Raises:
        StopRequested: when it is.
    """
    if stop.is_set():
        raise StopRequested("stopped before a request")


@contextmanager
def heeding(stop: Stop) -> Iterator[None]:
    """Attempt inside: neither begin nor blame the far side when stop is asked for.

    Raises:
        StopRequested: stop was asked for before, or meanwhile and the request was broken off.
    """
    require_running(stop)
    try:
        yield
    except ApiUnreachable as error:
        if stop.is_set():
            raise StopRequested("stopped during a request") from error
        raise
