"""The service's own list of models, asked for once a day and kept between runs."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from voxtrald.engines.http.replies import parse_json
from voxtrald.engines.voxtral.cards import ModelCard, pare, read_cards, read_instant

_KEPT_FOR = timedelta(days=1)
_ALREADY = timedelta(0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The list as it was at some time."""

    asked_at: datetime
    cards: tuple[ModelCard, ...]


class Catalogue:
    """What the service last said about its models. Threads may share it.

    An old list still counts for more than none: only asking again replaces it. That keeps requests, and with them
    the keys of paid answers, the same while the service cannot be asked.

    Args:
        folder: where the list is kept, in a file of its own for each service.
        service: its address.
        now: the time of day; the file's own time is compared with it.
        ask: gets the list's entries from the service, or raises `ApiError` or `StopRequested`.
    """

    def __init__(
        self,
        *,
        folder: Path,
        service: str,
        now: Callable[[], datetime],
        ask: Callable[[], Sequence[Mapping[str, object]]],
    ) -> None:
        name = hashlib.sha256(service.encode()).hexdigest()[:16]
        self._path = folder / f"models-{name}.json"
        self._now = now
        self._ask = ask
        self._known: _Known | None = None

    @property
    def cards(self) -> tuple[ModelCard, ...] | None:
        """The models' cards, as far as known without asking, or None."""
        if self._known is None:
            self._known = self._read()
        return self._known.cards if self._known else None

    def card(self, model: str) -> ModelCard | None:
        """Find a model's card by its id or one of its aliases."""
        return next((card for card in self.cards or () if model in card.names), None)

    def learn(self) -> None:
        """Ask the service, unless somebody did within the last day.

        Raises:
            ApiError: where it does not say; what was known stays.
            StopRequested: stop was asked for.
        """
        self._known = self._read() or self._known  # another engine or process may have asked
        if self._known is None or not _ALREADY <= self._now() - self._known.asked_at < _KEPT_FOR:
            self.renew()

    def renew(self) -> None:
        """Ask the service, and keep what it says.

        Raises:
            ApiError: where it does not say; what was known stays.
            StopRequested: stop was asked for.
        """
        entries = pare(self._ask())
        self._known = _Known(asked_at=self._now(), cards=read_cards(entries))
        self._keep({"asked_at": self._known.asked_at.isoformat(), "models": entries})

    def _read(self) -> _Known | None:
        """Read the file; one that is missing or damaged says nothing."""
        try:
            kept = parse_json(self._path.read_bytes())
        except OSError:
            return None
        entries = kept.get("models") if isinstance(kept, dict) else None
        asked_at = read_instant(kept.get("asked_at")) if isinstance(kept, dict) else None
        if asked_at is None or not isinstance(entries, list):
            return None
        return _Known(asked_at=asked_at, cards=read_cards(entries))

    def _keep(self, kept: Mapping[str, object]) -> None:
        """Write the file whole, for its owner only. Without it the service is merely asked again."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(self._path, json.dumps(kept).encode())
        except OSError as error:
            log.warning("models_not_kept", path=str(self._path), reason=error.strerror)


def _write_whole(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
