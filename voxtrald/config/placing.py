"""Check how the folders lie to one another and on which kind of disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxtrald.config.reading import KeyPath, Written
from voxtrald.config.refusing import problem_at
from voxtrald.config.settings import Settings
from voxtrald.errors import Problem

MOUNTS = Path("/proc/self/mounts")  # not /proc/mounts: a service may be shown nothing of /proc but processes
NETWORK_KINDS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "davfs"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.davfs2", "fuse.glusterfs", "fuse.ceph-fuse"),
    }
)
HOST_SHARE_KINDS = frozenset({"9p", "virtiofs", "vboxsf", "fuse.vmhgfs-fuse", "fuse.grpcfuse"})

NESTING = (
    ("outbox", "inbox", "transcripts would be taken for recordings"),
    ("error", "inbox", "failed recordings would be tried again for ever"),
    ("state", "inbox", "work files would be taken for recordings"),
    ("inbox", "outbox", "whoever collects results would find unfinished recordings"),
    ("inbox", "error", "recordings could not be told from failed ones"),
    ("inbox", "state", "the state folder belongs to the program alone"),
    ("outbox", "error", "results could not be told from failures"),
    ("outbox", "state", "the state folder belongs to the program alone"),
    ("error", "state", "the state folder belongs to the program alone"),
    ("state", "outbox", "the program's memory would lie open among the results"),
    ("state", "error", "the program's memory would lie open among the failures"),
)
"""(inner, outer, why not); only the error folder may lie inside another one, the outbox."""

NAMES = ("inbox", "outbox", "error", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A line of /proc/self/mounts: where something is mounted, and what kind of file system it is."""

    path: Path
    kind: str


def folder_problems(settings: Settings, written: Written, *, mounts: tuple[Mount, ...]) -> Iterator[Problem]:
    """Find folders that would feed one another, and a ledger on a disk that cannot keep it.

    Links are followed first. SQLite's write-ahead log needs shared memory between its users and does not
    work over a network file system (sqlite.org/wal.html).
    """
    real = {name: Path(os.path.realpath(getattr(settings.folders, name))) for name in NAMES}
    for index, name in enumerate(NAMES):
        for other in NAMES[:index]:
            if _is_same(real[name], real[other]):
                what = f"is the same folder as folders.{other}"
                yield problem_at(written, ("folders", name), what=what, hint="each needs a folder of its own")
    for inner, outer, why in NESTING:
        if real[outer] in real[inner].parents:
            what = f"lies inside folders.{outer} ({real[outer]})"
            yield problem_at(written, ("folders", inner), what=what, hint=why)
    kind = kind_of_disk(real["state"], mounts)
    if kind in NETWORK_KINDS:
        what = f"lies on a network file system ({kind}), where a database is not safe"
        yield problem_at(written, ("folders", "state"), what=what, hint="choose a folder on a local disk")


def script_problems(settings: Settings, written: Written) -> Iterator[Problem]:
    """Find scripts that anybody who may write into a shared folder could replace."""
    asked: list[tuple[KeyPath, Path | None]] = [(("notify", "script"), settings.notify.script)]
    for index, rule in enumerate(settings.rules):
        asked.append((("rules", index, "notify", "script"), rule.notify.script if rule.notify else None))
    for key, script in asked:
        around = Path(os.path.realpath(script)).parents if script else ()
        for name in NAMES:
            if Path(os.path.realpath(getattr(settings.folders, name))) in around:
                hint = "whoever may write there could run programs as this one: keep it elsewhere"
                yield problem_at(written, key, what=f"lies inside folders.{name}", hint=hint)


def folder_warnings(settings: Settings, *, mounts: tuple[Mount, ...]) -> tuple[str, ...]:
    """Warn of folders that work, though perhaps not as expected."""
    state_kind = kind_of_disk(Path(os.path.realpath(settings.folders.state)), mounts)
    inbox_kind = kind_of_disk(Path(os.path.realpath(settings.folders.inbox)), mounts)
    warnings = []
    if state_kind in HOST_SHARE_KINDS:
        warnings.append(
            f"folders.state lies on {state_kind}, a folder shared by another system: nothing else may use it"
        )
    if inbox_kind in NETWORK_KINDS | HOST_SHARE_KINDS and settings.watch.mode != "polling":
        warnings.append(
            f"folders.inbox lies on {inbox_kind}, which does not report what other machines do: "
            f"new recordings are found every {settings.watch.rescan_s:g} s"
        )
    return tuple(warnings)


def read_mounts(path: Path = MOUNTS) -> tuple[Mount, ...]:
    """Read the kernel's list of mounts; empty where there is none to read."""
    try:
        return parse_mounts(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ()


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Parse /proc/self/mounts, in which blanks and backslashes of paths are octal escapes (proc_mounts(5))."""
    lines = [line.split(" ", maxsplit=3) for line in text.splitlines()]
    return tuple(Mount(path=Path(_unescaped(path)), kind=kind) for _, path, kind, _ in lines)


def kind_of_disk(path: Path, mounts: tuple[Mount, ...]) -> str:
    """Name the file system that holds `path`, or nothing where it is not known; of equal mounts the last."""
    around = [mount for mount in mounts if mount.path == path or mount.path in path.parents]
    deepest = max((len(mount.path.parts) for mount in around), default=0)
    kinds = [mount.kind for mount in around if len(mount.path.parts) == deepest]
    return kinds[-1] if kinds else ""


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:  # one of them is not there yet, so they are not the same
        return False


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
