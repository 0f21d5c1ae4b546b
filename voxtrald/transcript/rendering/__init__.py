"""A transcript as a file's text.

An output format is one module in the package `formats`: it has a `SUFFIX`, which is both the format's name in
the configuration and the file's ending, and a `render(document)`. Adding the module is all it takes to add
the format.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from voxtrald.transcript.model import Document
from voxtrald.transcript.rendering import formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An output format: its file ending without the dot, and how to write a document in it."""

    suffix: str
    render: Callable[[Document], str]


class _FormatModule(Protocol):
    SUFFIX: str

    def render(self, document: Document) -> str: ...


def _discover() -> Mapping[str, Format]:
    names = (f"{formats.__name__}.{module.name}" for module in pkgutil.iter_modules(formats.__path__))
    modules = [cast("_FormatModule", importlib.import_module(name)) for name in names]
    found = {module.SUFFIX: Format(suffix=module.SUFFIX, render=module.render) for module in modules}
    return MappingProxyType(dict(sorted(found.items())))


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
