"""The engine that speaks to servers with OpenAI's transcription interface, wherever they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import structlog

from voxtrald.config import EngineSettings
from voxtrald.engines.base import AudioChunk, Capabilities, Delivery, Engine, Surroundings
from voxtrald.engines.compatible.detecting import OfferedModel, is_passing, name_models, read_offer
from voxtrald.engines.compatible.knowledge import Knowledge, Known
from voxtrald.engines.compatible.profiles import capabilities_of
from voxtrald.engines.compatible.reading import read_compatible
from voxtrald.engines.compatible.requesting import RequestPlan, plan_request
from voxtrald.engines.http.conceding import Concessions
from voxtrald.engines.http.heeding import heeding
from voxtrald.engines.http.replies import Errand, Reply
from voxtrald.engines.http.transport import FilePart, Transport
from voxtrald.errors import ApiDenied, ApiError, StopRequested
from voxtrald.transcript.model import Answer, RemoteFile

log = structlog.get_logger()

_NO_SUCH_PATH = frozenset({404, 405})
_FORBIDDEN = 403
_KEY_REFUSED = frozenset({401, _FORBIDDEN})
_KEY_MISSING = "the server wants an API key: set engine.api_key_file, or OPENAI_API_KEY in the environment"


def build(settings: EngineSettings, surroundings: Surroundings) -> Engine:
    """Make the engine."""
    return OpenAIEngine(settings=settings, surroundings=surroundings)


@dataclass(slots=True)
class _Habits:
    """What a server showed of itself in its answers, whatever it was asked for: engines in other manners share it.

    Attributes:
        path: the one that exists.
        brings_times: whether answers had times when these were asked for.
    """

    path: str | None = None
    brings_times: bool | None = None


class OpenAIEngine(Engine):
    """Transcribe chunks at a server that is compatible with OpenAI's, as far as it is.

    Which program answers is found out when it is first needed, and whatever a server refuses by name is left out
    from then on. Threads may share it. A request on its way does not hear `stop`: call it from daemon threads, and
    `abort` when the grace for stopping is over.
    """

    kind = "openai"

    def __init__(self, *, settings: EngineSettings, surroundings: Surroundings) -> None:
        self.model = settings.model or "the server's model"
        self.service = settings.base_url or ""
        self._settings = settings
        self._stop = surroundings.stop
        self._prefix = surroundings.remote_prefix
        self._has_key = surroundings.api_key is not None
        self._transport = Transport(
            base_url=self.service,
            api_key=surroundings.api_key,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            slots=surroundings.slots,
            clock=surroundings.clock,
        )
        self._knowledge = Knowledge(settings=settings, transport=self._transport, stop=self._stop)
        self._concessions = Concessions(model=self.model)
        self._habits = _Habits()

    def adopt(self, settings: EngineSettings) -> None:
        """Ask in the manner of these settings."""
        self._settings = settings
        self._concessions = Concessions(model=self.model)

    @property
    def capabilities(self) -> Capabilities:
        """What the server can take, as far as it is known by now."""
        return capabilities_of(
            self._knowledge.profile, timestamps=self._settings.timestamps, brings_times=self._habits.brings_times
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """What the settings ask for. How that is put to the server may change as more is known of it."""
        asked = self._settings
        return {
            "kind": self.kind,
            "base_url": asked.base_url,
            "server": asked.server,
            "model": asked.model,
            "language": asked.language,
            "timestamps": asked.timestamps,
            "diarize": asked.diarize,
            "context_bias": list(asked.context_bias),
        }

    @property
    def uplink_bps(self) -> float | None:
        """Bits per second that one request's audio was carried with lately, or None before the first one."""
        return self._transport.uplink.bps

    def learn(self) -> None:
        """Find out at leisure who answers, so that the first recording is cut as it should be.

        What cannot be found out now is asked again when something is sent.
        """
        try:
            self._learn()
        except (ApiError, StopRequested) as error:
            log.info("server_not_asked", service=self.service, reason=error.message)

    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin the delivery of one chunk. Does not touch the network yet."""
        name = f"{self._prefix}-{chunk.key[:16]}.{chunk.extension}"
        part = FilePart(path=chunk.path, name=name, answered_on_receipt=False)
        return _Delivery(engine=self, part=part)

    def transcribe(self, part: FilePart) -> Answer:
        """Ask once for a transcription.

        Raises:
            ApiError: in one of its kinds.
            StopRequested: stop was asked for before or meanwhile.
        """
        with heeding(self._stop):
            known = self._learn()
            plan = plan_request(self._settings, known.profile, model=known.model)
            answer = self._concessions.ask(plan, lambda leaner: self._send(leaner, part, known))
        if "response_format" in plan.optional and answer.text.strip():
            self._habits.brings_times = bool(answer.segments)
        return answer

    def _learn(self, *, listed: Reply | None = None) -> Known:
        try:
            known = self._knowledge.learn(listed=listed)
        except ApiDenied as error:
            raise self._explained(error) from error
        if known.model is not None:
            self.model = known.model
        return known

    def _send(self, plan: RequestPlan, part: FilePart, known: Known) -> Answer:
        reply = self._post(plan, part, known.profile.paths)
        self._require_success(reply, Errand.TRANSCRIBE_FILE)
        wants_words = "word" in plan.optional.get("timestamp_granularities", ())
        return read_compatible(reply, wants_words=wants_words)

    def _post(self, plan: RequestPlan, part: FilePart, paths: tuple[str, ...]) -> Reply:
        """Send to the path that exists; the next one is tried where the server knows nothing of the first."""
        if self._habits.path is not None:
            return self._transport.post(self._habits.path, fields=plan.fields, file=part)
        replies = []
        for path in paths:
            reply = self._transport.post(path, fields=plan.fields, file=part)
            if reply.status not in _NO_SUCH_PATH or b"model" in reply.body.lower():
                self._habits.path = path
                return reply
            replies.append(reply)
        return replies[0]

    def _require_success(self, reply: Reply, errand: Errand) -> None:
        try:
            self._transport.require_success(reply, errand)
        except ApiDenied as error:
            raise self._explained(error) from error

    def _explained(self, error: ApiDenied) -> ApiDenied:
        """Say what to do where no key was sent, or where the server's way of refusing one is not the usual."""
        if error.status in _KEY_REFUSED and not self._has_key:
            return ApiDenied(error.message, status=error.status, hint=_KEY_MISSING)
        if error.status == _FORBIDDEN and self._knowledge.profile.denies_with_403:
            return ApiDenied(error.message, status=error.status, hint="the API key is not accepted")
        return error

    def check(self) -> str:
        """Ask who answers, whether the key is accepted and whether the model is there, as far as the server tells.

        Raises:
            ApiDenied: the key or the model is refused, or the model has to be chosen.
            ApiError: nobody answers, or not now.
        """
        listed = self._knowledge.ask_models()
        known = self._learn(listed=listed)
        if listed.status in _KEY_REFUSED or is_passing(listed):
            self._require_success(listed, Errand.MODELS)
        return f"{self.service} is {known.profile.title}; {_say_model(known, read_offer(listed))}"

    def use_key(self, api_key: str | None) -> None:
        """Authorize with another key, or with none, from the next request on."""
        self._has_key = api_key is not None
        self._transport.use_key(api_key)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def abort(self) -> None:
        """Break off requests on their way, as well as it can be done."""
        self._transport.abort()


def _say_model(known: Known, offer: Sequence[OfferedModel] | None) -> str:
    if known.model is None:
        return "it uses the model it was started with"
    if any(fnmatchcase(known.model, model.id) for model in offer or ()):
        return f"it offers {known.model}"
    if known.profile.lists_all and offer:
        hint = f"set engine.model; it offers {name_models(offer)}"
        raise ApiDenied(f"the server does not offer the model {known.model}", hint=hint)
    return f"whether it has {known.model} shows at the first recording"


class _Delivery:
    """Send the audio within the request; nothing stays at the server that we know of."""

    remote_files: tuple[RemoteFile, ...] = ()

    def __init__(self, *, engine: OpenAIEngine, part: FilePart) -> None:
        self._engine = engine
        self._part = part

    def attempt(self) -> Answer:
        return self._engine.transcribe(self._part)

    def close(self) -> None:
        """There is nothing on the far side."""
