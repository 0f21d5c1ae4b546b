"""The house put together: everything a worker needs, opened from the settings and closed in order."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from voxtrald import logs
from voxtrald.audio.ffmpeg import Ffmpeg, find_ffmpeg
from voxtrald.clock import Clock
from voxtrald.config import EngineSettings, Settings, read_api_key
from voxtrald.dispatch.gate import Gate, GateChanged
from voxtrald.dispatch.senders import Senders
from voxtrald.engines.base import Engine
from voxtrald.engines.mistral import MistralEngine
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.engines.slots import RequestSlots
from voxtrald.pipeline.assignment import Tools
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results

LEDGER_FILE = "ledger.sqlite3"
RESULTS_FOLDER = "results"


@dataclass(slots=True, kw_only=True)
class House:
    """The tools, and the engines that settings and rules ask for, made once each.

    Attributes:
        owner: distinguishes the remote copies of this process from those of others of the same installation.
    """

    settings: Settings
    environ: Mapping[str, str]
    owner: str
    tools: Tools
    slots: RequestSlots
    closing: ExitStack
    _engines: dict[EngineSettings, Engine] = field(default_factory=dict)
    _in_use: dict[tuple[str, Path | None], CopiesInUse] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        owner: str,
        stop: Stop,
        tell: Callable[[GateChanged], None],
    ) -> Self:
        """Open ledger, results and ffmpeg; read the key, so that a missing one is known before any file moves.

        Raises:
            ConfigError, DependencyError, StoreError, StorageUnavailable: the machine is not ready.
        """
        clock = Clock()
        cores = os.cpu_count() or 1
        with ExitStack() as opening:
            logs.hide(read_api_key(settings.engine, environ).get_secret_value())
            ffmpeg = Ffmpeg(find_ffmpeg(settings.audio.ffmpeg, environ), slots=cores, stop=stop)
            ledger = opening.enter_context(Ledger.open(settings.folders.state / LEDGER_FILE, clock=clock))
            gate = Gate(
                policy=settings.retry.policy,  # probes, too, come ever more slowly
                requests_per_s=settings.limits.requests_per_s,
                clock=clock,
                tell=tell,
            )
            tools = Tools(
                ffmpeg=ffmpeg,
                results=Results(settings.folders.state / RESULTS_FOLDER),
                ledger=ledger,
                senders=Senders(size=sender_count(settings)),
                gate=gate,
                clock=clock,
                stop=stop,
                jitter=random.random,
                cores=cores,
            )
            return cls(
                settings=settings,
                environ=environ,
                owner=owner,
                tools=tools,
                slots=RequestSlots(settings.limits.requests, stop=stop),
                closing=opening.pop_all(),
            )

    def engine(self, settings: EngineSettings) -> Engine:
        """Give the engine for these settings, the same one each time.

        Raises:
            ConfigError: its key is missing.
        """
        engine = self._engines.get(settings)
        if engine is None:
            key = read_api_key(settings, self.environ).get_secret_value()
            logs.hide(key)
            engine = MistralEngine(
                settings=settings,
                api_key=key,
                journal=self.tools.ledger,
                remote_prefix=f"voxtrald-{self.tools.ledger.installation_id}-{self.owner}",
                stop=self.tools.stop,
                clock=self.tools.clock,
                slots=self.slots,
                in_use=self._in_use.setdefault(
                    (settings.base_url, settings.api_key_file), CopiesInUse(stop=self.tools.stop)
                ),
            )
            self._engines[settings] = engine
        return engine

    def use(self, settings: Settings) -> None:
        """Work with other settings and perhaps another key from now on; what was held may try again.

        Raises:
            ConfigError: a key is missing or unusable; then nothing has changed.
        """
        keys = {asked: read_api_key(asked, self.environ).get_secret_value() for asked in self._engines}
        for asked, key in keys.items():
            logs.hide(key)
            self._engines[asked].use_key(key)
        self.settings = settings
        self.tools.senders.resize(sender_count(settings))
        self.slots.resize(settings.limits.requests)
        self.tools.gate.release()

    def abandon(self) -> None:
        """Break off the requests that the stop grace was too short for; their answers are asked for again."""
        for engine in self._engines.values():
            engine.abort()

    def close(self) -> None:
        """Close connections and the ledger."""
        for engine in self._engines.values():
            engine.close()
        self.closing.close()


def sender_count(settings: Settings) -> int:
    """More senders than open requests: while some keep an answer or write the ledger, others use their slots."""
    return 2 * settings.limits.requests
