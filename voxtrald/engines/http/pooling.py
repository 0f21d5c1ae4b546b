"""Connections of our own making within requests: the pools they live in, and how one is ended from another thread."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class PoolAdapter(HTTPAdapter):
    """An adapter all of whose connections, those through a proxy too, are of the given classes."""

    def __init__(self, *, http: type[HTTPConnection], https: type[HTTPSConnection]) -> None:
        self._pools = _pools_of(http=http, https=https)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools' manager as usual, with our pools."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> PoolManager:
        """Make the manager for a proxy as usual, with our pools."""
        manager: PoolManager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools_of(*, http: type[HTTPConnection], https: type[HTTPSConnection]) -> dict[str, type[HTTPConnectionPool]]:
    class PoolHTTP(HTTPConnectionPool):
        ConnectionCls = http

    class PoolHTTPS(HTTPSConnectionPool):
        ConnectionCls = https

    return {"http": PoolHTTP, "https": PoolHTTPS}


def shut_down(opened: socket.socket) -> None:
    """Wake up whoever reads from or writes to a socket; one that is closed meanwhile stays so."""
    with suppress(OSError):
        # Not `opened.shutdown`: that of a TLS socket pulls the TLS state away from under its reader.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
