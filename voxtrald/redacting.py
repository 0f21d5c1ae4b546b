"""Take out of a text what must not be read by everybody who reads logs and reports. Pure.

`mask` is for what we write ourselves, names of recordings among it. `redact` is for what others say, and suspects
more: error answers repeat what they were sent, and the service's "could not be fetched from url" holds the whole
signed address, which is a password for the recording until it expires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "<redacted>"
_EXCERPT_CHARACTERS = 300
_SHORTEST_SECRET = 4  # hiding a shorter one would punch holes into ordinary words

_USER_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@'\"<>]+@")
_QUERY_OR_FRAGMENT = re.compile(r"(?<=[\w/.:\])])[?#](?!<redacted>)[^\s'\"<>]*[=&%/][^\s'\"<>]*")
_AFTER_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"<>]*)[?#](?!<redacted>)[^\s'\"<>]*", re.IGNORECASE)
_SIGNATURE = re.compile(r"\?[\w.~%+-]+=[^\s\"'<>]*")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"\b(bearer|basic|x-api-key|api[-_ ]?key|authorization|token|sig|signature|secret|password)"
    r"([\"']?\s*[:=]\s*[\"']?|\s+)(?:bearer\s+)?(?=\S*\d)(?!<redacted>)[^\s'\"<>,;]+",
    re.IGNORECASE,
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_SEPARATORS = re.compile(r"[-+/_=]+")
_PLAIN_PIECE = re.compile(r"[A-Za-z]?[a-z]{0,19}\d{0,2}|[A-Z]{1,12}|\d{1,8}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def mask(text: str, *, secrets: Iterable[str]) -> str:
    """Remove the given secrets, the users and parameters of addresses, and authorization values."""
    text = _bare_addresses(_without(text, secrets))
    text = _SIGNATURE.sub(f"?{GONE}", text) if "?" in text else text
    return _BEARER.sub(rf"\1 {GONE}", text)


def redact(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Remove secrets: those given, queries and users of addresses, credentials, and what looks like a key.

    Names of models, paths made of words, and file ids (UUIDs) stay readable. A second time changes nothing.
    """
    text = _bare_addresses(_without(text, secrets))
    text = _QUERY_OR_FRAGMENT.sub(f"?{GONE}", text)
    text = _CREDENTIAL.sub(rf"\1\2{GONE}", text)
    return _LONG_RUN.sub(lambda run: run[0] if _is_plain(run[0]) else GONE, text)


def excerpt(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Redact, put on one line, and shorten to what a person wants to read in a report."""
    line = " ".join(redact(text, secrets=secrets).split())
    printable = "".join(character if character.isprintable() else "?" for character in line)
    return printable if len(printable) <= _EXCERPT_CHARACTERS else f"{printable[: _EXCERPT_CHARACTERS - 1]}…"


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, GONE)
    return text


def _bare_addresses(text: str) -> str:
    """Remove from addresses what stands before the host and after the path."""
    if "://" not in text:  # nearly always, and the expressions are dear
        return text
    return _AFTER_ADDRESS.sub(rf"\1?{GONE}", _USER_IN_ADDRESS.sub(f"{GONE}@", text))


def _is_plain(run: str) -> bool:
    """Whether a long run is made of words and small numbers, or is a UUID."""
    return _UUID.fullmatch(run) is not None or all(_PLAIN_PIECE.fullmatch(piece) for piece in _SEPARATORS.split(run))
