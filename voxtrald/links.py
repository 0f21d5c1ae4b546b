"""Link files: which web address a file in the inbox names, and whether it may be opened. Pure.

A link file is text from somebody who may drop files, and what it asks for is a connection from this machine. So an
address is taken apart here, compared with the hosts that the settings list, and put together anew from its parts: what
is opened later is what was judged. Where a name leads is only known after it was looked up; `is_public` judges that.
"""

from __future__ import annotations

import configparser
import plistlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import PurePosixPath
from xml.parsers.expat import ExpatError

import idna

from voxtrald.errors import Reason, RecordingError
from voxtrald.naming import LINK_EXTENSIONS

LONGEST_FILE_BYTES = 64 * 1024
LONGEST_ADDRESS = 8192  # what web servers take; more is no address

_USUAL_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_LONGEST_HOST = 253  # RFC 1035, section 2.3.4, without the dot at its end

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ENTRY = re.compile(r"(?P<below>\*\.)?(?P<host>[^:]+)(:(?P<port>[0-9]{1,5}))?")
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<place>[^/?#\\]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(#.*)?", re.IGNORECASE
)
_PLACE = re.compile(r"(?P<host>[^:\[\]@]+)(:(?P<port>[0-9]{1,5})?)?")
_TO_BE_QUOTED = re.compile(r"[^A-Za-z0-9%._~:/?\[\]!$&'()*+,;=@-]")

_ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# What plistlib lets through of a damaged file, beside its own error: a date that is none, a list in the place of a key,
# nesting without end.
_PLIST_FAULTS = (ValueError, ExpatError, AttributeError, TypeError, LookupError, RecursionError, OverflowError)

# Python's own judgement (`is_global`) differs between its versions and lets these through. Sources: IANA's registries
# of special-purpose addresses, RFC 6890, RFC 6052 (an address in an address), RFC 3879.
_GLOBAL_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A web address that may be opened, as far as can be told without looking its host up.

    Attributes:
        url: the whole, in ASCII. It may hold a signature: neither logged nor shown.
        host: in small letters; names of other scripts in their ASCII form.
        shown: the address without what follows a `?`, for results.
    """

    url: str = field(repr=False)
    host: str
    port: int
    shown: str = field(repr=False)


# --- what a file says ------------------------------------------------------------------------------------------


def read_link(name: str, content: bytes) -> str:
    """Read the address out of a link file, as it stands there.

    Args:
        name: the file's name; its ending says of which kind it is.
        content: the whole file, or enough of it to see that it is too long.

    Raises:
        RecordingError: there is no address in it.
    """
    if not content:
        raise RecordingError(Reason.EMPTY, "the link file is empty", hint="make the link anew")
    if len(content) > LONGEST_FILE_BYTES:
        raise _unreadable(f"the link file has more than {LONGEST_FILE_BYTES // 1024} KiB")
    kind = PurePosixPath(name).suffix.casefold().removeprefix(".")
    readers = {"url": _read_shortcut, "webloc": _read_webloc}
    address = readers[kind](content).strip() if kind in LINK_EXTENSIONS else ""
    if not address:
        raise _unreadable("there is no address in the link file")
    return address


def _read_shortcut(content: bytes) -> str:
    """Read a Windows shortcut: sections of `key=value`, of any of the encodings that have been in use."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=True, default_section="")
    try:
        parser.read_string(_decoded(content))
    except (configparser.Error, ValueError) as error:
        raise _unreadable("the link file is damaged") from error
    sections = (parser[name] for name in parser if name.casefold() == "internetshortcut")
    return next((section.get("url") or "" for section in sections), "")


def _decoded(content: bytes) -> str:
    marked = next((encoding for mark, encoding in _ENCODINGS.items() if content.startswith(mark)), None)
    try:
        return content.decode(marked or "utf-8")
    except UnicodeDecodeError:
        if marked is not None:
            raise
        return content.decode("cp1252", errors="replace")


def _read_webloc(content: bytes) -> str:
    """Read a macOS link: a property list, as XML or binary, with the one key `URL`."""
    try:
        listed = plistlib.loads(content)
    except _PLIST_FAULTS as error:
        raise _unreadable("the link file is damaged") from error
    address = listed.get("URL") if isinstance(listed, dict) else None
    return address if isinstance(address, str) else ""


def _unreadable(message: str) -> RecordingError:
    return RecordingError(Reason.UNREADABLE, message, hint="make the link anew, or drop the recording itself")


# --- what may be opened ----------------------------------------------------------------------------------------


def read_address(text: str, *, hosts: Iterable[str]) -> Address:
    """Take an address apart, judge it, and put it together anew.

    Args:
        text: as it stands in a link file or in a redirect.
        hosts: the hosts that may be opened, as `host_entry` gives them.

    Raises:
        RecordingError: it is no web address, or none that may be opened.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or len(text) > LONGEST_ADDRESS or not text.isprintable():
        raise _refused("the link does not lead to a web address", hint="it has to begin with http:// or https://")
    if "@" in found["place"]:
        raise _refused("the link's address holds a user name or a password", hint="remove what stands before the @")
    scheme = found["scheme"].lower()
    host, port = _read_place(found["place"], usual_port=_USUAL_PORTS[scheme])
    if not is_listed(host, port, hosts=hosts):
        place = host if port in _USUAL_PORTS.values() else f"{host}:{port}"
        raise _refused(f"the link leads to {place}, which is not in watch.link_hosts", hint="add it if you trust it")
    root = f"{scheme}://{host}" + ("" if port == _USUAL_PORTS[scheme] else f":{port}")
    shown = root + _quoted(found["path"] or "/")
    return Address(url=shown + _quoted(found["query"] or ""), host=host, port=port, shown=shown)


def _read_place(place: str, *, usual_port: int) -> tuple[str, int]:
    found = _PLACE.fullmatch(place)
    port = int(found["port"] or usual_port) if found else 0
    if found is None or not 0 < port <= _HIGHEST_PORT:
        raise _refused("the link's address does not name a host", hint="such as https://media.example.org/talk.mp3")
    try:
        return ascii_host(found["host"]), port
    except ValueError as error:
        raise _refused("the link's address does not name a host that can exist") from error


def _quoted(text: str) -> str:
    """Write what an address cannot hold as its bytes in UTF-8; what is written so already stays."""
    return _TO_BE_QUOTED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8")), text)


def _refused(message: str, *, hint: str = "") -> RecordingError:
    return RecordingError(Reason.LINK_REFUSED, message, hint=hint)


def ascii_host(name: str) -> str:
    """Write a host's name as name servers know it: ASCII, small letters, no dot at its end.

    Raises:
        ValueError: no host can have this name.
    """
    plain = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    plain = plain.lower().removesuffix(".")
    if len(plain) > _LONGEST_HOST or not _HOST.fullmatch(plain):
        raise ValueError("not a host's name")
    return plain


def host_entry(text: str) -> str:
    """Write an entry of `watch.link_hosts` in the one form that is compared: `host`, `*.host`, or one with `:port`.

    Raises:
        ValueError: it is no such entry.
    """
    found = _ENTRY.fullmatch(text)
    if found is None or (found["port"] and not 0 < int(found["port"]) <= _HIGHEST_PORT):
        raise ValueError("not a host's name")
    port = f":{int(found['port'])}" if found["port"] else ""
    return f"{found['below'] or ''}{ascii_host(found['host'])}{port}"


def is_listed(host: str, port: int, *, hosts: Iterable[str]) -> bool:
    """Tell whether an entry allows this host and port; one that names no port allows 80 and 443."""
    return any(_allows(entry, host=host, port=port) for entry in hosts)


def _allows(entry: str, *, host: str, port: int) -> bool:
    name, _, own_port = entry.partition(":")
    if port not in ({int(own_port)} if own_port else _USUAL_PORTS.values()):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the internet at large.

    Not this machine, its network, the provider's, a cloud's metadata service or many at once; nor an address that
    carries another one in it, which would hide where it leads (IPv4 in IPv6, NAT64, 6to4, Teredo).
    """
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast
