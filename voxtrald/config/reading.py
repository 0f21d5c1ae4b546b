"""Read YAML into plain values and remember where each key stands.

Keys are always text and the words for true and false are only `true` and `false`, as in YAML 1.2's core
schema (yaml.org/spec/1.2.2, section 10.3): under PyYAML's older rules the key `on:` becomes True, the
language code `no` becomes False and `010` becomes 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from voxtrald.errors import Problem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value was written: a file and a 1-based line, or an environment variable."""

    file: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What somebody wrote: the values, the place of each, and what could not be read."""

    values: Any = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, path: KeyPath) -> Place | None:
        """Find where `path` was written, or the nearest group around it, or the file without a line."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        root = self.places.get(())
        return replace(root, line=None) if root is not None else None


def key_text(path: KeyPath) -> str:
    """Write a path as people do: `rules[0].engine.language`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def read_yaml(
    text: str | bytes, *, file: str, has_lines: bool = True, takes_aliases: bool = True, at: KeyPath = ()
) -> Written:
    """Read one YAML document. Nothing is raised: what is wrong comes back as problems.

    Args:
        text: the document; bytes may be UTF-8 or UTF-16 with a mark.
        file: shown in problems, a path or the name of an environment variable.
        has_lines: whether line numbers help; they do not in an environment variable.
        takes_aliases: whether a value may refer to another one. A few lines of such values can stand for more than
            any memory holds, so not in what strangers wrote.
        at: where in the configuration the document belongs.
    """
    walk = _Walk(file=file, has_lines=has_lines)
    try:
        root = yaml.compose(text, Loader=_CoreLoader if takes_aliases else _PlainLoader)
        values = walk.value(root, at) if root is not None else None
    except yaml.YAMLError as error:
        return Written(problems=(_syntax_problem(error, text=text, file=file, at=at),))
    except RecursionError:
        return Written(problems=(Problem(key=key_text(at), what="is nested too deeply", file=file),))
    return Written(values=values, places=walk.places, problems=tuple(walk.problems))


class _CoreLoader(yaml.SafeLoader):
    """Resolves plain words as YAML 1.2's core schema does."""


_NULL, _BOOL, _INT, _FLOAT, _STR, _SEQ, _MAP = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
_CORE = (
    (_NULL, r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)
_CoreLoader.yaml_implicit_resolvers = {}  # its own, or the older rules would stay in force beside these
for _tag, _form, _first in _CORE:
    _CoreLoader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_form})$"), _first)


class _PlainLoader(_CoreLoader):
    """Refuses what refers to something else in the document, before anything is made of it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "values that refer to others (*name) cannot be used", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


class _Walk:
    """One pass over a composed document."""

    def __init__(self, *, file: str, has_lines: bool) -> None:
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._has_lines = has_lines
        self._open: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.places.setdefault(path, self._place(node))
        if any(node is around for around in self._open):
            self._complain(node, path, "refers to itself")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
                return dict(self._entries(node, path))
            if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _entries(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, Any]]:
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, path, "has a key that is not plain text")
                continue
            key: str = key_node.value
            if key in first_lines:
                what = f"is given twice, first in line {first_lines[key]}"
                self._complain(key_node, (*path, key), what, hint="remove one of the two")
                continue
            first_lines[key] = _line(key_node)
            self.places[(*path, key)] = self._place(key_node)
            yield key, self.value(value_node, (*path, key))

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        try:
            return _SCALARS[node.tag](node.value)
        except (KeyError, TypeError, ValueError):
            self._complain(node, path, f"cannot be read as {node.tag.rpartition(':')[2]}")
            return None

    def _place(self, node: yaml.Node) -> Place:
        return Place(file=self._file, line=_line(node) if self._has_lines else None)

    def _complain(self, node: yaml.Node, path: KeyPath, what: str, *, hint: str = "") -> None:
        place = self._place(node)
        self.problems.append(Problem(key=key_text(path), what=what, hint=hint, file=place.file, line=place.line))


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _whole_number(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Any] = {
    _NULL: lambda _: None,
    _BOOL: lambda text: {"true": True, "false": False}[text.lower()],
    _INT: _whole_number,
    _FLOAT: _number,
    _STR: str,
}


def _syntax_problem(error: yaml.YAMLError, *, text: str | bytes, file: str, at: KeyPath) -> Problem:
    """Say where the YAML breaks. The text itself is not quoted: it may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        what = f"is not valid YAML: {error.problem or error.context}"
        hint = "indent with spaces, not tabs" if r"'\t'" in what else ""
        return Problem(key=key_text(at), what=what, hint=hint, file=file, line=None if at else line)
    position = getattr(error, "position", 0)
    line = text[:position].count(b"\n" if isinstance(text, bytes) else "\n") + 1  # type: ignore[arg-type]
    what = "holds a character that YAML does not allow"
    hint = "save it as UTF-8 text"
    return Problem(key=key_text(at), what=what, hint=hint, file=file, line=None if at else line)
