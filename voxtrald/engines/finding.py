"""Which engine kinds there are, and how one is made for some settings."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from voxtrald.config import EngineSettings
from voxtrald.engines import kinds
from voxtrald.engines.base import Engine, Surroundings


class _KindModule(Protocol):
    def build(self, settings: EngineSettings, surroundings: Surroundings) -> Engine: ...


def build_engine(settings: EngineSettings, surroundings: Surroundings) -> Engine:
    """Make the engine of the configured kind.

    A kind's module is imported when it is first asked for, so that nobody waits for the libraries of another.

    Raises:
        ConfigError: the settings do not suit the kind, or it needs a key and has none.
    """
    module = cast("_KindModule", importlib.import_module(f"{kinds.__name__}.{settings.kind}"))
    return module.build(settings, surroundings)
