"""Copies of chunks at the service: upload, sign, delete, and clear what an earlier run left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import structlog

from voxtrald.engines.base import AudioChunk, UploadJournal
from voxtrald.engines.http.answers import (
    StoredFile,
    is_deletion_confirmed,
    read_files,
    read_signed_address,
    read_stored_file,
)
from voxtrald.engines.http.replies import Errand
from voxtrald.engines.http.transport import FilePart, Transport
from voxtrald.engines.sharing import CopiesInUse, fingerprint
from voxtrald.errors import ApiError, ApiRefused, StopRequested, StorageUnavailable
from voxtrald.steps import Step, announce
from voxtrald.stopping import Stop

_FILES = "/v1/files"
_PURPOSE = "audio"  # in the documentation's text, though not in its list of values
_ADDRESS_VALID_H = 24
_PAGE_FILES = 100
_MOST_PAGES = 1000
_SHORT_TIMEOUT_S = 60.0  # for requests that move no audio
_DELETION_ATTEMPTS = 2
_BETWEEN_DELETIONS_S = 0.5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A chunk's copy at the service.

    Attributes:
        id: what the service calls it.
        ours: false where the service recognised bytes that somebody had stored under another name and gave us
            that file. It can be transcribed, but is not ours to delete.
    """

    id: str
    ours: bool


class RemoteCopies:
    """The service's file store, as far as it holds copies this installation made.

    Every copy's name begins with `prefix`: the installation's name and, after its last hyphen, the owner's. That is
    how copies are found again whose id was never learnt, because the answer to the upload got lost.
    """

    def __init__(
        self, *, transport: Transport, journal: UploadJournal, prefix: str, in_use: CopiesInUse, stop: Stop
    ) -> None:
        self._transport = transport
        self._journal = journal
        self._prefix = f"{prefix}-"
        self._installation_prefix = f"{prefix.rpartition('-')[0]}-"
        self._stop = stop
        self._in_use = in_use

    def name_for(self, chunk: AudioChunk) -> str:
        """Name the copy of a chunk."""
        return f"{self._prefix}{chunk.key[:16]}.{chunk.extension}"

    def upload(self, chunk: AudioChunk) -> Copy:
        """Store the chunk; the caller has to `give_back` the copy where it is ours.

        Raises:
            ApiError: where it was not stored, or nobody knows.
            StorageUnavailable: where the chunk cannot be read, or the journal not be written.
        """
        content = fingerprint(chunk.path, size_bytes=chunk.size_bytes)
        name = self.name_for(chunk)
        with self._in_use.uploading(content, name=name):
            self._journal.intend_upload(name=name, key=chunk.key)
            announce(Step.UPLOAD_INTENDED)
            stored = self._send(chunk, name)
            announce(Step.UPLOAD_SENT)
            ours = not stored.name or stored.name.startswith(self._prefix)
            if not ours:
                log.warning("remote_copy_was_there_before", remote_id=stored.id)
                return Copy(id=stored.id, ours=False)
            self._in_use.use(stored.id, content=content)
        try:
            self._journal.record_upload(name=name, remote_id=stored.id)
        except StorageUnavailable:
            self.give_back([stored.id])  # the caller will never hear of it
            raise
        announce(Step.UPLOAD_RECORDED)
        return Copy(id=stored.id, ours=True)

    def _send(self, chunk: AudioChunk, name: str) -> StoredFile:
        part = FilePart(path=chunk.path, name=name, answered_on_receipt=True)
        reply = self._transport.post(_FILES, fields=[("purpose", _PURPOSE)], file=part)
        self._transport.require_success(reply, Errand.UPLOAD)
        return read_stored_file(reply)

    def sign(self, remote_id: str) -> str:
        """Get an address under which the service itself can fetch the copy for a day.

        Raises:
            ApiError: `ApiNotYet` where the copy is not visible yet, or was deleted.
        """
        query = {"expiry": _ADDRESS_VALID_H}
        reply = self._transport.get(f"{_FILES}/{remote_id}/url", query=query, timeout_s=_SHORT_TIMEOUT_S)
        self._transport.require_success(reply, Errand.SIGN)
        return read_signed_address(reply)

    def give_back(self, remote_ids: Iterable[str]) -> frozenset[str]:
        """Stop using copies, delete those nobody else uses, and tell which are known to be gone.

        A deletion that fails is not an error: the journal remembers the copy, and `sweep` comes for it.
        """
        gone = set()
        for remote_id in self._in_use.give_back(remote_ids):
            try:
                if self._delete(remote_id, attempts=_DELETION_ATTEMPTS):
                    gone.add(remote_id)
            finally:
                self._in_use.deleted(remote_id)
        return frozenset(gone)

    def sweep(self, recorded: Iterable[str], *, spare: Callable[[str], bool] | None = None) -> int:
        """Delete the copies in `recorded` and all that bear our name, except those in use; say how many.

        With `spare`, all owners' copies of this installation count as ours, unless it wants to keep their name.

        Raises:
            ApiError: where the list of files cannot be had.
        """
        prefix = self._prefix if spare is None else self._installation_prefix
        ours = (stored for stored in list(self._list()) if stored.name.startswith(prefix))
        unwanted = {stored.id: stored.name for stored in ours if spare is None or not spare(stored.name)}
        leftovers = dict.fromkeys(recorded, "") | unwanted
        return sum(self._delete_leftover(remote_id, name=name) for remote_id, name in leftovers.items())

    def _delete_leftover(self, remote_id: str, *, name: str) -> bool:
        with self._in_use.clearing(remote_id, name=name) as is_leftover:
            return is_leftover and self._delete(remote_id, attempts=1)

    def _delete(self, remote_id: str, *, attempts: int) -> bool:
        for attempt in range(attempts):
            if attempt and self._stop.wait(_BETWEEN_DELETIONS_S):
                return False
            try:
                reply = self._transport.delete(f"{_FILES}/{remote_id}", timeout_s=_SHORT_TIMEOUT_S)
                if is_deletion_confirmed(reply):
                    announce(Step.REMOTE_DELETED)
                    self._note_deletion(remote_id)
                    return True
                self._transport.require_success(reply, Errand.DELETE)
            except (ApiError, StopRequested) as error:
                log.warning("remote_copy_not_deleted", remote_id=remote_id, reason=error.message)
        return False

    def _note_deletion(self, remote_id: str) -> None:
        # Where the journal cannot be written now, the other copies still have to go; a sweep notes this one later.
        with suppress(StorageUnavailable):
            self._journal.record_deletion(remote_id=remote_id)

    def _list(self) -> Iterator[StoredFile]:
        """List all files. Not every version of the service filters by purpose, or minds being asked to."""
        try:
            yield from self._list_pages({"purpose": _PURPOSE})
        except ApiRefused:
            yield from self._list_pages({})

    def _list_pages(self, query: dict[str, str | int]) -> Iterator[StoredFile]:
        seen: set[str] = set()
        for page in range(_MOST_PAGES):
            asked = {**query, "page": page, "page_size": _PAGE_FILES}
            reply = self._transport.get(_FILES, query=asked, timeout_s=_SHORT_TIMEOUT_S)
            self._transport.require_success(reply, Errand.LIST)
            fresh = [stored for stored in read_files(reply) if stored.id not in seen]
            yield from fresh
            seen.update(stored.id for stored in fresh)
            if not fresh or self._stop.is_set():  # nothing new: the end, or a server that knows no pages
                return
