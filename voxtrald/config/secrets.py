"""Where the API key comes from, to whom it may be sent, and where it must not stand."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from voxtrald.config.engine import EngineSettings
from voxtrald.config.reading import KeyPath
from voxtrald.errors import ConfigError, Problem

CREDENTIAL = "api-key"
KEYLESS = frozenset({"local"})  # kinds that talk to nobody
KEY_NEEDED = frozenset({"mistral"})  # kinds whose service answers nobody without a key


def key_variable(kind: str) -> str | None:
    """Name the environment variable for the key of an engine kind, or None where it never needs one."""
    return None if kind in KEYLESS else f"{kind.upper()}_API_KEY"


SOURCES = (
    f"give it as the systemd credential `{CREDENTIAL}`, in a file named by engine.api_key_file, "
    f"or in the environment variable {key_variable('mistral')} (kind openai: {key_variable('openai')})"
)
SOURCES_ELSEWHERE = "it gets no key that was given for another service: name a file in the rule's engine.api_key_file"
LONGEST_KEY = 4096

_SECRET_NAMES = frozenset(
    {"api_key", "apikey", "api-key", "key", "mistral_api_key", "authorization", "password", "secret", "token"}
)
_ENGINES = frozenset({"engine", "engines"})
_KEY_LIKE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9]{32,}")
_ONE_WORD = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where the API key is taken from: a file, or the environment variable `name` where `path` is None."""

    name: str
    path: Path | None = None


def find_api_key(engine: EngineSettings, environ: Mapping[str, str], *, main: EngineSettings) -> SecretStr | None:
    """Read an engine's API key from the first source that is set; None where no source is.

    The order is the systemd credential `api-key` (systemd.exec(5), LoadCredential), `engine.api_key_file`, the
    environment variable of the kind, such as MISTRAL_API_KEY. A source that is set and cannot be used is an error:
    falling through to the next one would use a key that nobody expects.

    Args:
        engine: who needs the key, outside of rules or in one.
        environ: the process's environment.
        main: the engine outside of rules. What was given for its service is never sent to another one.

    Raises:
        ConfigError: the key cannot be read, or it is not one word.
    """
    source = key_source(engine, environ, main=main)
    if source is None:
        return None
    text = environ[source.name] if source.path is None else _read(source.path)
    key = text.strip()
    fault = _fault(key)
    if fault:
        raise _refused(fault, file=source.name)
    return SecretStr(key)


def require_api_key(engine: EngineSettings, environ: Mapping[str, str], *, main: EngineSettings) -> SecretStr:
    """Read the key of an engine that cannot do without; see `find_api_key`.

    Raises:
        ConfigError: there is no key, or it cannot be read, or it is not one word.
    """
    key = find_api_key(engine, environ, main=main)
    if key is None:
        hint = SOURCES if engine.is_of_one_service_with(main) else SOURCES_ELSEWHERE
        raise _refused("no API key was found", file="", hint=hint)
    return key


def key_source(engine: EngineSettings, environ: Mapping[str, str], *, main: EngineSettings) -> KeySource | None:
    """Tell where the key would be read from, or None where no source is set or the kind needs none."""
    variable = key_variable(engine.kind)
    if variable is None:
        return None
    is_main_service = engine.is_of_one_service_with(main)
    credential = _credential(environ) if is_main_service else None
    if credential is not None:
        return KeySource(name=str(credential), path=credential)
    if engine.api_key_file is not None:
        return KeySource(name=str(engine.api_key_file), path=engine.api_key_file)
    # Of two addresses of one kind, the variable is for the one outside of rules.
    if environ.get(variable, "").strip() and (is_main_service or engine.kind != main.kind):
        return KeySource(name=variable)
    return None


def _credential(environ: Mapping[str, str]) -> Path | None:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, CREDENTIAL) if folder else None
    return credential if credential is not None and credential.exists() else None


def key_warnings(
    engine: EngineSettings, environ: Mapping[str, str], *, main: EngineSettings | None = None
) -> tuple[str, ...]:
    """Warn of an engine's key that strangers can read, on this machine or on the wire.

    Args:
        engine: whose key it is.
        environ: the process's environment.
        main: the engine outside of rules, or None where it is this one.
    """
    source = key_source(engine, environ, main=main or engine)
    if source is None:
        return ()
    warnings = []
    if source.path is not None and _is_readable_by_all(source.path):
        warnings.append(f"{source.path} can be read by everybody on this machine: chmod 600 {source.path}")
    address = urlsplit(engine.base_url or "")
    if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
        warnings.append(f"{engine.base_url} begins with http://: the API key travels unencrypted")
    return tuple(warnings)


def secret_paths(values: Any, *, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Find where a secret stands in a configuration: by the key's name, or by how its value looks.

    The names of speakers are no keys: people are called Key.
    """
    if isinstance(values, Mapping):
        for name, value in values.items():
            path = (*at, name)
            is_speaker = at[-1:] in {("speaker_references",), ("speakers",)}
            if (is_secret_name(name) and not is_speaker) or (not _ENGINES.isdisjoint(at) and _looks_like_a_key(value)):
                yield path
            else:
                yield from secret_paths(value, at=path)
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from secret_paths(value, at=(*at, index))


def is_secret_name(name: str) -> bool:
    """Tell whether a key of this name would hold a secret."""
    return name.lower() in _SECRET_NAMES


def _looks_like_a_key(value: Any) -> bool:
    return isinstance(value, str) and _KEY_LIKE.fullmatch(value) is not None


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST_KEY + 1)
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        raise _refused(f"the API key cannot be read: {reason}", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise _refused("does not hold an API key: it is not text", file=str(path)) from error


def _fault(key: str) -> str:
    if not key:
        return "is empty, where the API key should stand"
    if _ONE_WORD.fullmatch(key) is None or len(key) > LONGEST_KEY:
        return "must hold the API key and nothing else, in one line"
    if "=" in key.rstrip("=") or key.lower().startswith("bearer"):
        return "must hold the API key alone, without a name before it"
    return ""


def _refused(what: str, *, file: str, hint: str = "") -> ConfigError:
    return ConfigError((Problem(key="engine.api_key_file", what=what, hint=hint, file=file),))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # any other name
        return False


def _is_readable_by_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # an unreadable file is find_api_key's to report
        return False
