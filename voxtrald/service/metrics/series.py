"""Figures for Prometheus: counted where things happen, or looked up when somebody reads them.

No figure is about a single recording, and no label holds a file's name: names are private, and every new value of a
label is a new series for ever. Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from voxtrald import __version__
from voxtrald.errors import ApiError, Reason, VoxtraldError
from voxtrald.pipeline.outcome import Tally
from voxtrald.service.situation import Situation
from voxtrald.store.jobs import JobState
from voxtrald.store.ledger import Ledger

_PREPARING_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_ANSWER_S: Final = (0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 900)
_TURNAROUND_S: Final = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)


class Figures:
    """What is counted. Every method may be called in any thread and never blocks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"voxtrald_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"voxtrald_{name}", text, labels, registry=registry, buckets=buckets)

        self._done = counter("recordings_done", "Recordings whose transcript is in the outbox.")
        self._partial = counter("recordings_partial", "Recordings done with places in the text that are missing.")
        self._failed = counter("recordings_failed", "Recordings in the error folder, by reason.", "reason")
        self._audio = counter("audio_seconds", "Length of the recordings that are done.")
        self._chunks = counter("chunks", "Chunks of ended recordings: asked for, reused, or repaired.", "origin")
        self._attempts = counter("attempts_failed", "Requests that failed, by cause.", "service", "cause")
        self._retries = counter("retries", "Requests that will be repeated, by cause.", "cause")
        self._told = counter("notifications", "Messages by what became of them.", "result")
        self._scripts = counter("script_runs", "Runs of the script by what became of them.", "result")
        self._preparing = histogram(
            "preparing_seconds", "From taking a recording to its last prepared chunk.", buckets=_PREPARING_S
        )
        self._answer = histogram(
            "answer_seconds", "From a request's turn to its answer, the upload included.", "service", buckets=_ANSWER_S
        )
        self._turnaround = histogram(
            "turnaround_seconds", "From a file's last change to its transcript.", buckets=_TURNAROUND_S
        )
        self._last_done = Gauge(
            "voxtrald_last_success_timestamp_seconds", "When a recording was last done.", registry=registry
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show the series from the start: a first failure is no increase where there was no zero before."""
        for reason in Reason:
            self._failed.labels(reason.value)
        for origin in ("asked", "reused", "repaired"):
            self._chunks.labels(origin)
        for cause in sorted({each.slug for each in ApiError.__subclasses__()}):
            self._retries.labels(cause)
        for result in ("sent", "dropped"):
            self._told.labels(result)
        for result in ("done", "failed"):
            self._scripts.labels(result)

    def done(self, tally: Tally, *, at: datetime, turnaround_s: float, is_partial: bool = False) -> None:
        """A recording is done, wholly or in part."""
        self._done.inc()
        self._partial.inc(int(is_partial))
        self._audio.inc(tally.duration_ms / 1000)
        self._turnaround.observe(turnaround_s)
        self._count_chunks(tally)
        self.last_done(at)

    def last_done(self, at: datetime) -> None:
        """A recording was done then, perhaps before the program was started."""
        self._last_done.set(at.timestamp())

    def failed(self, reason: Reason, tally: Tally) -> None:
        """A recording failed."""
        self._failed.labels(reason.value).inc()
        self._count_chunks(tally)

    def prepared(self, took_s: float) -> None:
        """All chunks of a recording are prepared."""
        self._preparing.observe(took_s)

    def answered(self, service: str, took_s: float) -> None:
        """A request was answered."""
        self._answer.labels(service).observe(took_s)

    def attempt_failed(self, service: str, cause: str) -> None:
        """A request failed; the cause is an error's slug."""
        self._attempts.labels(service, cause).inc()

    def retried(self, cause: str) -> None:
        """A request will be repeated."""
        self._retries.labels(cause).inc()

    def told(self, result: str) -> None:
        """A message was sent or dropped."""
        self._told.labels(result).inc()

    def ran_script(self, result: str) -> None:
        """A script ended well ("done") or not ("failed")."""
        self._scripts.labels(result).inc()

    def _count_chunks(self, tally: Tally) -> None:
        self._chunks.labels("asked").inc(tally.chunks - tally.reused)
        self._chunks.labels("reused").inc(tally.reused)
        self._chunks.labels("repaired").inc(tally.repairs)


class _Standing(Collector):
    """Looks up how the work stands."""

    def __init__(self, look: Callable[[], Situation | None], ledger: Ledger) -> None:
        self._look = look
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        situation = self._look()
        if situation is None:  # a gap in the graph is honest; /health says why
            return
        yield self._recordings(situation)
        yield GaugeMetricFamily(
            "voxtrald_oldest_waiting_seconds",
            "How long the first of the waiting recordings has waited.",
            value=situation.oldest_waiting_s,
        )
        yield GaugeMetricFamily(
            "voxtrald_inbox_reachable", "Whether the inbox can be watched.", value=not situation.inbox_trouble
        )
        yield GaugeMetricFamily(
            "voxtrald_storage_available", "Whether results can be stored.", value=not situation.storage_trouble
        )
        for name, state, text in (
            ("held", "held", "Whether all work for a service is held, because it refuses us."),
            ("outage", "open", "Whether a service does not answer."),
        ):
            family = GaugeMetricFamily(f"voxtrald_service_{name}", text, labels=["service"])
            for each in situation.services:
                family.add_metric([each.service], float(each.state == state))
            yield family

    def _recordings(self, situation: Situation) -> Metric:
        deferred = _or_nothing(lambda: len(self._ledger.jobs({JobState.DEFERRED}))) or 0
        family = GaugeMetricFamily("voxtrald_recordings", "Recordings that are not done, by state.", labels=["state"])
        family.add_metric(["waiting"], max(0, situation.waiting - deferred))
        family.add_metric(["working"], situation.working)
        family.add_metric(["deferred"], deferred)
        return family


class _Spending(Collector):
    """Adds up what was paid since the ledger was made; a scrape reads only what came since the last one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._read_to = 0
        self._seconds: dict[str, float] = {}
        self._cost: dict[tuple[str, str], float] = {}

    def collect(self) -> Iterator[Metric]:
        with self._lock:  # two readers at once would count the same rows twice
            _or_nothing(self._read_on)
            paid_s, paid = dict(self._seconds), dict(self._cost)
        seconds = CounterMetricFamily("voxtrald_billed_seconds", "Seconds of audio paid for.", labels=["model"])
        for model, audio_s in paid_s.items():
            seconds.add_metric([model], audio_s)
        cost = CounterMetricFamily(
            "voxtrald_cost", "What was paid, as far as prices are known.", labels=["model", "currency"]
        )
        for (model, currency), price in paid.items():
            cost.add_metric([model, currency], price)
        yield seconds
        yield cost

    def _read_on(self) -> None:
        spent = self._ledger.spend_after(self._read_to)
        for each in spent.sums:
            place = (each.model, each.currency)
            self._seconds[each.model] = self._seconds.get(each.model, 0.0) + each.audio_s
            self._cost[place] = self._cost.get(place, 0.0) + each.cost
        self._read_to = spent.last


class Metrics:
    """All figures of one daemon, and how they are written for whoever reads them.

    Args:
        look: asks the deciding thread how the work stands.
    """

    def __init__(self, *, look: Callable[[], Situation | None], ledger: Ledger) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.figures = Figures(self.registry)
        Info("voxtrald_build", "Which version runs.", registry=self.registry).info(
            {"version": __version__, "python": platform.python_version()}
        )
        self.registry.register(_Standing(look, ledger))
        self.registry.register(_Spending(ledger))
        ProcessCollector(registry=self.registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Write all figures in the form that the reader accepts; give them with their content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def _or_nothing(look: Callable[[], int | None]) -> int | None:
    """Look into the ledger; where its disk does not answer, the other figures are still worth reading."""
    try:
        return look()
    except VoxtraldError:
        return None
