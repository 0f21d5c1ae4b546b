"""The engine that speaks to Mistral's transcription API, by way of an upload or directly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from voxtrald.clock import Clock
from voxtrald.config.sections import EngineSettings
from voxtrald.engines.answers import read_answer, read_models
from voxtrald.engines.base import AudioChunk, Capabilities, Delivery, UploadJournal
from voxtrald.engines.models import Price, RequestPlan, capabilities_of, plan_request, rules_for
from voxtrald.engines.remote import Copy, RemoteCopies
from voxtrald.engines.replies import Errand
from voxtrald.engines.sharing import CopiesInUse
from voxtrald.engines.slots import RequestSlots
from voxtrald.engines.transport import FilePart, Transport
from voxtrald.errors import (
    ApiDenied,
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
    ConfigError,
    Problem,
    StopRequested,
)
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Answer, RemoteFile

_TRANSCRIPTIONS = "/v1/audio/transcriptions"
_MODELS = "/v1/models"
_MODELS_TIMEOUT_S = 60.0
_MISSES_BEFORE_NEW_UPLOAD = 2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What there is to know about the configured model.

    Attributes:
        known: whether the service lists it.
        retires_at: when the service takes it away or took it away, or None.
        replacement: what the service recommends instead, or None.
        price: from our own table, or None for a model that is not in it.
    """

    known: bool
    retires_at: datetime | None
    replacement: str | None
    price: Price | None


class MistralEngine:
    """Transcribe chunks with one model and one set of parameters.

    Threads may share it. A request on its way does not hear `stop`: call it from daemon threads, and `abort`
    when the grace for stopping is over. What fails while `stop` is set raises `StopRequested`, so that no
    recording is blamed for it.

    Args:
        slots: shared by all engines, to limit the open requests of the process.
        in_use: shared by all engines that use one account, lest one deletes what another uses; None for its own.

    Raises:
        ConfigError: where the key cannot be a key.
    """

    kind: str = "mistral"

    def __init__(
        self,
        *,
        settings: EngineSettings,
        api_key: str,
        journal: UploadJournal,
        remote_prefix: str,
        stop: Stop,
        clock: Clock,
        slots: RequestSlots,
        in_use: CopiesInUse | None = None,
    ) -> None:
        _require_usable(api_key)
        self.model: str = settings.model
        self._rules = rules_for(settings.model)
        self._plan = plan_request(settings, self._rules)
        self._refused: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._delivers_directly = settings.delivery == "direct"
        self._stop = stop
        self._clock = clock
        self._transport = Transport(
            base_url=settings.base_url,
            api_key=api_key,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            slots=slots,
            clock=clock,
        )
        self._copies = RemoteCopies(
            transport=self._transport,
            journal=journal,
            prefix=remote_prefix,
            in_use=in_use or CopiesInUse(stop=stop),
            stop=stop,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take, as documented."""
        return capabilities_of(self._rules)

    @property
    def parameters(self) -> Mapping[str, object]:
        """The model and every optional field, as they are asked for."""
        return {"model": self.model, **self._plan.optional}

    @property
    def uplink_bps(self) -> float | None:
        """Bits per second that one upload carried lately, or None before the first one."""
        return self._transport.uplink.bps

    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin the delivery of one chunk. Does not touch the network yet."""
        if self._delivers_directly:
            return _DirectDelivery(engine=self, name=self._copies.name_for(chunk), chunk=chunk)
        return _UploadDelivery(engine=self, copies=self._copies, chunk=chunk)

    def transcribe(self, source: Sequence[tuple[str, str]], *, file: FilePart | None = None) -> Answer:
        """Ask once for a transcription of `source` (form fields that name the audio) or `file`.

        An optional parameter the server refuses by name is left out from then on, and the request repeated at
        once; the answer tells what was left out.

        Raises:
            ApiError: in one of its kinds.
        """
        while True:  # ends: each round leaves out at least one more parameter
            plan = self._plan.without(self._refused)
            try:
                reply = self._transport.post(_TRANSCRIPTIONS, fields=[*plan.fields, *source], file=file)
                self._transport.require_success(reply, Errand.TRANSCRIBE)
            except ApiRefused as error:
                if not self._leave_out(error.parameter, plan):
                    raise
            else:
                return replace(read_answer(reply), dropped=plan.dropped)

    def _leave_out(self, parameter: str | None, plan: RequestPlan) -> bool:
        """Leave a refused parameter out of all requests from now on, if it was in this one at all."""
        if parameter is None or parameter not in plan.optional:
            return False
        with self._lock:
            self._refused |= {parameter}
        log.warning("parameter_refused", parameter=parameter, model=self.model)
        return True

    def check(self) -> None:
        """Ask the service whether it accepts the key and still offers the model.

        Raises:
            ApiDenied: where it does not.
            ApiError: where it does not say.
        """
        facts = self.describe_model()
        if not facts.known:
            raise ApiDenied(f"the service does not offer the model {self.model}", hint="choose another engine.model")
        if facts.retires_at is not None and facts.retires_at <= self._clock.now():
            successor = f"use {facts.replacement}" if facts.replacement else "choose another engine.model"
            raise ApiDenied(f"the model {self.model} was taken away on {facts.retires_at:%Y-%m-%d}", hint=successor)

    def describe_model(self) -> ModelFacts:
        """Ask the service what it says about the model.

        Raises:
            ApiError: where it does not say.
        """
        reply = self._transport.get(_MODELS, query={}, timeout_s=_MODELS_TIMEOUT_S)
        self._transport.require_success(reply, Errand.MODELS)
        card = next((card for card in read_models(reply) if self.model in card.names), None)
        return ModelFacts(
            known=card is not None,
            retires_at=card.retires_at if card else None,
            replacement=card.replacement if card else None,
            price=self._rules.price,
        )

    def sweep(self, recorded: Iterable[str] = (), *, spare: Callable[[str], bool] | None = None) -> int:
        """Delete leftovers on the far side and say how many there were. Copies that deliveries use stay.

        Args:
            recorded: ids the journal holds without a deletion.
            spare: given, the copies of other owners under the same installation go, too (their names share our
                prefix up to its last hyphen), except those whose name it wants to keep.

        Raises:
            ApiError: where the list of files cannot be had.
        """
        return self._copies.sweep(recorded, spare=spare)

    def use_key(self, api_key: str) -> None:
        """Authorize with another key from the next request on.

        Raises:
            ConfigError: where it cannot be a key.
        """
        _require_usable(api_key)
        self._transport.use_key(api_key)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def abort(self) -> None:
        """Break off requests on their way, as well as it can be done."""
        self._transport.abort()

    def require_running(self) -> None:
        """Begin nothing new once stop is asked for.

        Raises:
            StopRequested: when it is.
        """
        if self._stop.is_set():
            raise StopRequested("stopped before a request")

    @contextmanager
    def heeding_stop(self) -> Iterator[None]:
        """Attempt inside: neither begin nor blame the far side when stop is asked for."""
        self.require_running()
        try:
            yield
        except ApiUnreachable as error:
            if self._stop.is_set():
                raise StopRequested("stopped during a request") from error
            raise


class _DirectDelivery:
    """Send the audio within the transcription request."""

    remote_files: tuple[RemoteFile, ...] = ()

    def __init__(self, *, engine: MistralEngine, name: str, chunk: AudioChunk) -> None:
        self._engine = engine
        self._part = FilePart(path=chunk.path, name=name, answered_on_receipt=False)

    def attempt(self) -> Answer:
        with self._engine.heeding_stop():
            return self._engine.transcribe((), file=self._part)

    def close(self) -> None:
        """There is nothing on the far side."""


class _UploadDelivery:
    """Store the audio once, then ask for its transcription by a fresh address at each attempt."""

    def __init__(self, *, engine: MistralEngine, copies: RemoteCopies, chunk: AudioChunk) -> None:
        self._engine = engine
        self._copies = copies
        self._chunk = chunk
        self._current: Copy | None = None
        self._misses = 0
        self._made: list[str] = []
        self._held: list[str] = []
        self._gone: frozenset[str] = frozenset()

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        return tuple(RemoteFile(id=each, deleted=each in self._gone) for each in dict.fromkeys(self._made))

    def attempt(self) -> Answer:
        with self._engine.heeding_stop():
            copy = self._current or self._upload()
            self._engine.require_running()
            try:
                return self._engine.transcribe([("file_url", self._copies.sign(copy.id))])
            except ApiNotYet:
                self._count_miss()
                raise

    def _upload(self) -> Copy:
        copy = self._copies.upload(self._chunk)
        self._current, self._misses = copy, 0
        if copy.ours:
            self._made.append(copy.id)
            self._held.append(copy.id)
        return copy

    def _count_miss(self) -> None:
        """Give a copy up that stays invisible: somebody else may have deleted it under the same id."""
        self._misses += 1
        if self._misses >= _MISSES_BEFORE_NEW_UPLOAD:
            self._current = None

    def close(self) -> None:
        held, self._held = self._held, []
        self._current = None
        self._gone |= self._copies.give_back(held)


def _require_usable(api_key: str) -> None:
    """Refuse a key no header can carry, before the first request breaks in a way that blames a recording."""
    if not api_key.strip() or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        what = "the API key is empty or holds characters that no key has (spaces, line ends, accents)"
        raise ConfigError((Problem(key="engine.api_key_file", what=what, hint="copy the key again"),))
