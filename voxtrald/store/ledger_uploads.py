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
    """One row per intended copy. Rows without a service are from before there were several."""

    def journal_of(self, service: str) -> ServiceJournal:
        """Give the journal that an engine of this service writes in."""
        return ServiceJournal(table=self, service=service)

    def intend_upload(self, *, service: str, name: str, key: str) -> None:
        """Record that a file called `name` is about to exist at a service."""
        self._database.write(
            "INSERT INTO upload (service, name, key, intended_at) VALUES (?, ?, ?, ?)",
            (service, name, key, self._now_text()),
        )

    def record_upload(self, *, name: str, remote_id: str) -> None:
        """Record the id the service gave to `name`. A power cut may undo it: a sweep finds the copy by its name.

        Raises:
            KeyError: nobody intended it.
        """
        touched = self._database.write(
            "UPDATE upload SET remote_id = ? WHERE id ="
            " (SELECT max(id) FROM upload WHERE name = ? AND remote_id IS NULL)",
            (remote_id, name),
            at_once=False,
        )
        if not touched:
            raise KeyError(name)

    def record_deletion(self, *, remote_id: str) -> None:
        """Record that the service confirmed the deletion; identical copies may share an id.

        A power cut may undo it: a sweep deletes the copy again and is told that it is gone.
        """
        self._database.write(
            "UPDATE upload SET deleted_at = ? WHERE remote_id = ? AND deleted_at IS NULL",
            (self._now_text(), remote_id),
            at_once=False,
        )

    def record_sweep(self, service: str, *, before: datetime) -> None:
        """Record that a service was searched: what was intended there before and has no id does not exist."""
        self._database.write(
            "UPDATE upload SET deleted_at = ?"
            " WHERE remote_id IS NULL AND deleted_at IS NULL AND intended_at < ? AND service IN ('', ?)",
            (self._now_text(), instant_text(before), service),
        )

    def undeleted(self, service: str) -> tuple[Upload, ...]:
        """List the copies that may still exist at a service, oldest first."""
        rows = self._database.read(
            "SELECT name, remote_id FROM upload WHERE deleted_at IS NULL AND service IN ('', ?) ORDER BY id", (service,)
        )
        return tuple(Upload(name=row["name"], remote_id=row["remote_id"]) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceJournal:
    """The uploads of one service: the journal that its engines write in."""

    table: UploadTable
    service: str

    def intend_upload(self, *, name: str, key: str) -> None:
        """Record that a remote file called `name` is about to exist."""
        self.table.intend_upload(service=self.service, name=name, key=key)

    def record_upload(self, *, name: str, remote_id: str) -> None:
        """Record the id the service gave to `name`.

        Raises:
            KeyError: nobody intended it.
        """
        self.table.record_upload(name=name, remote_id=remote_id)

    def record_deletion(self, *, remote_id: str) -> None:
        """Record that the service confirmed the deletion."""
        self.table.record_deletion(remote_id=remote_id)
