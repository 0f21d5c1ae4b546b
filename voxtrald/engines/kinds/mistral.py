"""The engine that speaks to Mistral's transcription API, by way of an upload or directly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path

from voxtrald.config import EngineSettings
from voxtrald.config.engine import USUAL_ADDRESSES, USUAL_MODELS
from voxtrald.config.secrets import SOURCES
from voxtrald.engines.base import AudioChunk, Capabilities, Delivery, Engine, Surroundings
from voxtrald.engines.http.answers import is_fetchable, read_answer, read_list
from voxtrald.engines.http.conceding import Concessions
from voxtrald.engines.http.heeding import heeding, require_running
from voxtrald.engines.http.replies import Errand
from voxtrald.engines.http.transport import FilePart, Transport
from voxtrald.engines.voxtral.catalogue import Catalogue
from voxtrald.engines.voxtral.models import capabilities_of
from voxtrald.engines.voxtral.offer import Offer
from voxtrald.engines.voxtral.remote import Copy, RemoteCopies
from voxtrald.engines.voxtral.requesting import VOICES, RequestPlan, plan_request
from voxtrald.engines.voxtral.voices import Voices
from voxtrald.errors import ApiNotYet, ApiRefused, ConfigError, Problem
from voxtrald.transcript.model import Answer, RemoteFile

_TRANSCRIPTIONS = "/v1/audio/transcriptions"
_MODELS = "/v1/models"
_MODELS_TIMEOUT_S = 60.0
_MISSES_BEFORE_NEW_UPLOAD = 2


def build(settings: EngineSettings, surroundings: Surroundings) -> Engine:
    """Make the engine.

    Raises:
        ConfigError: there is no key, or it cannot be one, or a clip of a voice is missing.
    """
    return MistralEngine(settings=settings, surroundings=surroundings)


class MistralEngine(Engine):
    """Transcribe chunks with one model and one set of parameters.

    Threads may share it. A request on its way does not hear `stop`: call it from daemon threads, and `abort`
    when the grace for stopping is over. What fails while `stop` is set raises `StopRequested`, so that no
    recording is blamed for it.

    Raises:
        ConfigError: there is no key, or it cannot be one, or a clip of a voice is missing.
    """

    kind = "mistral"

    def __init__(self, *, settings: EngineSettings, surroundings: Surroundings) -> None:
        api_key = _usable(surroundings.api_key)
        self.model = settings.model or USUAL_MODELS[self.kind]
        self.service = settings.base_url or USUAL_ADDRESSES[self.kind]
        self._settings = settings
        self._voices = Voices(settings.speaker_references)
        self._concessions = Concessions(model=self.model)
        # What is refused of clips that we have made is not held against those that people gave us.
        self._concessions_on_clips = Concessions(model=self.model)
        self._without_clips: MistralEngine | None = None
        self._delivers_directly = settings.delivery == "direct"
        self._stop = surroundings.stop
        self._transport = Transport(
            base_url=self.service,
            api_key=api_key,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            slots=surroundings.slots,
            clock=surroundings.clock,
        )
        self._copies = RemoteCopies(
            transport=self._transport,
            journal=surroundings.journal,
            prefix=surroundings.remote_prefix,
            in_use=surroundings.in_use,
            stop=surroundings.stop,
        )
        now = surroundings.clock.now
        catalogue = Catalogue(folder=surroundings.state, service=self.service, now=now, ask=self._list_models)
        self._offer = Offer(model=self.model, service=self.service, catalogue=catalogue, now=now)

    def adopt(self, settings: EngineSettings) -> None:
        """Ask in the manner of these settings; clips of voices go only where speakers are told apart."""
        self._settings = settings
        self._concessions = Concessions(model=self.model)
        self._concessions_on_clips = Concessions(model=self.model)
        if not settings.speaker_references:
            self._voices = Voices({})

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take, as the service says, or as documented."""
        told = capabilities_of(self._offer.rules)
        return replace(told, voice_clips=max(0, told.voice_clips - len(self._voices)))

    def adopt_voices(self, clips: Mapping[str, Path]) -> None:
        """Know these speakers, too. Where the service wants no such clips, it is asked without them at once."""
        self._without_clips = copy(self)
        self._voices = self._voices.joined_by(clips)
        self._concessions = self._concessions_on_clips

    @property
    def parameters(self) -> Mapping[str, object]:
        """The model and every optional field that can change the text, as they are asked for."""
        return {"model": self.model, **self._plan.shaping}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Tell that the model is gone or will be soon, and what to use instead."""
        retirement = self._offer.retirement
        return (f"{retirement.what}; {retirement.advice}",) if retirement else ()

    @property
    def _plan(self) -> RequestPlan:
        return plan_request(self._settings, self._offer.rules, model=self.model, voices=self._voices.digests)

    @property
    def uplink_bps(self) -> float | None:
        """Bits per second that one upload carried lately, or None before the first one."""
        return self._transport.uplink.bps

    def deliver(self, chunk: AudioChunk) -> Delivery:
        """Begin the delivery of one chunk. Does not touch the network yet."""
        if self._delivers_directly:
            return _DirectDelivery(engine=self, name=self._copies.name_for(chunk), chunk=chunk)
        return _UploadDelivery(engine=self, copies=self._copies, chunk=chunk)

    def deliver_address(self, address: str, *, key: str) -> Delivery:
        """Begin the delivery of what lies at a web address; the service fetches it itself.

        Raises:
            ApiRefused: the service takes no such address.
        """
        del key  # nothing is stored at the service under its name
        if not is_fetchable(address):
            raise ApiRefused("the service fetches no such address")
        return _AddressDelivery(engine=self, address=address)

    def transcribe(self, source: Sequence[tuple[str, str]], *, file: FilePart | None = None) -> Answer:
        """Ask once for a transcription of `source` (form fields that name the audio) or `file`.

        An optional parameter the server refuses by name is left out from then on, and the request repeated at
        once; the answer tells what was left out.

        Raises:
            ApiError: in one of its kinds.
            StorageUnavailable: the audio or a clip of a voice cannot be read.
        """

        def send(plan: RequestPlan) -> Answer:
            clips = [(VOICES, self._voices.as_json())] if VOICES in plan.optional else []
            fields = [*plan.fields, *source]
            reply = self._transport.post(_TRANSCRIPTIONS, fields=fields, json_fields=clips, file=file)
            self._transport.require_success(reply, Errand.TRANSCRIBE)
            return read_answer(reply)

        try:
            return self._concessions.ask(self._plan, send)
        except ApiRefused:
            if self._without_clips is None:
                raise
            # Clips that we have made must not cost a recording, whatever the service says of them.
            answer = self._without_clips.transcribe(source, file=file)
            return replace(answer, dropped=tuple(dict.fromkeys((*answer.dropped, VOICES))))

    def check(self) -> str:
        """Ask the service whether it accepts the key and still offers the model.

        Raises:
            ApiDenied: where it does not.
            ApiError: where it does not say.
        """
        self._offer.confirm()
        return f"{self.service} accepts the key and offers {self.model}"

    def learn(self) -> None:
        """Ask the service at leisure about its models, once a day, and log the end of ours where it is near."""
        self._offer.learn()

    def _list_models(self) -> Sequence[Mapping[str, object]]:
        reply = self._transport.get(_MODELS, query={}, timeout_s=_MODELS_TIMEOUT_S)
        self._transport.require_success(reply, Errand.MODELS)
        return read_list(reply, Errand.MODELS)

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

    def use_key(self, api_key: str | None) -> None:
        """Authorize with another key from the next request on.

        Raises:
            ConfigError: there is none, or it cannot be one.
        """
        self._transport.use_key(_usable(api_key))

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
        require_running(self._stop)

    @contextmanager
    def attempting(self) -> Iterator[None]:
        """Attempt inside, unless stop is asked for, or the model is known to be gone.

        Raises:
            StopRequested: stop was asked for before, or meanwhile and the request was broken off.
            ApiDenied: the service has taken the model away.
        """
        with heeding(self._stop):
            self._offer.require()
            yield


class _DirectDelivery:
    """Send the audio within the transcription request."""

    remote_files: tuple[RemoteFile, ...] = ()

    def __init__(self, *, engine: MistralEngine, name: str, chunk: AudioChunk) -> None:
        self._engine = engine
        self._part = FilePart(path=chunk.path, name=name, answered_on_receipt=False)

    def attempt(self) -> Answer:
        with self._engine.attempting():
            return self._engine.transcribe((), file=self._part)

    def close(self) -> None:
        """There is nothing on the far side."""


class _AddressDelivery:
    """Let the service fetch the audio from where it lies."""

    remote_files: tuple[RemoteFile, ...] = ()

    def __init__(self, *, engine: MistralEngine, address: str) -> None:
        self._engine = engine
        self._address = address

    def attempt(self) -> Answer:
        with self._engine.attempting():
            return self._engine.transcribe([("file_url", self._address)])

    def close(self) -> None:
        """There is nothing of ours on the far side."""


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
        with self._engine.attempting():
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


def _usable(api_key: str | None) -> str:
    """Refuse a key no header can carry, before the first request breaks in a way that blames a recording."""
    if api_key is None:
        raise ConfigError((Problem(key="engine.api_key_file", what="no API key was found", hint=SOURCES),))
    if not api_key.strip() or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        what = "the API key is empty or holds characters that no key has (spaces, line ends, accents)"
        raise ConfigError((Problem(key="engine.api_key_file", what=what, hint="copy the key again"),))
    return api_key
