"""Addresses that messages are sent to, through Apprise: the only place that knows it.

The addresses carry passwords and tokens, so they are never repeated, and Apprise's own log, which quotes them, is
switched off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

import apprise

from voxtrald import __version__
from voxtrald.errors import ConfigError, Problem
from voxtrald.service.messages.delivering import shown_address
from voxtrald.service.messages.happenings import Event, Message

_KINDS: Final = {
    Event.DONE: apprise.NotifyType.SUCCESS,
    Event.PARTIAL: apprise.NotifyType.WARNING,
    Event.FAILED: apprise.NotifyType.FAILURE,
    Event.HELD: apprise.NotifyType.WARNING,
    Event.RESUMED: apprise.NotifyType.INFO,
}


class Channel:
    """One address, ready to be written to."""

    def __init__(self, url: str) -> None:
        """Understand an address.

        Raises:
            ConfigError: it is none that Apprise knows. The address is not repeated.
        """
        self._address = apprise.Apprise(asset=_quiet_asset())
        if not self._address.add(url):
            raise ConfigError((_not_understood(url),))

    def send(self, message: Message) -> bool:
        """Send a message, once; say whether it arrived. Blocks for as long as the far side's time-outs are."""
        sent = self._address.notify(
            body=message.body or message.title,
            title=message.title,
            notify_type=_KINDS[message.event],
            body_format=apprise.NotifyFormat.TEXT,
        )
        return bool(sent)


def open_channels(urls: Iterable[str]) -> dict[str, Channel]:
    """Understand all addresses.

    Raises:
        ConfigError: with one problem for each that is not understood.
    """
    _silence()
    channels: dict[str, Channel] = {}
    problems: list[Problem] = []
    for url in dict.fromkeys(urls):
        try:
            channels[url] = Channel(url)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(tuple(problems))
    return channels


def _not_understood(url: str) -> Problem:
    what = f"holds an address that cannot be used ({shown_address(url)})"
    hint = "see https://github.com/caronc/apprise/wiki for how each service is written"
    return Problem(key="notify.urls", what=what, hint=hint)


def _quiet_asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(
        app_id="voxtrald",
        app_desc=f"voxtrald {__version__}",
        app_url="",
        image_url_mask="",  # no picture from somebody's server in every message
        async_mode=False,  # in our own thread: its pools would keep the interpreter from ending
        service_timeout=0,  # the same: a limit makes it use a pool
        storage_mode="memory",  # it would write what it remembers, tokens among it, into the home folder
        allow_templates=False,
    )


def _silence() -> None:
    log = logging.getLogger("apprise")
    log.setLevel(logging.CRITICAL + 1)
    log.propagate = False
    log.addHandler(logging.NullHandler())
