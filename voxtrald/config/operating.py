"""The keys for those who run the program: who is told what, and where figures are read.

They are keys like those in `sections.py`, see there.
"""

from __future__ import annotations

import string
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from voxtrald.config.shape import FilePath, Section, Word, refusal

TEMPLATE_FIELDS = ("event", "recording", "reason", "hint", "outputs", "duration", "cost")
MAX_PORT = 65535

EventName = Literal["done", "failed", "held", "resumed"]


def listen_place(value: str) -> tuple[str, int] | None:
    """Read host and port of `127.0.0.1:8643` or `[::1]:8643`; None where it is neither."""
    host, colon, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:  # an IPv6 address without its brackets: nobody knows where its port begins
        return None
    is_port = port.isascii() and port.isdecimal() and int(port) <= MAX_PORT
    is_host = bool(host) and not any(sign.isspace() or sign in "/@" for sign in host)
    return (host, int(port)) if colon and is_port and is_host else None


def _listen_address(value: str) -> str:
    if listen_place(value) is None:
        raise refusal("is not an address with a port", hint="such as 127.0.0.1:8643 or [::1]:8643")
    return value


def _message_template(value: str) -> str:
    shown = ", ".join(f"{{{field}}}" for field in TEMPLATE_FIELDS)
    try:
        pieces = list(string.Formatter().parse(value))
    except ValueError as error:
        raise refusal("has a brace without its partner", hint="write {{ or }} for a brace itself") from error
    unknown = sorted({field for _, field, _, _ in pieces if field is not None} - set(TEMPLATE_FIELDS))
    if unknown:
        raise refusal(f"has the unknown part {{{unknown[0]}}}", hint=f"there are {shown}")
    if any(form or conversion for _, _, form, conversion in pieces):
        raise refusal("must use its parts as they are, without `:` or `!`", hint=f"there are {shown}")
    if not value.strip():
        raise refusal("must not be empty")
    return value


class NotifySettings(Section):
    """Who is told about what happened."""

    urls: tuple[Word, ...] = Field(default=(), repr=False, examples=[["ntfy://ntfy.sh/my-topic"]])
    """Addresses that messages are sent to: mail, chat, telephone or a web hook, written as Apprise wants them
    (https://github.com/caronc/apprise/wiki). They often carry a password: keep this file to yourself, or set
    VOXTRALD_NOTIFY__URLS."""

    on: tuple[EventName, ...] = ("done", "failed", "held")
    """The events worth a message: done and failed are about recordings, held and resumed about all work. One that is
    done, but for places in its text, is told once to those who want done or failed."""

    template: Annotated[str, AfterValidator(_message_template)] | None = Field(
        default=None, examples=["{event}: {recording} ({duration}, {cost})"]
    )
    """The text of a message about one event, or null for ours. It may use {event}, {recording}, {reason}, {hint},
    {outputs}, {duration} and {cost}."""

    script: FilePath | None = Field(default=None, examples=["/usr/local/bin/after-transcription"])
    """A program to start at each of these events. It gets the path of the result, or of the error report, and the
    whole story as JSON on its standard input. It must not lie in a folder where recordings or results lie."""


class MetricsSettings(Section):
    """Figures for a monitoring system."""

    listen: Annotated[Word, AfterValidator(_listen_address)] | None = Field(default=None, examples=["127.0.0.1:8643"])
    """Address and port where /metrics (for Prometheus), /health and /ready are served, or null for none. Whoever
    reaches the port can read them."""
