"""The house put together: everything a worker needs, opened from the settings and closed in order."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from voxtrald import logs
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.clock import Clock
from voxtrald.config import EngineSettings, Settings, find_api_key
from voxtrald.dispatch.budget import Budget, caps_in
from voxtrald.dispatch.gate import Gate, GateChanged
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.senders import Senders
from voxtrald.dispatch.spending import unpriced
from voxtrald.engines.base import Engine, Surroundings
from voxtrald.engines.finding import build_engine
from voxtrald.engines.http.fetching import Fetcher
from voxtrald.engines.http.slots import RequestSlots
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.errors import ConfigError, Problem
from voxtrald.pipeline.assignment import Tools
from voxtrald.stopping import Stop
from voxtrald.store.ledger import LEDGER_FILE, Ledger
from voxtrald.store.results import Results

RESULTS_FOLDER = "results"
ENGINES_FOLDER = "engines"


@dataclass(slots=True, kw_only=True)
class House:
    """The tools, the engines that settings and rules ask for, made once each, and a lane to each far side.

    Attributes:
        owner: distinguishes the remote copies of this process from those of others of the same installation.
        tell: hears in any thread that a lane's gate was shut or opened; must not block.
    """

    settings: Settings
    environ: Mapping[str, str]
    owner: str
    tools: Tools
    slots: RequestSlots
    closing: ExitStack
    tell: Callable[[GateChanged], None]
    _engines: dict[EngineSettings, Engine] = field(default_factory=dict)
    _lanes: dict[tuple[str, Path | None], Lane] = field(default_factory=dict)
    _in_use: dict[tuple[str | None, Path | None], CopiesInUse] = field(default_factory=dict)

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
        """Open ledger, results and ffmpeg; make every engine, so that a missing key is known before any file moves.

        Raises:
            ConfigError, DependencyError, StoreError, StorageUnavailable: the machine is not ready.
        """
        clock = Clock()
        cores = os.cpu_count() or 1
        with ExitStack() as opening:
            ffmpeg = Ffmpeg(find_ffmpeg(settings.audio.ffmpeg, environ), slots=cores, stop=stop)
            opening.callback(ffmpeg.close)
            ffmpeg.jail()
            ledger = opening.enter_context(Ledger.open(settings.folders.state / LEDGER_FILE, clock=clock))
            tools = Tools(
                ffmpeg=ffmpeg,
                results=Results(settings.folders.state / RESULTS_FOLDER),
                ledger=ledger,
                clock=clock,
                stop=stop,
                jitter=random.random,
                cores=cores,
                budget=Budget(caps_in(settings), cost_since=ledger.cost_since, clock=clock),
                fetcher=make_fetcher(settings, stop=stop),
            )
            house = cls(
                settings=settings,
                environ=environ,
                owner=owner,
                tools=tools,
                slots=RequestSlots(settings.limits.requests, stop=stop),
                closing=opening,
                tell=tell,
            )
            opening.callback(house.close_engines)
            house.make_engines(settings)
            house.closing = opening.pop_all()
        return house

    # --- engines and lanes -------------------------------------------------------------------------------------

    def make_engines(self, settings: Settings) -> None:
        """Make the engine of the settings and those of their rules.

        Raises:
            ConfigError: with what is wrong of all of them.
        """
        problems: list[Problem] = []
        for asked in settings.engines:
            try:
                self.engine(asked)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(tuple(dict.fromkeys(problems)))

    def engine(self, settings: EngineSettings) -> Engine:
        """Give the engine for these settings, the same one each time.

        Raises:
            ConfigError: its key is missing, or the settings do not suit its kind.
        """
        engine = self._engines.get(settings)
        if engine is None:
            engine = build_engine(settings, self._surroundings(settings))
            self._engines[settings] = engine
        return engine

    def lane(self, settings: EngineSettings) -> Lane:
        """Give the lane to these settings' far side."""
        engine = self.engine(settings)
        place = (engine.service, settings.api_key_file)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = self._make_lane(engine)
        return lane

    @property
    def engines(self) -> Iterator[tuple[Engine, Lane]]:
        """Every engine, and the lane to its far side."""
        for asked, engine in list(self._engines.items()):
            yield engine, self.lane(asked)

    @property
    def services(self) -> Iterator[tuple[Engine, Lane]]:
        """One engine of each far side, and the lane to it."""
        lanes = {id(lane): (engine, lane) for engine, lane in self.engines}
        yield from lanes.values()

    @property
    def unpriced(self) -> tuple[str, ...]:
        """What limits on spending cannot count, each in a sentence."""
        models = [(engine.model, engine.capabilities.price_per_minute) for engine in self._engines.values()]
        return tuple(unpriced(models, caps_in(self.settings)))

    def _make_lane(self, engine: Engine) -> Lane:
        gate = Gate(
            service=engine.service,
            policy=self.settings.retry.policy,  # probes, too, come ever more slowly
            requests_per_s=self.settings.limits.requests_per_s,
            clock=self.tools.clock,
            tell=self.tell,
        )
        return Lane(service=engine.service, gate=gate, senders=Senders(size=sender_count(self.settings, engine)))

    def _surroundings(self, settings: EngineSettings) -> Surroundings:
        account = (settings.base_url, settings.api_key_file)
        ledger = self.tools.ledger
        return Surroundings(
            api_key=self._key(settings),
            environ=self.environ,
            journal=ledger.journal_of(settings.base_url or settings.kind),
            remote_prefix=f"voxtrald-{ledger.installation_id}-{self.owner}",
            slots=self.slots,
            in_use=self._in_use.setdefault(account, CopiesInUse(stop=self.tools.stop)),
            state=self.settings.folders.state / ENGINES_FOLDER,
            cores=self.tools.cores,
            stop=self.tools.stop,
            clock=self.tools.clock,
        )

    def _key(self, settings: EngineSettings) -> str | None:
        secret = find_api_key(settings, self.environ, main=self.settings.engine)
        if secret is None:
            return None
        logs.hide(secret.get_secret_value())
        return secret.get_secret_value()

    # --- changing and ending -----------------------------------------------------------------------------------

    def use(self, settings: Settings) -> None:
        """Work with other settings and perhaps another key from now on; what was held may try again.

        Raises:
            ConfigError: a key is missing or unusable, or settings do not suit their engine; then nothing has changed.
        """
        before, self.settings = self.settings, settings
        try:
            self.make_engines(settings)
            keys = {asked: self._key(asked) for asked in settings.engines}
            for asked, key in keys.items():
                self.engine(asked).use_key(key)
        except ConfigError:
            self.settings = before
            raise
        self.slots.resize(settings.limits.requests)
        self.tools.budget.use(caps_in(settings))
        for engine, lane in self.services:
            lane.senders.resize(sender_count(settings, engine))
            lane.gate.release()

    def stop(self) -> None:
        """Let nothing more be sent anywhere."""
        self.tools.stop.set()
        for lane in self._lanes.values():
            lane.gate.stop()

    def abandon(self) -> None:
        """Break off the requests that the stop grace was too short for; their answers are asked for again."""
        for engine in self._engines.values():
            engine.abort()

    def close(self) -> None:
        """Close the engines and the ledger."""
        self.closing.close()

    def close_engines(self) -> None:
        """Close connections, and end programs that engines started."""
        for engine in self._engines.values():
            engine.close()


def make_fetcher(settings: Settings, *, stop: Stop) -> Fetcher | None:
    """Make what fetches for link files, where these are taken."""
    return Fetcher(hosts=settings.watch.link_hosts, stop=stop) if settings.watch.links else None


def sender_count(settings: Settings, engine: Engine) -> int:
    """More senders than open requests: while some keep an answer or write the ledger, others use their slots."""
    return engine.capabilities.parallel or 2 * settings.limits.requests
