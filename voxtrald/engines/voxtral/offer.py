"""Whether the service offers the configured model, how long still, and what the model takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog

from voxtrald.engines.voxtral.catalogue import Catalogue
from voxtrald.engines.voxtral.models import ModelRules, rules_for, rules_with
from voxtrald.engines.voxtral.retirement import Retirement, retirement_of
from voxtrald.errors import ApiDenied, ApiError, StopRequested

log = structlog.get_logger()


class Offer:
    """The service's offer of one model. Threads may share it.

    Args:
        model: its id or an alias, as it is configured.
        service: the far side's name for people.
        catalogue: what the service says about its models.
        now: the time of day.
    """

    def __init__(self, *, model: str, service: str, catalogue: Catalogue, now: Callable[[], datetime]) -> None:
        self._model = model
        self._service = service
        self._catalogue = catalogue
        self._now = now
        self._lock = threading.Lock()
        self._settled: ModelRules | None = None
        self._announced: Retirement | None = None

    @property
    def rules(self) -> ModelRules:
        """What the model takes, as it was known when this was first asked.

        Later news waits for the next start: requests follow from the rules, and the keys of paid answers from the
        requests, so that a change under way would pay for the same audio twice.
        """
        with self._lock:
            if self._settled is None:
                self._settled = self._latest()
            return self._settled

    @property
    def retirement(self) -> Retirement | None:
        """The model's end, where it is near or past, by the latest news."""
        return retirement_of(self._model, self._latest(), today=self._now().date())

    def confirm(self) -> None:
        """Ask the service now whether it offers the model.

        Raises:
            ApiDenied: it does not, or does not accept us. A model that is known to be gone is denied, too, when
                the service cannot be asked.
            ApiError: it does not say.
        """
        try:
            self._catalogue.renew()
        except ApiDenied:
            raise
        except ApiError:
            self._deny_retired()
            raise
        self._deny_retired()
        card = self._catalogue.card(self._model)
        if card is None:
            message = f"the service does not offer the model {self._model}"
            raise ApiDenied(message, hint="choose another engine.model")
        if card.transcribes is False:
            message = f"the model {self._model} does not transcribe recordings"
            raise ApiDenied(message, hint="choose another engine.model")

    def learn(self) -> None:
        """Ask the service at leisure what it offers, and log a near or past end of the model.

        What is known without asking is logged first: a machine without a network hears it, too.
        """
        self._announce()
        try:
            self._catalogue.learn()
        except (ApiError, StopRequested) as error:
            log.info("models_not_learnt", service=self._service, reason=error.message)
        self._announce()

    def require(self) -> None:
        """Let an attempt begin, unless the service itself says that the model is gone.

        Then the audio need not be sent. Our own table is not enough for that: the service may have changed its
        mind, or be another one that serves an old model on.

        Raises:
            ApiDenied: the model is gone.
        """
        retirement = self.retirement
        if retirement is None or not retirement.is_past:
            return
        try:
            self._catalogue.learn()
        except ApiError:
            return  # the attempt itself will tell
        self._deny_retired()

    def _deny_retired(self) -> None:
        retirement = self.retirement
        if retirement is not None and retirement.is_past:
            raise ApiDenied(retirement.what, hint=retirement.advice)

    def _announce(self) -> None:
        retirement = self.retirement
        if retirement is None or retirement == self._announced:
            return
        self._announced = retirement
        told = {"model": self._model, "on": retirement.on.isoformat(), "replacement": retirement.replacement}
        if retirement.is_past:
            log.warning("model_retired", **told)
        else:
            log.warning("model_retirement_announced", **told)

    def _latest(self) -> ModelRules:
        return rules_with(rules_for(self._model), self._catalogue.card(self._model))
