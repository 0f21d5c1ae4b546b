"""The keys that people may write beside their recordings, and what is wrong with what they wrote. Pure.

A sidecar is text from somebody who may drop recordings: whoever reads it bounds its size, it may refer to nothing, and
nothing in it is a path, an address or a command. Which engines it may choose is in the recording's settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache

from pydantic import ValidationError

from voxtrald.config.engine import Language, Timestamps
from voxtrald.config.permitting import LONGEST_NAME, PlainName, SpeakerNames
from voxtrald.config.reading import Written, read_yaml
from voxtrald.config.refusing import problem_at, validation_problems
from voxtrald.config.sections import Formats
from voxtrald.config.shape import Section
from voxtrald.errors import Problem

MOST_PROBLEMS = 20

_REMEMBERED = 16  # a folder's files are read for each recording in it, and mostly are what they were
_SAVE_AS_TEXT = "save it as plain text in UTF-8"
# What the same thing is called in the administrator's file, or by people who guess.
_OTHER_NAMES: Mapping[str, str] = {
    "context_bias": "vocabulary",
    "names": "vocabulary",
    "words": "vocabulary",
    "output": "formats",
    "lang": "language",
    "kind": "engine",
    "model": "engine",
    "diarise": "diarize",
    "speaker": "speakers",
}


class Sidecar(Section):
    """What a `voxtrald.yaml` or `NAME.voxtrald.yaml` says. A key that nobody wrote leaves things as they are."""

    language: Language | None = None
    """The spoken language as a code such as lv, or null to let the model find out."""

    vocabulary: tuple[PlainName, ...] = ()
    """Names and terms the model should know how to spell."""

    diarize: bool = False
    """Whether the transcript tells speakers apart."""

    timestamps: Timestamps = "segment"
    """How finely the text is timed."""

    speakers: SpeakerNames = SpeakerNames({})
    """Names to show in place of the speakers' labels, such as {speaker_1: Anna}."""

    formats: Formats = ("txt",)
    """The files to make, by their endings."""

    engine: PlainName | None = None
    """Who transcribes, by a name that the administrator has given."""


KEYS = tuple(Sidecar.model_fields)


@lru_cache(maxsize=_REMEMBERED)
def read_sidecar(content: bytes, *, file: str) -> tuple[Sidecar | None, tuple[Problem, ...]]:
    """Read a sidecar; where something is wrong with it there is none, and everything that is wrong.

    Args:
        content: what the file holds: UTF-8, or UTF-16 with its mark.
        file: shown in problems.
    """
    written = read_yaml(content, file=file, takes_aliases=False)
    values = {} if written.values is None else written.values
    if not isinstance(values, dict):
        what = "must hold keys such as `language: lv`, not a single value or a list"
        return None, (*written.problems, problem_at(written, (), what=what))
    known = {name: value for name, value in values.items() if name in KEYS}
    problems = [*written.problems, *_unknown_keys(values, written)]
    sidecar = None
    try:
        sidecar = Sidecar.model_validate(known)
    except ValidationError as error:
        problems += validation_problems(error, written)
    problems.sort(key=lambda problem: problem.line or 0)
    return (None, tuple(problems[:MOST_PROBLEMS])) if problems else (sidecar, ())


def _unknown_keys(values: Mapping[str, object], written: Written) -> Iterator[Problem]:
    unknown = [name for name in values if name not in KEYS]
    for name in unknown[:MOST_PROBLEMS]:  # the file may hold thousands
        close = [_OTHER_NAMES[name.lower()]] if name.lower() in _OTHER_NAMES else get_close_matches(name.lower(), KEYS)
        hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(KEYS)}"
        yield problem_at(written, (name[:LONGEST_NAME],), what="is not a key that can be set here", hint=hint)


@lru_cache(maxsize=_REMEMBERED)
def read_names(content: bytes, *, file: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Read a list of names, one in each line; a line that begins with `#` is a remark.

    Args:
        content: what the file holds: UTF-8, or UTF-16 with its mark.
        file: shown in problems.
    """
    try:
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return (), (Problem(key="", what="holds what is no text", hint=_SAVE_AS_TEXT, file=file, line=line),)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    named = [(number, line) for number, line in lines if line and not line.startswith("#")]
    problems = [_unusable(number, file=file) for number, line in named if not _is_name(line)]
    return (() if problems else tuple(dict.fromkeys(line for _, line in named))), tuple(problems[:MOST_PROBLEMS])


def _is_name(line: str) -> bool:
    return len(line) <= LONGEST_NAME and line.isprintable()


def _unusable(line: int, *, file: str) -> Problem:
    what = f"is no name: it has more than {LONGEST_NAME} characters, or some that cannot be shown"
    return Problem(key="", what=what, hint="write one name in each line", file=file, line=line)
