"""A lab: a real systemd in namespaces of its own, on an untouched copy-on-write view of this machine.

    with booted(tmp_path / "lab", trees=[...]) as lab:
        lab.run("systemctl", "start", "voxtrald.service")
        (lab.root / "srv/voxtrald/inbox/talk.wav").write_bytes(...)    # its files, seen from outside
        with lab.network():                                            # sockets made here are the lab's
            standin = Standin()

It takes root, Linux namespaces, overlayfs, cgroup v2 mounted somewhere, and Debian's packages systemd and util-linux.
There is no network in it but its own loopback, so that nothing in it can call out. What cannot be done there is
skipped with the reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from tests.systemd.boot import ENVIRONMENT, SYSTEMD

BOOT = Path(__file__).with_name("boot.py")
PROGRAMS = ("unshare", "nsenter", "setpriv", "mount", "pivot_root", "systemctl", "journalctl")
CLONE_NEWNET = 0x40000000

_BOOT_S = 60.0
_POLL_S = 0.02
_RUN_S = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running lab; `init` is the process id of its systemd as this machine sees it."""

    init: int

    @property
    def root(self) -> Path:
        """The lab's files, seen from outside."""
        return Path(f"/proc/{self.init}/root")

    def run(
        self, *command: str | Path, check: bool = True, timeout_s: float = _RUN_S, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the lab as root; its output and errors come together."""
        enter = ["nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
        done = subprocess.run(
            ["setsid", "--wait", *enter, f"--root={self.root}", f"--wd={self.root}", "--", *map(str, command)],
            env={**ENVIRONMENT, "HOME": "/root", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
        return done

    def inside(self, work: Callable[[], Result]) -> Result:
        """Do `work` in a thread that belongs to the lab's network, as do the threads it starts."""
        results: list[Result] = []

        def enter_and_work() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{self.init}/ns/net") as network:  # noqa: PTH123  a descriptor is wanted
                assert libc.setns(network.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            results.append(work())

        thread = threading.Thread(target=enter_and_work)
        thread.start()
        thread.join()
        return results[0]


@contextlib.contextmanager
def booted(folder: Path, *, trees: Sequence[str] = ()) -> Iterator[Lab]:
    """Boot a lab, and leave nothing of it behind.

    Args:
        folder: a new folder for the lab's mounts.
        trees: folders of this machine the lab sees elsewhere, as `FROM:TO`.
    """
    group = _cgroup()
    folder.mkdir()
    errors = folder.with_name(f"{folder.name}.errors")
    unshare = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=KILL"]
    spaces = ["--uts", "--ipc", "--cgroup", "--net"]
    join = 'echo $$ >"$0/cgroup.procs"; exec "$@"'  # before the cgroup namespace begins: it is rooted where we are
    boot = [sys.executable, "-I", BOOT, folder, *trees]
    with errors.open("wb") as log:
        unshared = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "sh", "-c", join, group, *unshare, *spaces, *boot],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        lab = Lab(init=_wait_for_systemd(unshared, errors=errors))
        state = lab.run("systemctl", "is-system-running", "--wait", check=False, timeout_s=_BOOT_S).stdout.strip()
        assert state in {"running", "degraded"}, f"the lab is {state}: {lab.run('systemctl', 'list-jobs').stdout}"
        yield lab
    finally:
        unshared.kill()
        unshared.wait()
        _remove(group)


def why_not() -> str:
    """Say what keeps a lab from booting here, or nothing where all that can be told beforehand is there."""
    if os.geteuid() != 0:
        return "a systemd lab needs root"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"a systemd lab needs {', '.join(missing)}: make lab"
    if not Path(SYSTEMD).exists():
        return f"a systemd lab needs {SYSTEMD}: make lab"
    if _cgroup_mount() is None:
        return "a systemd lab needs a mounted cgroup2 file system"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"], check=False, capture_output=True)
    return "" if tried.returncode == 0 else f"a systemd lab needs namespaces: {tried.stderr.decode().strip()}"


def _wait_for_systemd(unshared: subprocess.Popen[bytes], *, errors: Path) -> int:
    until_s = time.monotonic() + _BOOT_S
    children = Path(f"/proc/{unshared.pid}/task/{unshared.pid}/children")
    while time.monotonic() < until_s:
        if unshared.poll() is not None:
            pytest.fail(f"the lab did not boot:\n{errors.read_text()}")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                if Path(f"/proc/{child}/root/run/systemd/private").exists():
                    return int(child)
        time.sleep(_POLL_S)
    pytest.fail(f"systemd did not start within {_BOOT_S:g} s:\n{errors.read_text()}")


def _cgroup_mount() -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    return None


def _cgroup() -> Path:
    """Make a control group below our own one."""
    mounted = _cgroup_mount()
    assert mounted is not None
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    group = mounted / own.strip("/") / f"voxtrald-lab-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    return group


def _remove(group: Path) -> None:
    """Remove a control group and those below it; the kernel needs a moment to see that they are empty."""
    until_s = time.monotonic() + 5.0
    while group.exists() and time.monotonic() < until_s:
        for below, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(below).rmdir()
        time.sleep(_POLL_S)
    assert not group.exists()
