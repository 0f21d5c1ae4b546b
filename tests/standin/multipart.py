"""Reads forms from a socket: file parts go to disk as they arrive, so memory stays small."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_READ_BYTES = 1 << 18


class NotAForm(ValueError):
    """The body is not a form, or breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file from a form, kept on disk."""

    name: str
    filename: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a form holds: plain fields in order, and files; `kinds` are the content types that fields name."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[FilePart, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """The first value of a plain field."""
        return next((value for key, value in self.fields if key == name), None)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a plain field."""
        return tuple(value for key, value in self.fields if key == name)


def read_form(pull: Callable[[int], bytes], *, content_type: str, length: int, folder: Path) -> Form:
    """Read `length` bytes through `pull` and take the form apart.

    Args:
        pull: gives up to so many bytes, fewer only at the end of the connection.
        content_type: the request's header, with the boundary.
        length: the request's Content-Length.
        folder: where file parts are put.

    Raises:
        NotAForm: another content type, or a body that breaks the multipart rules. All bytes are read
            nevertheless.
        ConnectionError: the client went away.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        return Form(fields=tuple(_read_urlencoded(pull, length)), files=())
    if kind != b"multipart/form-data" or b"boundary" not in options:
        drain(pull, length)
        raise NotAForm(f"not multipart/form-data: {content_type[:80]}")
    reader = _FormReader(folder=folder)
    parser = MultipartParser(options[b"boundary"], reader.callbacks())
    try:
        _feed(parser, pull, length)
        return reader.finish()
    except (NotAForm, ConnectionError):
        reader.discard()
        raise


def _read_urlencoded(pull: Callable[[int], bytes], length: int) -> list[tuple[str, str]]:
    body = bytearray()
    while len(body) < length:
        body += _pull_some(pull, length - len(body))
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def drain(pull: Callable[[int], bytes], length: int) -> None:
    """Read and forget a body."""
    while length > 0:
        length -= len(_pull_some(pull, length))


def _pull_some(pull: Callable[[int], bytes], length: int) -> bytes:
    piece = pull(min(length, _READ_BYTES))
    if not piece:
        raise ConnectionResetError("the client left in the middle of its body")
    return piece


def _feed(parser: MultipartParser, pull: Callable[[int], bytes], length: int) -> None:
    try:
        while length > 0:
            piece = _pull_some(pull, length)
            length -= len(piece)
            parser.write(piece)
        parser.finalize()
    except MultipartParseError as error:
        drain(pull, length)
        raise NotAForm(str(error)) from error


@dataclass(slots=True)
class _FormReader:
    """Collects what the parser reports."""

    folder: Path
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[FilePart] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _name: str = ""
    _filename: str | None = None
    _text: bytearray = field(default_factory=bytearray)
    _file: IO[bytes] | None = None
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _ended: bool = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_body,
            "on_part_data": self._take,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def finish(self) -> Form:
        if not self._ended:
            raise NotAForm("the last boundary is missing")
        return Form(fields=tuple(self.fields), files=tuple(self.files), kinds=self.kinds)

    def discard(self) -> None:
        """Remove what has come so far."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink()
        for part in self.files:
            part.path.unlink()

    def _begin_part(self) -> None:
        self._headers = {}

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_body(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._filename = _file_name(self._headers.get(b"content-disposition", b""), options.get(b"filename"))
        self._text = bytearray()
        if self._filename is not None:
            self._digest = hashlib.sha256()
            self._file = tempfile.NamedTemporaryFile(dir=self.folder, delete=False)  # noqa: SIM115  closed at the part's end

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._text += data[start:end]
            return
        piece = memoryview(data)[start:end]
        self._file.write(piece)
        self._digest.update(piece)

    def _end_part(self) -> None:
        if self._file is None:
            self.fields.append((self._name, self._text.decode("utf-8", "replace")))
            if b"content-type" in self._headers:
                self.kinds[self._name] = self._headers[b"content-type"].decode("latin-1")
            return
        size = self._file.tell()
        self._file.close()
        self.files.append(
            FilePart(
                name=self._name,
                filename=self._filename or "",
                path=Path(self._file.name),
                size_bytes=size,
                sha256=self._digest.hexdigest(),
            )
        )
        self._file = None

    def _end(self) -> None:
        self._ended = True


def _file_name(disposition: bytes, plain: bytes | None) -> str | None:
    """The file's name; a part with an empty name counts as one without."""
    if not plain and not re.search(rb"filename\*=", disposition):
        return None
    return (plain or b"file").decode("utf-8", "replace")
