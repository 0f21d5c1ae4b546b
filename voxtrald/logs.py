"""The log: events with fields, one line each, on standard error.

This module alone configures structlog. Everything that is written passes a net that takes out keys, signed
addresses and known secrets, so that a careless field in some other module does not publish them.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, suppress
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from voxtrald.naming import shown
from voxtrald.redacting import GONE, mask

_SECRET_NAMES = re.compile(r"(?i)api[-_]?key$|authorization|password|secret|token$|cookie")

_hidden: frozenset[str] = frozenset()
_changing = threading.Lock()


def hide(secret: str) -> None:
    """Never write `secret` from now on, wherever it turns up."""
    global _hidden  # noqa: PLW0603 - the net lies under all loggers of the process, as structlog's settings do
    with _changing:
        _hidden |= {secret}


def redact(text: str) -> str:
    """Take known secrets, the parameters of addresses and authorization values out of `text`."""
    return mask(text, secrets=_hidden)


def configure(level: str, form: str, *, stream: TextIO | None = None) -> None:
    """Set up logging for the whole process; calling it again, as after a reload, replaces what was set.

    Args:
        level: the least important level written: debug, info, warning or error.
        form: console, json, or auto for console on a terminal and json elsewhere.
        stream: where to write, standard error if left out.
    """
    target = sys.stderr if stream is None else stream
    is_terminal = target.isatty()
    is_console = form == "console" or (form == "auto" and is_terminal)
    structlog.configure(
        processors=[*_common(), *(_for_eyes(has_colors=is_terminal) if is_console else _for_programs())],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Lines(target),
        cache_logger_on_first_use=False,  # a reload must reach the loggers that modules already hold
    )
    _route_libraries()


def bound_job(*, job: str, recording: str) -> AbstractContextManager[None]:
    """Add the job and its recording to every event of this thread while the context lasts."""
    return structlog.contextvars.bound_contextvars(job=job, recording=recording)


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _take_out_secrets,
    ]


def _for_eyes(*, has_colors: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=has_colors and not os.environ.get("NO_COLOR"),
        exception_formatter=structlog.dev.plain_traceback,  # the one that leaves our redacted text alone
    )
    return [_escape_control_signs, renderer]


def _for_programs() -> list[Processor]:
    return [structlog.processors.JSONRenderer()]


def _take_out_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name):
        return GONE
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    return redact(str(value))


def _escape_control_signs(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep a recording's name from writing lines of its own or steering the terminal."""
    for name, value in event.items():
        if isinstance(value, str) and name not in {"exception", "stack"}:
            event[name] = shown(value)
    return event


class _Lines:
    """Writes whole lines, one thread at a time. structlog calls the method named like the level."""

    _writing = threading.Lock()

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        # a log that nobody reads any more, a closed pipe or a full disk, must not end the work it tells of
        with self._writing, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


class _LibraryHandler(logging.Handler):
    """Sends what libraries log through the same net."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit their text are the library's own slip
            message = str(record.msg)
        structlog.get_logger().log(
            record.levelno, "library_said", library=record.name, message=message, exc_info=record.exc_info
        )


def _route_libraries() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _LibraryHandler)]:
        root.removeHandler(handler)
    root.addHandler(_LibraryHandler(level=logging.WARNING))
    logging.captureWarnings(capture=True)
