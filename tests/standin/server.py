"""The stand-in for api.mistral.ai: it keeps the contract and makes others keep it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.standin.connection import Connection, Listener
from tests.standin.faults import fault_from
from tests.standin.records import Records, Request
from tests.standin.script import Script, is_match
from tests.standin.service import Service
from tests.standin.shelf import Shelf, StoredFile
from tests.standin.transcribing import Ears

_POLL_S = 0.05


class Standin:
    """A running stand-in; use it as a context manager, or call `close`.

    Args:
        port: 0 for any free one.
        keys: the API keys it accepts.
        latency: how long a transcription takes: seconds, and seconds for each second of audio. Decoding
            counts in.
        concurrency_cap: how many transcriptions may be open; one more gets 429 with Retry-After.
        dedupe: equal bytes share one file id.
        max_bytes: the largest file it takes.
        memory: a folder where what was heard in a file is kept beyond this stand-in's life.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        keys: Collection[str] = ("test-key",),
        latency: tuple[float, float] = (0.0, 0.0),
        concurrency_cap: int | None = None,
        dedupe: bool = False,
        max_bytes: int = 512 * 1024 * 1024,
        memory: Path | None = None,
    ) -> None:
        self.keys = set(keys)
        self.latency = latency
        self.concurrency_cap = concurrency_cap
        self.script = Script()
        self.records = Records()
        self.closing = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="standin-")
        self.folder = Path(self._folder.name)
        self._listener = Listener(("127.0.0.1", port), Connection, standin=self)
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}"
        self.shelf = Shelf(base_url=self.url, dedupe=dedupe)
        self.service = Service(
            shelf=self.shelf,
            ears=Ears(memory=memory),
            records=self.records,
            script=self.script,
            max_bytes=max_bytes,
            linger=self._linger,
        )
        self._started_s = threading.local()
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="standin", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving, end every connection, remove all files.

        Raises:
            BaseExceptionGroup: what went wrong inside the stand-in itself.
        """
        if self.closing.is_set():
            return
        self.closing.set()
        self.script.clear()
        self._listener.shutdown()
        self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()
        self._folder.cleanup()
        if self.records.failures:
            raise BaseExceptionGroup("the stand-in itself failed", list(self.records.failures))

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request that has ended, in the order of their ends."""
        return tuple(self.records.requests)

    @property
    def violations(self) -> list[str]:
        """What no well-behaved client does; a test that provokes some clears the list."""
        return self.records.violations

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """The uploaded files that are still there, newest first."""
        return tuple(self.shelf.all())

    @property
    def elsewhere(self) -> dict[str, Path | None]:
        """What the service finds at addresses of other servers; see `Service`."""
        return self.service.elsewhere

    @property
    def paid(self) -> Mapping[str, int]:
        """How often the content with a SHA-256 digest was transcribed and paid for."""
        return self.records.paid

    @property
    def seconds_paid(self) -> int:
        """All seconds of audio that were paid for."""
        return self.records.seconds_paid

    @property
    def max_in_flight(self) -> int:
        """The most requests that were open at once."""
        return self.records.max_in_flight

    @property
    def max_transcriptions(self) -> int:
        """The most transcriptions that were open at once."""
        return self.records.max_transcriptions

    @property
    def first_byte_at(self) -> tuple[float, float] | None:
        """When the first request arrived: on the monotonic clock and on the wall clock."""
        return self.records.first_byte_at

    @property
    def first_audio_at(self) -> tuple[float, float] | None:
        """When the first upload or transcription arrived, on both clocks."""
        return self.records.first_audio_at

    def calls(self, match: tuple[str, str]) -> tuple[Request, ...]:
        """The requests of one kind that have ended, such as `calls(TRANSCRIBE)`."""
        return tuple(request for request in self.requests if is_match(request.method, request.path, match))

    def expire_urls(self) -> None:
        """Make every signed address given out so far worthless."""
        self.shelf.expire_urls()

    def wait(self, seconds: float | None) -> None:
        """Wait until the script releases hanging calls or the server closes, at most so many seconds."""
        until_s = time.monotonic() + (seconds if seconds is not None else 3600)
        with self.script.holding() as released:
            while not self.closing.is_set() and time.monotonic() < until_s:
                if released.wait(min(_POLL_S, max(0.0, until_s - time.monotonic()))):
                    return

    def start_clock(self) -> None:
        """Note that the calling thread begins to work on a request; latency counts from here."""
        self._started_s.at = time.monotonic()

    def _linger(self, audio_s: float) -> None:
        base_s, per_audio_s = self.latency
        self.closing.wait(max(0.0, self._started_s.at + base_s + per_audio_s * audio_s - time.monotonic()))

    def stats(self) -> dict[str, Any]:
        """Give the counters as a JSON value."""
        return {
            "requests": len(self.requests),
            "transcriptions": self.records.paid.total(),
            "statuses": self.records.statuses(),
            "violations": list(self.violations),
            "failures": [repr(error) for error in self.records.failures],
            "files": [{"id": stored.id, "filename": stored.filename} for stored in self.files],
            "seconds_paid": self.seconds_paid,
            "paid": dict(self.paid),
            "max_in_flight": self.max_in_flight,
            "max_transcriptions": self.max_transcriptions,
            "first_byte_at": self.first_byte_at,
            "first_audio_at": self.first_audio_at,
        }

    def follow(self, orders: Mapping[str, Any]) -> None:
        """Carry out orders in JSON: `faults`, `release`, `clear`, `forget_uploads`, `latency`, `keys`.

        A fault is `{"reply": {"kind": "Status", "status": 503}, "match": [...], "nth": 1, "times": 2}`.
        """
        if orders.get("clear"):
            self.script.clear()
        if orders.get("release"):
            self.script.release()
        self.script.forget_uploads(orders.get("forget_uploads", 0))
        self.keys = set(orders.get("keys", self.keys))
        base_s, per_audio_s = orders.get("latency", self.latency)
        self.latency = (base_s, per_audio_s)
        for fault in orders.get("faults", ()):
            details = {name: value for name, value in fault.items() if name in ("nth", "times")}
            if "match" in fault:
                details["match"] = tuple(fault["match"])
            self.script.add(fault_from(fault["reply"]), **details)
