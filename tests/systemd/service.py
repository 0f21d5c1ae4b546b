"""voxtrald as an installed service in a lab: what the tests start, feed and look at."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.daemon import KEY, SMALL_CHUNKS, files_in, wait_for
from tests.standin.server import Standin
from tests.systemd.lab import Lab

QUICK: Mapping[str, Any] = {
    "watch": {"settle_s": 0.2, "rescan_s": 5},
    "retry": {"first_wait_s": 0.05, "max_wait_s": 0.4},
    "chunks": SMALL_CHUNKS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service `name` of a lab, and the stand-in it talks to."""

    lab: Lab
    standin: Standin
    instance: str = ""

    @property
    def name(self) -> str:
        """What `systemctl` calls it."""
        return f"voxtrald@{self.instance}" if self.instance else "voxtrald"

    @property
    def full_name(self) -> str:
        """What its folders are called."""
        return f"voxtrald-{self.instance}" if self.instance else "voxtrald"

    @property
    def folders(self) -> Path:
        """Inbox, outbox and error are below it."""
        return self.lab.root / "srv" / self.full_name

    @property
    def inbox(self) -> Path:
        """Where recordings are dropped."""
        return self.folders / "inbox"

    @property
    def outbox(self) -> Path:
        """Where transcripts appear."""
        return self.folders / "outbox"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.lab.root / "etc/voxtrald" / f"{self.instance or 'config'}.yaml"

    @property
    def key(self) -> Path:
        """Its API key."""
        return self.lab.root / f"etc/credstore/{self.full_name}.api-key"

    # --- setting up ------------------------------------------------------------------------------------------

    def install(self, *options: str) -> str:
        """Install it with `voxtrald init --systemd`, then its key; give what the command said."""
        named = ("--instance", self.instance) if self.instance else ()
        said = self.lab.run("/opt/voxtrald/bin/voxtrald", "init", "--systemd", "--yes", *named, *options).stdout
        self.key.write_text(f"{KEY}\n")
        self.key.chmod(0o600)
        self.configure()
        return said

    def configure(self, changes: Mapping[str, Any] | None = None) -> None:
        """Add quick waits, the stand-in's address and `changes` to the installed configuration."""
        written = yaml.safe_load(self.config.read_text())
        changed = {**written, **QUICK, "engine": {"base_url": self.standin.url}, **(changes or {})}
        self.config.write_text(yaml.safe_dump(changed))

    def add_setting(self, text: str) -> None:
        """Add a drop-in to the unit."""
        unit = "voxtrald@.service" if self.instance else "voxtrald.service"
        folder = self.lab.root / "etc/systemd/system" / f"{unit}.d"
        folder.mkdir(exist_ok=True)
        (folder / f"test-{len(files_in(folder))}.conf").write_text(text)
        self.lab.run("systemctl", "daemon-reload")

    # --- running ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it; this returns when it has said that it is ready."""
        self.lab.run("systemctl", "start", self.name)

    def try_start(self) -> subprocess.CompletedProcess[str]:
        """Start it and give what came of it."""
        return self.lab.run("systemctl", "start", self.name, check=False)

    def show(self, field: str) -> str:
        """Read one of the unit's properties."""
        return self.lab.run("systemctl", "show", "--value", f"--property={field}", self.name).stdout.strip()

    def kill(self, number: int) -> None:
        """Send a signal to the main process."""
        self.lab.run("kill", f"-{number}", self.show("MainPID"))

    @property
    def main_thread(self) -> int:
        """The main process's first thread, by the number that this machine knows it by."""
        group = f"system.slice/{self.name}.service/cgroup.procs"  # the kernel writes numbers as the reader knows them
        return int((self.lab.root / "sys/fs/cgroup" / group).read_text().split()[0])

    def another(self, *, instance: str) -> Service:
        """Give another service of the same lab."""
        return replace(self, instance=instance)

    def status(self) -> str:
        """Read what `systemctl status` shows."""
        return self.lab.run("systemctl", "status", "--no-pager", "--lines=0", self.name, check=False).stdout

    def journal(self) -> str:
        """Read what it and systemd wrote about it."""
        command = ("journalctl", "--no-pager", "--output=cat", f"--unit={self.name}")
        return self.lab.run(*command).stdout

    def events(self, name: str) -> list[dict[str, Any]]:
        """Read the events of one name from its log."""
        lines = [json.loads(line) for line in self.journal().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def wait_event(self, name: str, *, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an event stands in its log so often."""

        def look() -> list[dict[str, Any]]:
            found = self.events(name)
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = wait_for(look, what=f"{name} x{count}")
        return found

    # --- recordings ------------------------------------------------------------------------------------------

    def drop(self, source: Path, name: str) -> None:
        """Move a copy into the inbox in one step, as somebody of the group would own it."""
        aside = self.inbox / f".{name}.part"
        shutil.copyfile(source, aside)
        aside.chmod(0o664)
        aside.rename(self.inbox / name)

    def finish(self, name: str) -> None:
        """Wait until a recording has followed its transcript to the outbox."""
        wait_for(
            lambda: (self.outbox / name).exists() or files_in(self.folders / "error"), what=f"{name} in the outbox"
        )
        assert files_in(self.folders / "error") == []

    def words(self, stem: str) -> list[str]:
        """Read the words of a transcript."""
        return (self.outbox / f"{stem}.txt").read_text(encoding="utf-8").split()
