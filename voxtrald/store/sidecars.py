"""What people put beside their recordings: found, read, reported where it is at fault, moved with its recording.

The folders from the inbox down are opened one in another, none of them through a link, and each file by its name in
its folder. So nothing that is read lies outside the inbox, whatever is exchanged meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import structlog

from voxtrald.errors import RecordingChanged, StorageUnavailable
from voxtrald.marks import Mark, mark_of
from voxtrald.naming import is_never_recording, numbered
from voxtrald.storage import storage_errors
from voxtrald.store.durable import make_folder, move_whole, write_whole
from voxtrald.store.quarantining import REPORT

FOLDER_FILE = "voxtrald.yaml"
NAMES_FILE = "names.txt"
ENDING = ".voxtrald.yaml"
LONGEST_BYTES = 64 * 1024

_NOT_A_FILE = "is not a plain file"
_TRIES = 20
_FAULTS = {
    errno.ELOOP: "is a link, and only the file itself counts",
    errno.EACCES: "may not be read by the user that voxtrald runs as",
    errno.EPERM: "may not be read by the user that voxtrald runs as",
    errno.ENXIO: _NOT_A_FILE,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One file beside a recording, or above it.

    Attributes:
        relative: its path below the inbox.
        content: what it holds; empty where it is at fault.
        mark: by which a change of it is noticed.
        fault: why it cannot be read, or empty.
    """

    relative: PurePosixPath
    content: bytes
    mark: Mark
    fault: str = ""

    @property
    def is_list(self) -> bool:
        """Whether it is a list of names."""
        return self.relative.name == NAMES_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecars:
    """The files beside recordings, in the daemon's folders. Threads share one."""

    inbox: Path
    outbox: Path
    error: Path

    # --- reading -----------------------------------------------------------------------------------------------

    def read(self, relative: str) -> tuple[Beside, ...]:
        """Read what counts for a recording, from the farthest to the nearest.

        Raises:
            RecordingChanged: a folder on the way to it is gone, or a link.
            StorageUnavailable: the inbox does not answer.
        """
        with ExitStack() as closing, storage_errors(self.inbox):
            folder = os.open(self.inbox, os.O_RDONLY | os.O_DIRECTORY)
            closing.callback(os.close, folder)
            found: list[Beside] = []
            at = PurePosixPath()
            for candidate in candidates(relative):
                while at != candidate.parent:
                    at /= candidate.parts[len(at.parts)]
                    folder = _enter(at.name, above=folder)
                    closing.callback(os.close, folder)
                found += _read(candidate, folder=folder)
            return tuple(found)

    # --- what is wrong with them ---------------------------------------------------------------------------------

    def report(self, relative: PurePosixPath, text: str) -> None:
        """Lay a note about a file into the error folder, in place of an earlier one.

        Raises:
            StorageUnavailable: it cannot be written.
        """
        note = self._note(relative)
        make_folder(note.parent)
        write_whole(note, text.encode("utf-8", errors="replace"))

    def withdraw_report(self, relative: PurePosixPath) -> None:
        """Remove the note about a file, if there is one; where that fails, the next recording's work does it."""
        with suppress(OSError):
            self._note(relative).unlink(missing_ok=True)

    def _note(self, relative: PurePosixPath) -> Path:
        return self.error / relative.with_name(relative.name + REPORT)

    # --- going along ---------------------------------------------------------------------------------------------

    def follow_to_outbox(self, relative: str, *, to: str | None) -> None:
        """Move a finished recording's own sidecars after it, or delete them where it was deleted: `to` is None."""
        self._follow(relative, to=None if to is None else self.outbox / to)

    def follow_to_error(self, relative: str, *, to: str) -> None:
        """Move a failed recording's own sidecars after it."""
        self._follow(relative, to=self.error / to)

    def give_back(self, name: str, *, relative: str) -> None:
        """Move a failed recording's own sidecars back to the inbox, before it comes itself.

        Where another recording has its name there, they stay: they would be taken for that one's.

        Args:
            name: of the recording below the error folder.
            relative: where it goes in the inbox.
        """
        if not os.path.lexists(self.inbox / relative):
            _move_all(self.error / name, self.inbox / relative)

    def _follow(self, relative: str, *, to: Path | None) -> None:
        source = self.inbox / relative
        if not os.path.lexists(source):  # else a new recording has come under its name, and they may be meant for it
            _move_all(source, to)


def candidates(relative: str) -> Iterator[PurePosixPath]:
    """Name the files that count for a recording, from the farthest to the nearest."""
    path = PurePosixPath(relative)
    for folder in reversed(path.parents):
        yield folder / NAMES_FILE
        yield folder / FOLDER_FILE
    yield from own(path)


def own(recording: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Name the files that are for one recording alone: that of its whole name is nearer than that of its stem."""
    return tuple(dict.fromkeys(recording.with_name(name + ENDING) for name in (recording.stem, recording.name)))


# --- how --------------------------------------------------------------------------------------------------------


def _enter(name: str, *, above: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENOTDIR}:
            raise RecordingChanged(f"the folder {name} is gone or a link") from error
        raise


def _read(relative: PurePosixPath, *, folder: int) -> Iterator[Beside]:
    try:
        # O_NONBLOCK: a pipe that was put in the file's place must not block for ever.
        descriptor = os.open(relative.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
            return
        if error.errno not in _FAULTS:
            raise
        with suppress(FileNotFoundError):
            mark = mark_of(os.stat(relative.name, dir_fd=folder, follow_symlinks=False))
            yield Beside(relative=relative, content=b"", mark=mark, fault=_FAULTS[error.errno])
        return
    try:
        yield _found(relative, descriptor)
    finally:
        os.close(descriptor)


def _found(relative: PurePosixPath, descriptor: int) -> Beside:
    status = os.fstat(descriptor)
    mark = mark_of(status)
    if not stat.S_ISREG(status.st_mode):
        return Beside(relative=relative, content=b"", mark=mark, fault=_NOT_A_FILE)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(LONGEST_BYTES + 1)
    if len(content) > LONGEST_BYTES:
        fault = f"has more than {LONGEST_BYTES // 1024} KiB, which nobody writes by hand"
        return Beside(relative=relative, content=b"", mark=mark, fault=fault)
    return Beside(relative=relative, content=content, mark=mark)


def _move_all(recording: Path, to: Path | None) -> None:
    """Move the sidecars of one recording beside where it went, or delete them; what stays behind is told."""
    for sidecar in map(Path, own(PurePosixPath(recording))):
        is_by_stem = sidecar.name != recording.name + ENDING
        try:
            if _is_plain(sidecar) and not (is_by_stem and _serves_another(sidecar, besides=recording.name)):
                _move(sidecar, None if to is None else to.with_name(to.stem if is_by_stem else to.name))
        except (StorageUnavailable, RecordingChanged) as error:
            log.warning("sidecar_left_behind", sidecar=sidecar.name, error=error.message)


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _serves_another(sidecar: Path, *, besides: str) -> bool:
    """Whether another recording of the same stem still waits for it."""
    stem = sidecar.name.removesuffix(ENDING)
    with storage_errors(sidecar), os.scandir(sidecar.parent) as entries:
        names = {entry.name for entry in entries if PurePosixPath(entry.name).stem == stem}
    return any(name != besides and not is_never_recording(name) for name in names)


def _move(sidecar: Path, wanted: Path | None) -> None:
    if wanted is None:
        with storage_errors(sidecar):
            sidecar.unlink(missing_ok=True)
        return
    for n in range(1, _TRIES):
        with suppress(FileExistsError):
            move_whole(sidecar, wanted.with_name(numbered(wanted.name, n) + ENDING))
            return
    raise StorageUnavailable(f"all names for it in {wanted.parent} are taken", path=wanted)
