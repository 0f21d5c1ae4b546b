"""Becomes the lab's PID 1: makes a root of its own out of the machine's, and hands over to systemd.

Started by `lab.py` inside fresh namespaces, as `python boot.py FOLDER TREE...`; not for people. Whatever is written
in the lab goes to memory, over an untouched view of this machine, and is gone with the lab's last process. Each TREE
is `FROM:TO`, a folder of the machine that the lab shall see read-only under another name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

SYSTEMD = "/lib/systemd/systemd"
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
FRESH = {"run": "755", "tmp": "1777", "dev": "755"}
ENVIRONMENT = {
    "container": "voxtrald-lab",  # systemd leaves alone what belongs to the machine around it
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def mount(kind: str, at: Path, options: str, *, source: str | None = None) -> None:
    """Mount a file system."""
    at.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", kind, "-o", options, source or kind, at], check=True)


def bind(source: Path | str, at: Path, *, read_only: bool = False) -> None:
    """Show a file or folder in another place."""
    subprocess.run(["mount", "--bind", source, at], check=True)
    if read_only:
        subprocess.run(["mount", "-o", "remount,bind,ro", at], check=True)


def lay_over(folder: Path) -> Path:
    """Give a root folder that shows the machine's and keeps its own changes in memory."""
    mount("tmpfs", folder, "mode=755")
    for name in ("upper", "work"):
        (folder / name).mkdir()
    root = folder / "root"
    mount("overlay", root, f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}", source="overlay")
    for name, mode in FRESH.items():
        mount("tmpfs", root / name, f"mode={mode}")
    return root


def fill_dev(dev: Path) -> None:
    """Give the devices that every program expects."""
    for name in DEVICES:
        (dev / name).touch()
        bind(f"/dev/{name}", dev / name)
    mount("devpts", dev / "pts", "newinstance,ptmxmode=0666,mode=620")
    mount("tmpfs", dev / "shm", "mode=1777")
    (dev / "fd").symlink_to("/proc/self/fd")
    (dev / "ptmx").symlink_to("pts/ptmx")


def forget_the_machine(root: Path) -> None:
    """Take away what this machine's administrator enabled: only what packages start by themselves is left."""
    shutil.rmtree(root / "etc/systemd/system", ignore_errors=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    (root / "var/log/journal").mkdir(parents=True)
    (root / "etc/fstab").write_text("")
    (root / "etc/hostname").write_text("lab\n")
    limits = root / "etc/systemd/journald.conf.d/lab.conf"
    limits.parent.mkdir(parents=True, exist_ok=True)
    limits.write_text("[Journal]\nRateLimitIntervalSec=0\n")


def mount_kernel(root: Path) -> None:
    """Mount what the kernel shows, without a way to change the machine's settings through it."""
    proc = root / "proc"
    mount("proc", proc, "nosuid,nodev,noexec")
    bind(proc / "sys", proc / "sys", read_only=True)  # or systemd-sysctl would set the machine's
    if (proc / "sysrq-trigger").exists():
        bind("/dev/null", proc / "sysrq-trigger")
    mount("sysfs", root / "sys", "ro,nosuid,nodev,noexec")
    mount("cgroup2", root / "sys/fs/cgroup", "nosuid,nodev,noexec")


def move_into(root: Path) -> None:
    """Make `root` the root, and let go of the machine's."""
    old = root / "mnt/.machine"
    old.mkdir(parents=True)
    subprocess.run(["pivot_root", root, old], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/mnt/.machine"], check=True)
    Path("/mnt/.machine").rmdir()
    # In a container systemd leaves propagation as it finds it, and credentials reach no service where it is private.
    subprocess.run(["mount", "--make-rshared", "/"], check=True)


def bring_up_loopback() -> None:
    """Switch the only network interface on."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def main(folder: str, *trees: str) -> None:
    """Build the lab's root and become its systemd."""
    root = lay_over(Path(folder))
    fill_dev(root / "dev")
    forget_the_machine(root)
    for tree in trees:
        source, _, target = tree.partition(":")
        place = root / target.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        bind(source, place, read_only=True)
    mount_kernel(root)
    bring_up_loopback()
    socket.sethostname("lab")
    move_into(root)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    arguments = [SYSTEMD, "--system", "--show-status=no", "--log-target=journal", "--unit=multi-user.target"]
    os.execve(SYSTEMD, arguments, ENVIRONMENT)  # noqa: S606 - it takes our place as PID 1


if __name__ == "__main__":
    main(*sys.argv[1:])
