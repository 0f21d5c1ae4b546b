"""What has to be where for systemd to run voxtrald, as a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from voxtrald.errors import ConfigError, Problem

UNITS = PurePosixPath("/etc/systemd/system")
USER = "voxtrald"
GROUP = "voxtrald-drop"
SHIPPED_COMMAND = "/opt/voxtrald/bin/voxtrald"
"""What the shipped units start; the command that was really installed takes its place."""

HIDDEN = tuple(map(PurePosixPath, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 - names only
"""What the units hide from the service: ProtectHome= and PrivateTmp=, see systemd.exec(5)."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
_PLAIN_PATH = re.compile(r"/[\w@+./-]+")

_CONFIG = """\
# voxtrald, started by systemd. What is not written here has its default; the README lists all keys.
# After a change: `systemctl reload {service}`, and `systemctl status {service}` says where the change was refused.

folders:
  inbox: {folders}/inbox
  outbox: {folders}/outbox
  error: {folders}/error
  state: {state}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to write where there is none, and what it is for."""

    path: PurePosixPath
    text: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One service's place on a machine.

    Attributes:
        instance: its name among several, or empty for the only one.
        command: the installed `voxtrald`.
        has_local_engine: whether it recognises speech on this machine, which needs more rights and memory.
    """

    instance: str = ""
    command: str
    has_local_engine: bool = False

    def __post_init__(self) -> None:
        """Refuse what systemd would not understand.

        Raises:
            ConfigError: the instance or the command has a name that cannot be used.
        """
        if self.instance and (not _NAME.fullmatch(self.instance) or self.instance == "config"):
            what = f"{self.instance!r} is no name for an instance"
            raise ConfigError((Problem(key="--instance", what=what, hint="such as `interviews`, but not `config`"),))
        if not _PLAIN_PATH.fullmatch(self.command):
            what = f"{self.command!r} is no absolute path without blanks"
            raise ConfigError((Problem(key="--command", what=what, hint=f"such as {SHIPPED_COMMAND}"),))

    @property
    def full_name(self) -> str:
        """How folders and the key's file are called."""
        return f"voxtrald-{self.instance}" if self.instance else "voxtrald"

    @property
    def service(self) -> str:
        """The name that `systemctl` knows."""
        return f"voxtrald@{self.instance}" if self.instance else "voxtrald"

    @property
    def config(self) -> PurePosixPath:
        """Where the configuration is."""
        return PurePosixPath("/etc/voxtrald", f"{self.instance or 'config'}.yaml")

    @property
    def folders(self) -> PurePosixPath:
        """What is above inbox, outbox and error folder."""
        return PurePosixPath("/srv", self.full_name)

    @property
    def key(self) -> PurePosixPath:
        """Where the key belongs."""
        return PurePosixPath("/etc/credstore", f"{self.full_name}.api-key")

    def files(self, shipped: Mapping[str, str]) -> tuple[NewFile, ...]:
        """List the files to write, made of the shipped ones."""
        unit = "voxtrald@.service" if self.instance else "voxtrald.service"
        started = shipped[unit].replace(SHIPPED_COMMAND, self.command)
        folders = re.sub(r"(?<=/srv/)voxtrald\b", self.full_name, shipped["voxtrald.tmpfiles"])
        config = _CONFIG.format(service=self.service, folders=self.folders, state=f"/var/lib/{self.full_name}")
        dropin = NewFile(
            path=UNITS / f"{unit}.d" / "local-engine.conf",
            text=shipped["local-engine.conf"],
            purpose="what a local engine needs",
        )
        return (
            NewFile(path=self.config, text=config, purpose="the configuration"),
            NewFile(path=UNITS / unit, text=started, purpose="the service"),
            *((dropin,) if self.has_local_engine else ()),
            NewFile(
                path=PurePosixPath("/etc/sysusers.d/voxtrald.conf"),
                text=shipped["voxtrald.sysusers"],
                purpose=f"user {USER} and group {GROUP}",
            ),
            NewFile(path=self._tmpfiles, text=folders, purpose=f"inbox, outbox and error below {self.folders}"),
        )

    def commands(self) -> tuple[tuple[str, ...], ...]:
        """List the commands that make users and folders of those files."""
        return (
            ("systemd-sysusers", "/etc/sysusers.d/voxtrald.conf"),
            ("systemd-tmpfiles", "--create", str(self._tmpfiles)),
            ("systemctl", "daemon-reload"),
        )

    @property
    def _tmpfiles(self) -> PurePosixPath:
        return PurePosixPath("/etc/tmpfiles.d", f"{self.full_name}.conf")


def hidden_from_service(paths: Iterable[str]) -> str | None:
    """Find the first of the program's paths that the service would not see."""
    for path in paths:
        if any(PurePosixPath(path).is_relative_to(folder) for folder in HIDDEN):
            return path
    return None
