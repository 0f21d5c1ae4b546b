"""Find the configuration, read it, and report everything that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from voxtrald.config.availability import availability_problems
from voxtrald.config.engine import EngineSettings
from voxtrald.config.inheriting import fill_rules
from voxtrald.config.offering import offer_problems
from voxtrald.config.overriding import override
from voxtrald.config.placing import folder_problems, folder_warnings, read_mounts, script_problems
from voxtrald.config.reading import KeyPath, Written, read_yaml
from voxtrald.config.refusing import problem_at, validation_problems
from voxtrald.config.secrets import SOURCES, key_warnings, secret_paths
from voxtrald.config.settings import SECTIONS, Settings
from voxtrald.config.shape import FixedMapping, Section
from voxtrald.errors import ConfigError, Problem

VARIABLE = "VOXTRALD_CONFIG"
SYSTEM_FILE = Path("/etc/voxtrald/config.yaml")
RESTART_KEYS = (
    *("folders.inbox", "folders.outbox", "folders.error", "folders.state"),
    *("dispatch.url", "web.listen", "metrics.listen"),
    *("watch.mode", "watch.settle_s", "watch.rescan_s", "watch.recursive", "watch.ignore"),
    *("watch.links", "watch.link_hosts"),  # a host taken off the list must not stay on it unnoticed
    "limits.requests_per_s",
)


def find_config(explicit: Path | None, *, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Choose the configuration file: the one asked for, $VOXTRALD_CONFIG, ./config.yaml, the system's.

    A file that was asked for is returned even where it does not exist, so that reading it fails; None means
    that there is no file and the defaults hold.
    """
    named = explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named is not None:
        return cwd / named
    return next((path for path in (cwd / "config.yaml", SYSTEM_FILE) if path.is_file()), None)


def load_settings(path: Path | None, *, environ: Mapping[str, str]) -> Settings:
    """Read the file at `path`, put the environment's keys over it, and check everything.

    Args:
        path: the file, or None for the defaults.
        environ: variables such as VOXTRALD_WATCH__SETTLE_S set single keys, in YAML.

    Raises:
        ConfigError: with every problem that was found, each with its file and line.
    """
    written = override(_read(path), environ)
    base = path.absolute().parent if path is not None else Path.cwd()
    secrets = _secret_problems(written)
    written = replace(written, values=_without(_without_empty_sections(written.values), secrets))
    settings, problems = _validated(written, base=base)
    placed: Settings | None = settings or _validated(_folders_alone(written), base=base)[0]
    if placed is not None:
        placed = _absolute(placed, base=base, home=environ.get("HOME", ""))
        problems += (*folder_problems(placed, written, mounts=read_mounts()), *script_problems(placed, written))
    problems += (*written.problems, *secrets.values(), *availability_problems(written), *offer_problems(written))
    if settings is None or placed is None or problems:
        raise ConfigError(tuple(sorted(problems, key=_reading_order)))
    return placed


def setting_warnings(settings: Settings, *, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Say what is allowed and still worth a second look."""
    of_keys = [
        warning for engine in settings.engines for warning in key_warnings(engine, environ, main=settings.engine)
    ]
    return (*folder_warnings(settings, mounts=read_mounts()), *dict.fromkeys(of_keys))


def changed_needing_restart(old: Settings, new: Settings) -> tuple[str, ...]:
    """List the keys that differ and only take effect when the program starts anew."""
    return tuple(key for key in RESTART_KEYS if _value(old, key) != _value(new, key))


def _value(settings: Settings, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


def _read(path: Path | None) -> Written:
    if path is None:
        return Written(values={})
    try:
        written = read_yaml(path.read_bytes(), file=str(path))
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        problem = Problem(
            key="", what=f"cannot be read: {reason}", hint="`voxtrald init` writes a new one", file=str(path)
        )
        raise ConfigError((problem,)) from error
    if isinstance(written.values, dict):
        return written
    if written.values is not None:
        what = "must hold keys such as `folders:`, not a single value or a list"
        raise ConfigError((*written.problems, problem_at(written, (), what=what)))
    if written.problems:
        raise ConfigError(written.problems)
    return replace(written, values={})


def _without_empty_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop sections whose keys are all commented out, which YAML reads as null."""
    return {name: value for name, value in values.items() if value is not None or name not in (*SECTIONS, "rules")}


def _secret_problems(written: Written) -> dict[KeyPath, Problem]:
    what = "looks like a secret, which does not belong in the configuration"
    return {
        path: problem_at(written, path, what=what, hint=f"the API key: {SOURCES}")
        for path in secret_paths(written.values)
    }


def _without(values: Any, secrets: Mapping[KeyPath, Problem], *, at: KeyPath = ()) -> Any:
    if isinstance(values, dict):
        return {
            name: _without(value, secrets, at=(*at, name))
            for name, value in values.items()
            if (*at, name) not in secrets
        }
    if isinstance(values, list):
        return [_without(value, secrets, at=(*at, index)) for index, value in enumerate(values)]
    return values


def _validated(written: Written, *, base: Path) -> tuple[Settings | None, tuple[Problem, ...]]:
    try:
        return Settings.model_validate({**fill_rules(written.values), "base": base}), ()
    except ValidationError as error:
        return None, validation_problems(error, written)


def _folders_alone(written: Written) -> Written:
    return Written(values={name: value for name, value in written.values.items() if name == "folders"})


def _absolute(value: Any, *, base: Path, home: str) -> Any:  # a type variable would lie about tuples
    """Give the same value with every path in it absolute."""
    if isinstance(value, Path):
        return Path(home, *value.parts[1:]) if value.parts[:1] == ("~",) and home else base / value
    if isinstance(value, EngineSettings):
        value = _with_model_located(value, base=base, home=home)
    if isinstance(value, Section):
        return value.replaced({name: _absolute(inner, base=base, home=home) for name, inner in value})
    if isinstance(value, FixedMapping):
        return FixedMapping({name: _absolute(path, base=base, home=home) for name, path in value.items()})
    if isinstance(value, tuple):
        return tuple(_absolute(inner, base=base, home=home) for inner in value)
    return value


def _with_model_located(engine: EngineSettings, *, base: Path, home: str) -> EngineSettings:
    """Make the folder of a local model absolute. A bare name is a folder's where there is such a folder."""
    if engine.kind != "local" or engine.model is None:
        return engine
    folder = _absolute(Path(engine.model), base=base, home=home)
    is_folder = os.sep in engine.model or folder.is_dir()
    return engine.replaced({"model": str(folder)}) if is_folder else engine


def _reading_order(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.line or 0
