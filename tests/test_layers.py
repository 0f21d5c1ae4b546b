"""Who may import whom: the house as one picture, read from the source and enforced."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# Imports point downward only. Names on one line share a room and may meet; a bar is a wall between rooms.
HOUSE = """
    cli __main__
    daemon foreground demonstration
    worker errands admission
    assembly
    service
    pipeline
    dispatch
    watch | engines | audio | store
    transcript
    config links retrying naming globbing redacting errors logs steps clock stopping storage marks heap
    __init__
"""

# Each foreign thing has one owner, or one for each use: nobody else imports it.
OWNERS = {
    "watchdog": "watch/watcher.py",
    "requests": "engines/*",
    "requests_toolbelt": "engines/*",
    "urllib3": "engines/*",
    "subprocess": "audio/* engines/whisper/process.py demonstration/processes.py "
    "service/systemd/installer.py service/messages/scripts.py",
    "ctypes": "audio/jail/kernel.py heap.py",
    "pydub": "audio/*",
    "imageio_ffmpeg": "audio/*",
    "faster_whisper": "engines/whisper/model.py",
    "ctranslate2": "engines/whisper/model.py",
    "huggingface_hub": "engines/whisper/model.py",
    "av": "engines/whisper/model.py",
    "sqlite3": "store/*",
    "prometheus_client": "service/metrics/series.py",
    "apprise": "service/messages/apprising.py",
    "yaml": "config[./]*",
    "idna": "links.py",
    "click": "cli/*",
    "rich": "cli/*",
}

# Functions with an owner although their module has many users. A sleep has none: it does not hear stop.
CALLS = {"structlog.configure": "logs.py", "structlog.configure_once": "logs.py", "time.sleep": "nobody"}

# Values in, values out. These import each other and the quiet part of the standard library, and nothing else.
PURE = (
    *("errors.py", "globbing.py", "marks.py", "naming.py", "redacting.py", "retrying.py"),
    *("transcript/*", "watch/settling.py", "dispatch/circuit.py", "pipeline/deciding.py", "pipeline/outcome.py"),
    *("engines/http/answers.py", "engines/http/refusals.py", "engines/http/replies.py"),
    *("engines/compatible/detecting.py", "engines/compatible/languages.py", "engines/compatible/reading.py"),
)
EFFECTS = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "threading", "time", "random", "secrets", "uuid"),
    *("os", "shutil", "tempfile", "signal", "subprocess", "logging"),
    *("http", "select", "socket", "ssl", "urllib"),
}
EFFECTIVE_CALLS = {
    "open",
    "print",
    "input",
    "now",
    "today",
    "exists",
    "stat",
    "read_text",
    "read_bytes",
    "write_text",
}

# A module is named for what it is; under these names unrelated things settle.
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "data", "info"}

PACKAGE = "voxtrald"
Sources = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a module lives: the floor, counted from the ground, and the room on it."""

    floor: int
    room: int


def read_house(picture: str) -> dict[str, Place]:
    """Read which top-level name lives where from the picture."""
    floors = picture.strip().splitlines()[::-1]
    rooms = [(floor, room) for floor, line in enumerate(floors) for room in enumerate(line.split("|"))]
    return {name: Place(floor=floor, room=room) for floor, (room, names) in rooms for name in names.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file of the package: its path below the package, its dotted name and its syntax tree."""

    path: str
    name: str
    tree: ast.Module

    @property
    def top(self) -> str:
        """The part of the name that the picture knows."""
        return self.name.split(".")[1] if "." in self.name else "__init__"

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]

    def has_path(self, *patterns: str) -> bool:
        """Whether the path matches one of the patterns."""
        return any(fnmatchcase(self.path, pattern) for pattern in patterns)


def parse_modules(sources: Sources) -> dict[str, Module]:
    """Parse every source file; keyed by dotted name."""
    modules = {}
    for path, text in sources.items():
        name = ".".join((PACKAGE, *Path(path).with_suffix("").parts)).removesuffix(".__init__")
        modules[name] = Module(path=path, name=name, tree=ast.parse(text, filename=path))
    return modules


def imported_names(module: Module) -> Iterator[str]:
    """Name everything the module imports, wherever it does: inside a function it is a dependency as well.

    `from a import b` gives `a.b`, whether `b` is a module or a name in one.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = module.package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join((*origin, *filter(None, [node.module])))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    """Name the modules of the package that this one imports."""
    for name in imported_names(module):
        if name.split(".")[0] == PACKAGE:
            yield name if name in modules else name.rpartition(".")[0]


def called_names(module: Module) -> Iterator[str]:
    """Name what is called, as it is written, such as `open` or `time.sleep`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# --- the complaints -----------------------------------------------------------------------------------------


def find_homeless(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find modules the picture does not show."""
    house = read_house(HOUSE)
    yield from (f"{module.path} has no room" for module in modules.values() if module.top not in house)


def find_climbing(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find imports that point up or through a wall."""
    house = read_house(HOUSE)
    for module in modules.values():
        for target in own_imports(module, modules):
            place = house.get(module.top)
            other = house.get(target.split(".")[1] if "." in target else "__init__")
            if place and other and place != other and other.floor >= place.floor:
                way = "sideways" if other.floor == place.floor else "upward"
                yield f"{module.path} imports {way}: {target}"


def find_cycles(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find a ring of modules that need each other."""
    graph = {name: set(own_imports(module, modules)) - {name} for name, module in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "modules import each other: " + " <- ".join(error.args[1])


def find_trespassers(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find foreign things outside their owner's module."""
    for module in modules.values():
        names = sorted(set(imported_names(module)))
        for foreign in sorted({name.split(".")[0] for name in names} & OWNERS.keys()):
            if not module.has_path(*OWNERS[foreign].split()):
                yield f"{module.path} imports {foreign}, which belongs to {OWNERS[foreign]}"
        for call in sorted({*names, *called_names(module)} & CALLS.keys()):
            if not module.has_path(CALLS[call]):
                yield f"{module.path} uses {call}, which belongs to {CALLS[call]}"


def find_impure(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find foreign packages and impure neighbours in the modules that promise to be pure."""
    pure = {name: module for name, module in modules.items() if module.has_path(*PURE)}
    for module in pure.values():
        foreign = {name.split(".")[0] for name in imported_names(module)} - sys.stdlib_module_names - {PACKAGE}
        impure = set(own_imports(module, modules)) - pure.keys()
        yield from (f"{module.path} is pure and imports {name}" for name in sorted(foreign | impure))


def find_effects(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find clocks, threads, files and sockets in pure modules, also in those that only say they are."""
    for module in modules.values():
        if not module.has_path(*PURE) and "Pure." not in (ast.get_docstring(module.tree) or ""):
            continue
        imported = {name.split(".")[0] for name in imported_names(module)} & EFFECTS
        yield from (f"{module.path} is pure and imports {name}" for name in sorted(imported))
        called = {name for name in called_names(module) if name.rpartition(".")[2] in EFFECTIVE_CALLS}
        yield from (f"{module.path} is pure and calls {name}()" for name in sorted(called))


def find_vague(modules: Mapping[str, Module]) -> Iterator[str]:
    """Find modules and packages whose name does not say what they are."""
    for module in modules.values():
        words = {word for part in Path(module.path).with_suffix("").parts for word in part.split("_")}
        yield from (f"{module.path} is called {word!r}" for word in sorted(words & VAGUE))


RULES = (
    find_homeless,
    find_climbing,
    find_cycles,
    find_trespassers,
    find_impure,
    find_effects,
    find_vague,
)


def complaints(sources: Sources) -> list[str]:
    """List what is wrong with the package made of these sources, by path below the package."""
    modules = parse_modules(sources)
    return sorted({complaint for rule in RULES for complaint in rule(modules)})


# --- the package --------------------------------------------------------------------------------------------


def test_the_package_keeps_to_the_picture():
    """Every module has a room, imports downward only, and leaves foreign things to their owner."""
    root = Path(__file__).resolve().parent.parent / PACKAGE
    sources = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*.py")}

    found = complaints(sources)

    assert len(sources) > 1
    assert found == [], "\n".join(["", *found])


# --- the checker --------------------------------------------------------------------------------------------


def test_a_tidy_package_draws_no_complaint():
    """Downward imports, neighbours in one room, owners and calm pure modules are all in order."""
    sources = {
        "__init__.py": "__version__ = '1'",
        "errors.py": "class Broken(Exception): ...",
        "config/__init__.py": "from .reading import read",
        "config/reading.py": "import yaml\nfrom voxtrald import __version__, errors",
        "logs.py": "import structlog\nstructlog.configure()",
        "transcript/model.py": "import dataclasses\nfrom voxtrald.errors import Broken",
        "transcript/merging.py": "from . import model\nfrom .model import Span",
        "audio/ffmpeg.py": "import subprocess, time\nfrom ..errors import Broken\ntime.monotonic()",
        "store/ledger.py": "import sqlite3\nimport voxtrald.config.reading",
        "watch/watcher.py": "from watchdog.observers import Observer",
        "cli/app.py": "import typer\nfrom voxtrald.audio import ffmpeg",
        "__main__.py": "from voxtrald.cli.app import main",
    }

    assert complaints({**sources, "audio/__init__.py": ""}) == []


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ({"attic.py": ""}, "attic.py has no room"),
        (
            {"errors.py": "from voxtrald.config import Settings", "config.py": ""},
            "errors.py is pure and imports voxtrald.config",
        ),
        (
            {"store/ledger.py": "import voxtrald.daemon", "daemon.py": ""},
            "store/ledger.py imports upward: voxtrald.daemon",
        ),
        (
            {"store/ledger.py": "def late():\n    from voxtrald import pipeline", "pipeline.py": ""},
            "store/ledger.py imports upward: voxtrald.pipeline",
        ),
        (
            {"watch/watcher.py": "from voxtrald.audio.probe import probe", "audio/probe.py": ""},
            "watch/watcher.py imports sideways: voxtrald.audio.probe",
        ),
        (
            {"engines/kinds/mistral.py": "from ...store import ledger", "store/ledger.py": ""},
            "engines/kinds/mistral.py imports sideways: voxtrald.store.ledger",
        ),
        (
            {"logs.py": "from .config import Settings", "config.py": "from . import logs"},
            "modules import each other: voxtrald.logs <- voxtrald.config <- voxtrald.logs",
        ),
        (
            {"watch/scanning.py": "import watchdog"},
            "watch/scanning.py imports watchdog, which belongs to watch/watcher.py",
        ),
        (
            {"pipeline.py": "from requests.adapters import X"},
            "pipeline.py imports requests, which belongs to engines/*",
        ),
        (
            {"daemon.py": "import subprocess"},
            f"daemon.py imports subprocess, which belongs to {OWNERS['subprocess']}",
        ),
        ({"configuring.py": "import yaml"}, "configuring.py imports yaml, which belongs to config[./]*"),
        (
            {"daemon.py": "import structlog\nstructlog.configure()"},
            "daemon.py uses structlog.configure, which belongs to logs.py",
        ),
        (
            {"daemon.py": "from structlog import configure"},
            "daemon.py uses structlog.configure, which belongs to logs.py",
        ),
        ({"daemon.py": "import time\ntime.sleep(1)"}, "daemon.py uses time.sleep, which belongs to nobody"),
        ({"watch/settling.py": "from time import monotonic"}, "watch/settling.py is pure and imports time"),
        (
            {"transcript/rendering/webvtt.py": "import numpy"},
            "transcript/rendering/webvtt.py is pure and imports numpy",
        ),
        (
            {"engines/http/answers.py": '"""Read an answer. Pure."""\nimport socket'},
            "engines/http/answers.py is pure and imports socket",
        ),
        ({"naming.py": "open('x')"}, "naming.py is pure and calls open()"),
        (
            {"naming.py": "from datetime import date\ndate.today()"},
            "naming.py is pure and calls date.today()",
        ),
        ({"audio/ffmpeg_helpers.py": ""}, "audio/ffmpeg_helpers.py is called 'helpers'"),
        ({"store/common/sql.py": ""}, "store/common/sql.py is called 'common'"),
    ],
)
def test_each_rule_can_be_broken(sources, complaint):
    """A source that breaks one rule is named, with the rule."""
    found = complaints(sources)

    assert complaint in found
