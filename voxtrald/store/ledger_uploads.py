"""The remote copies: intended before they exist, recorded when they do, crossed out when they are deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from voxtrald.store.ledger_tables import Tables, instant_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A remote copy.

    Attributes:
        name: what we call it over there.
        remote_id: None where we never heard whether the upload arrived.
    """

    name: str
    remote_id: str | None


class UploadTable(Tables):
    """One row per intended copy. This is the journal that engines write in."""

    def intend_upload(self, *, name: str, key: str) -> None:
        """Record that a remote file called `name` is about to exist."""
        self._database.write(
            "INSERT INTO upload (name, key, intended_at) VALUES (?, ?, ?)", (name, key, self._now_text())
        )

    def record_upload(self, *, name: str, remote_id: str) -> None:
        """Record the id the service gave to `name`.

        Raises:
            KeyError: nobody intended it.
        """
        touched = self._database.write(
            "UPDATE upload SET remote_id = ? WHERE id ="
            " (SELECT max(id) FROM upload WHERE name = ? AND remote_id IS NULL)",
            (remote_id, name),
        )
        if not touched:
            raise KeyError(name)

    def record_deletion(self, *, remote_id: str) -> None:
        """Record that the service confirmed the deletion; identical copies may share an id."""
        self._database.write(
            "UPDATE upload SET deleted_at = ? WHERE remote_id = ? AND deleted_at IS NULL",
            (self._now_text(), remote_id),
        )

    def record_sweep(self, *, before: datetime) -> None:
        """Record that the far side was searched: what was intended before and has no id is not there."""
        self._database.write(
            "UPDATE upload SET deleted_at = ? WHERE remote_id IS NULL AND deleted_at IS NULL AND intended_at < ?",
            (self._now_text(), instant_text(before)),
        )

    def undeleted(self) -> tuple[Upload, ...]:
        """List the copies that may still exist, oldest first."""
        rows = self._database.read("SELECT name, remote_id FROM upload WHERE deleted_at IS NULL ORDER BY id")
        return tuple(Upload(name=row["name"], remote_id=row["remote_id"]) for row in rows)
