"""The folder of a demonstration: made fresh, and cleared only of what a demonstration made."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from voxtrald.demonstration.trouble import DemoFailed
from voxtrald.naming import shown

SAMPLE: Final = "sample.m4a"
SAMPLE_TEXT: Final = "sample.txt"
SAMPLE_S: Final = 61
SUBFOLDER: Final = "meetings"
FORMATS: Final = ("txt", "srt", "vtt", "json", "md")

_PACKAGE = "voxtrald.demonstration"
_MARKER, _CONFIG, _LOG = ".voxtrald-demo", "config.yaml", "log.jsonl"

_SETTINGS = """\
# Written by `voxtrald demo`. With this file, `voxtrald run --config {config}` goes on watching.
watch:
  settle_s: 0.5
{engine}\
chunks:              # small pieces, to have some in a short recording
  max_minutes: 0.5
  first_minutes: 0.4
  search_s: 6
rules:
  - match: {subfolder}/**
    engine:
      language: en
      context_bias: [parish council]
    output:
      formats: [{formats}]
logging:
  format: json
"""


def sample_text() -> str:
    """Give what is said in the sample."""
    return files(_PACKAGE).joinpath(SAMPLE_TEXT).read_text("utf-8")


def engine_section(keys: Mapping[str, object]) -> str:
    """Write the section `engine`; what JSON quotes, YAML reads."""
    lines = (f"  {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in keys.items())
    return "".join(("engine:\n", *lines))


class Scene:
    """A folder with a configuration, in which a daemon can be watched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def config(self) -> Path:
        """The configuration of the daemon."""
        return self.folder / _CONFIG

    @property
    def log(self) -> Path:
        """What the daemon logs."""
        return self.folder / _LOG

    @property
    def inbox(self) -> Path:
        """Where the sample is dropped."""
        return self.folder / "inbox"

    @property
    def outbox(self) -> Path:
        """Where the transcript appears."""
        return self.folder / "outbox"

    @property
    def state(self) -> Path:
        """The daemon's memory."""
        return self.folder / "state"

    def clear(self) -> None:
        """Remove what an earlier demonstration left here.

        Raises:
            DemoFailed: the folder is somebody else's, or holds files that no demonstration made.
        """
        with _usable(self.folder):
            self._clear()

    def prepare(self, engine: str) -> None:
        """Write the configuration into the cleared folder; the daemon makes the rest.

        Args:
            engine: the section `engine` as YAML.

        Raises:
            DemoFailed: it cannot be written.
        """
        fields = {"config": self.config, "subfolder": SUBFOLDER, "formats": ", ".join(FORMATS)}
        with _usable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _MARKER).write_text(json.dumps(_own_files()), encoding="utf-8")
            self.config.write_text(_SETTINGS.format(engine=engine, **fields), encoding="utf-8")

    def drop(self) -> str:
        """Move a copy of the sample into the inbox in one step; give its path there."""
        target = self.inbox / SUBFOLDER / SAMPLE
        target.parent.mkdir(parents=True)
        aside = self.folder / f".{SAMPLE}.copying"
        with as_file(files(_PACKAGE).joinpath(SAMPLE)) as sample:
            shutil.copyfile(sample, aside)
        aside.rename(target)
        return f"{SUBFOLDER}/{SAMPLE}"

    def last_lines(self, count: int) -> list[str]:
        """Give the end of the log."""
        return self.log.read_text("utf-8", errors="replace").splitlines()[-count:]

    def _clear(self) -> None:
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        marker = self.folder / _MARKER
        if not marker.is_file():
            what = f"{self.folder} was not made by a demonstration and is left alone"
            raise DemoFailed(what, hint="name another place with --folder")
        visible = [self.folder / name for name in ("inbox", "outbox", "error")]
        _refuse_strangers(visible, folder=self.folder, own=set(json.loads(marker.read_text("utf-8"))))
        for made in (*visible, self.state):
            if made.exists():
                shutil.rmtree(made)
        for path in (self.config, self.log, marker):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"{folder} cannot be used: {error.strerror or error}"
        raise DemoFailed(what, hint="name another place with --folder") from error


def _refuse_strangers(visible: list[Path], *, folder: Path, own: set[str]) -> None:
    found = (path for root in visible for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    there = {path.relative_to(folder).as_posix() for path in found}
    if strangers := sorted(there - own):
        names = ", ".join(shown(name) for name in strangers)
        raise DemoFailed(f"{folder} holds files of yours: {names}", hint="move them away, or name another --folder")


def _own_files() -> list[str]:
    """List what a demonstration may leave in the three folders that people look into."""
    stem = SAMPLE.partition(".")[0]
    outputs = [f"outbox/{SUBFOLDER}/{stem}.{ending}" for ending in FORMATS]
    reports = [f"error/{SUBFOLDER}/{SAMPLE}{ending}" for ending in ("", ".error.txt", ".partial.txt")]
    return [f"inbox/{SUBFOLDER}/{SAMPLE}", f"outbox/{SUBFOLDER}/{SAMPLE}", *outputs, *reports]
