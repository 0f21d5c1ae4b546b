"""A transcript as a file's text.

An output format is one module in the package `formats`, with a function `render(document)`. The module's name is both
the format's name in the configuration and the file's ending. Adding the module is all it takes to add the format.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from voxtrald.transcript.document import Document
from voxtrald.transcript.rendering import formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An output format: its file ending without the dot, and how to write a document in it."""

    suffix: str
    render: Callable[[Document], str]


class _FormatModule(Protocol):
    def render(self, document: Document) -> str: ...


def _discover() -> Mapping[str, Format]:
    names = sorted(name for _, name, _ in pkgutil.iter_modules(formats.__path__) if not name.startswith("_"))
    return MappingProxyType({name: Format(suffix=name, render=_load(name).render) for name in names})


def _load(name: str) -> _FormatModule:
    return cast("_FormatModule", importlib.import_module(f"{formats.__name__}.{name}"))


FORMATS: Mapping[str, Format] = _discover()


def render(document: Document, format_name: str) -> str:
    """Write `document` in a format; the text ends with a newline and can be encoded as UTF-8.

    Raises:
        ValueError: no format has that name.
    """
    if format_name not in FORMATS:
        raise ValueError(f"there is no output format {format_name!r}; there are {', '.join(FORMATS)}")
    text = FORMATS[format_name].render(document)
    # A file name that is not valid UTF-8 reaches us with lone surrogates in it, which no UTF-8 file can hold.
    return text.encode(errors="replace").decode()
