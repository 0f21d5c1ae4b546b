"""What is known of the server at one address: asked once, when it is first needed, and kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from voxtrald.config import EngineSettings
from voxtrald.engines.compatible.detecting import (
    MODELS_PATH,
    PROBES,
    choose_model,
    is_passing,
    name_models,
    read_offer,
    recognise,
)
from voxtrald.engines.compatible.profiles import UNKNOWN, Profile, profile_for
from voxtrald.engines.http.heeding import require_running
from voxtrald.engines.http.replies import Errand, Reply
from voxtrald.engines.http.transport import Transport
from voxtrald.errors import ApiDenied, ApiGarbled
from voxtrald.stopping import Stop

_PROBE_TIMEOUT_S = 30.0
_LISTEN_FOR_STOP_S = 0.2
_KEY_REFUSED = frozenset({401, 403})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a server said of itself.

    Attributes:
        profile: how it wants to be asked.
        model: the model to ask for; None where there is no need to name one.
    """

    profile: Profile
    model: str | None


class Knowledge:
    """Finds out who answers, unless the settings say it. Threads share it."""

    def __init__(self, *, settings: EngineSettings, transport: Transport, stop: Stop) -> None:
        self._settings = settings
        self._transport = transport
        self._stop = stop
        self._host = urlsplit(settings.base_url or "").hostname or ""
        self._lock = threading.Lock()
        self._known: Known | None = None

    @property
    def profile(self) -> Profile:
        """What is known without asking; cautious where nothing is."""
        if self._known is not None:
            return self._known.profile
        certain = recognise({}, host=self._host) if self._settings.server == "auto" else self._settings.server
        return UNKNOWN if certain is None else profile_for(certain, model=self._settings.model)

    def learn(self, *, listed: Reply | None = None) -> Known:
        """Ask the server who it is and what it offers, once.

        Not being able to tell is no error: then only what all servers understand is used.

        Args:
            listed: its list of models, where that is at hand.

        Raises:
            ApiUnreachable: nobody answers.
            ApiDenied: no model is configured, and the server leaves a choice or refuses to say.
            ApiBusy: no model is configured, and the server has no time to say which it has.
            StopRequested: while another thread was asking.
        """
        with self._alone():
            return self._known or self._ask(listed)

    def ask_models(self) -> Reply:
        """Ask for the list of models now.

        Raises:
            ApiUnreachable: nobody answers.
        """
        return self._probe(MODELS_PATH)

    def _ask(self, listed: Reply | None) -> Known:
        asked = self._settings
        replies = {} if listed is None else {MODELS_PATH: listed}
        server = self._recognise(replies) if asked.server == "auto" else asked.server
        profile = profile_for(server or UNKNOWN.server, model=asked.model)
        model = None
        if profile.names_model:
            model = asked.model or self._choose(replies.get(MODELS_PATH) or self.ask_models())
        known = Known(profile=profile_for(profile.server, model=model), model=model)
        if server is not None or not any(map(is_passing, replies.values())):
            self._known = known
            self._announce(known, is_recognised=server is not None)
        return known

    def _announce(self, known: Known, *, is_recognised: bool) -> None:
        service = self._settings.base_url
        if is_recognised:
            log.info("server_recognised", server=known.profile.server, model=known.model, service=service)
        else:
            log.info("server_not_recognised", model=known.model, service=service)

    def _recognise(self, replies: dict[str, Reply]) -> str | None:
        """Ask on until something tells; `replies` grows."""
        for path in PROBES:
            if path not in replies:
                replies[path] = self._probe(path)
            server = recognise(replies, host=self._host)
            if server is not None:
                return server
        return None

    def _probe(self, path: str) -> Reply:
        try:
            return self._transport.get(path, query={}, timeout_s=_PROBE_TIMEOUT_S)
        except ApiGarbled:  # a page without end
            return Reply(status=200)

    def _choose(self, listed: Reply) -> str:
        offer = read_offer(listed) or ()
        model = choose_model(offer)
        if model is not None:
            return model
        if listed.status in _KEY_REFUSED or is_passing(listed):
            self._transport.require_success(listed, Errand.MODELS)
        names = f"; it offers {name_models(offer)}" if offer else ""
        raise ApiDenied("the server leaves the choice of the model to us", hint=f"set engine.model{names}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread ask while the others wait, each hearing stop."""
        while not self._lock.acquire(timeout=_LISTEN_FOR_STOP_S):
            require_running(self._stop)
        try:
            yield
        finally:
            self._lock.release()
