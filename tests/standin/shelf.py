"""The files API's memory: uploaded files, their ids and their signed addresses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.standin.multipart import FilePart

RETENTION_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An uploaded file. A forgotten one exists, and yet nothing that uses it finds it."""

    id: str
    filename: str
    purpose: str
    visibility: str
    path: Path
    size_bytes: int
    sha256: str
    created_at: int
    forgotten: bool

    def describe(self) -> dict[str, object]:
        """Describe the file as the API does."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.size_bytes,
            "created_at": self.created_at,
            "expires_at": self.created_at + RETENTION_S,
            "filename": self.filename,
            "purpose": self.purpose,
            "sample_type": "instruct",
            "source": "upload",
            "num_lines": None,
            "mimetype": None,
            "signature": self.sha256[:16],
            "visibility": self.visibility,
        }


class Shelf:
    """Keeps files until they are deleted. All methods may be called from any thread.

    Args:
        base_url: where signed addresses point to.
        dedupe: give the same bytes the same id, as the real service was seen to do; one deletion then kills
            it for everybody.
    """

    def __init__(self, *, base_url: str, dedupe: bool) -> None:
        self._base_url = base_url
        self._dedupe = dedupe
        self._secret = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._files: dict[str, StoredFile] = {}

    def keep(self, part: FilePart, *, purpose: str, visibility: str, forgotten: bool) -> StoredFile:
        """Store an uploaded part."""
        with self._lock:
            twin = next((one for one in self._files.values() if one.sha256 == part.sha256), None)
            if self._dedupe and twin is not None and not forgotten:
                part.path.unlink()
                return twin
            stored = StoredFile(
                id=str(uuid.uuid4()),
                filename=part.filename,
                purpose=purpose,
                visibility=visibility,
                path=part.path,
                size_bytes=part.size_bytes,
                sha256=part.sha256,
                created_at=int(time.time()),
                forgotten=forgotten,
            )
            self._files[stored.id] = stored
            return stored

    def find(self, file_id: str) -> StoredFile | None:
        """Find a file, forgotten or not."""
        with self._lock:
            return self._files.get(file_id)

    def remove(self, file_id: str) -> bool:
        """Delete a file; say whether it was there."""
        with self._lock:
            stored = self._files.pop(file_id, None)
        if stored is None:
            return False
        stored.path.unlink(missing_ok=True)
        return True

    def all(self) -> list[StoredFile]:
        """All files, newest first."""
        with self._lock:
            return list(reversed(self._files.values()))

    def sign(self, file_id: str, *, hours: int) -> str:
        """Make an address that reads the file for so many hours."""
        expires = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        query = {"se": expires, "sp": "r", "sig": self._signature(file_id, expires)}
        return f"{self._base_url}/blob/audio/{file_id}?{urlencode(query)}"

    def open_url(self, url: str) -> StoredFile | None:
        """Find the file that a signed address leads to, or None where it is forged, expired or deleted."""
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        file_id, expires = parts.path.rpartition("/")[2], query.get("se", "")
        genuine = hmac.compare_digest(query.get("sig", ""), self._signature(file_id, expires))
        if not (self.is_ours(url) and genuine) or datetime.fromisoformat(expires) < datetime.now(UTC):
            return None
        return self.find(file_id)

    def is_ours(self, url: str) -> bool:
        """Say whether an address points here at all."""
        return url.startswith(f"{self._base_url}/blob/")

    def expire_urls(self) -> None:
        """Make every address signed so far worthless."""
        self._secret = secrets.token_bytes(16)

    def _signature(self, file_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{file_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
