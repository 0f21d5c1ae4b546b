"""What people wrote beside a recording, read when its work begins and laid over the administrator's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import structlog

from voxtrald.config import Layer, Overlaid, RecordingSettings, overlay, read_names, read_sidecar
from voxtrald.errors import Problem, SidecarRefused
from voxtrald.naming import shown
from voxtrald.store.sidecars import Beside, Sidecars, candidates

_LONGEST = 300

log = structlog.get_logger()

_HINT = "see the note in the error folder; the recording goes on by itself when the file is mended or removed"
_KEYS = """\
What can be set there, each line by itself:

    language: lv                      the language spoken, as a code of two or three letters
    vocabulary: [Rēzekne, Krāslava]   names and terms to know how to spell
    diarize: true                     tell speakers apart
    speakers: {speaker_1: Anna}       names for them
    timestamps: word                  word, segment or none
    formats: [txt, srt]               the files to make
"""
_NAMES = "A names.txt holds one name in each line; a line that begins with # is a remark.\n"


def consult(relative: str, *, settings: RecordingSettings, sidecars: Sidecars) -> Overlaid:
    """Read what counts for a recording and lay it over its settings; report what is at fault.

    Raises:
        SidecarRefused: one of the files cannot be used.
        RecordingChanged: the recording's folder is gone.
        StorageUnavailable: the inbox does not answer, or a report cannot be written.
    """
    if not settings.heeds_sidecars:
        return unchanged(settings)
    found = sidecars.read(relative)
    result = judge(found, settings=settings)
    faults = {} if isinstance(result, Overlaid) else result
    for candidate in candidates(relative):
        if candidate not in faults:
            sidecars.withdraw_report(candidate)
    if isinstance(result, Overlaid):
        if result.sources:
            keys = {key: list(map(shown, files)) for key, files in result.sources.items()}
            log.info("sidecars_read", keys=keys)
        return result
    for file, problems in faults.items():
        sidecars.report(file, note_text(file, problems, recording=relative, choices=tuple(settings.choices)))
    raise refusal(faults, found)


def unchanged(settings: RecordingSettings) -> Overlaid:
    """Give the administrator's settings as they are."""
    return Overlaid(settings=settings, service=settings.engine, choice="", sources={})


def judge(
    found: Sequence[Beside], *, settings: RecordingSettings
) -> Overlaid | Mapping[PurePosixPath, tuple[Problem, ...]]:
    """Lay files over settings; or tell what is wrong, by file."""
    read = {beside.relative: read_beside(beside) for beside in found}
    wrong = {file: result for file, result in read.items() if not isinstance(result, Layer)}
    if wrong:
        return wrong
    laid = overlay(settings, [result for result in read.values() if isinstance(result, Layer)])
    if isinstance(laid, Overlaid):
        return laid
    return {file: mine for file in read if (mine := tuple(problem for problem in laid if problem.file == str(file)))}


def read_beside(beside: Beside) -> Layer | tuple[Problem, ...]:
    """Read one file; or tell what is wrong with it."""
    file = str(beside.relative)
    if beside.fault:
        return (Problem(key="", what=beside.fault, file=file),)
    if beside.is_list:
        names, problems = read_names(beside.content, file=file)
        return problems or Layer(file=file, names=names)
    sidecar, problems = read_sidecar(beside.content, file=file)
    return problems or Layer(file=file, sidecar=sidecar)


# --- words --------------------------------------------------------------------------------------------------------


def refusal(faults: Mapping[PurePosixPath, Sequence[Problem]], found: Sequence[Beside]) -> SidecarRefused:
    """Say which files are at fault, and the first thing that is wrong."""
    marks = {beside.relative: beside.mark for beside in found if beside.relative in faults}
    first = next(iter(faults.values()))[0]
    named = " and ".join(shown(str(file)) for file in faults)
    what = " ".join(filter(None, [_line_of(first), _wrong(first)]))
    return SidecarRefused(f"{named} cannot be used: {what}", hint=_HINT, files=marks)


def note_text(file: PurePosixPath, problems: Sequence[Problem], *, recording: str, choices: Sequence[str] = ()) -> str:
    """Write the note about a file for the people who use the inbox."""
    return "\n".join(_note(file, problems, recording=recording, choices=choices))


def _note(file: PurePosixPath, problems: Sequence[Problem], *, recording: str, choices: Sequence[str]) -> Iterator[str]:
    yield f"{shown(str(file))} in the inbox cannot be used."
    yield ""
    yield from (f"  {_line_of(problem) or '-'} {_wrong(problem)}{_advice(problem)}" for problem in problems)
    yield ""
    yield f"Recordings that it is for wait in the inbox, {shown(recording)} among them. Nothing is lost."
    yield "Mend the file, or remove it: they go on by themselves, and this note disappears."
    yield ""
    yield _NAMES if file.name == "names.txt" else _KEYS + _choices(choices)


def _line_of(problem: Problem) -> str:
    return f"line {problem.line}:" if problem.line is not None else ""


def _wrong(problem: Problem) -> str:
    said = shown(f"`{problem.key}` {problem.what}" if problem.key else f"it {problem.what}")
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"  # it may quote what was written


def _advice(problem: Problem) -> str:
    return f" ({problem.hint})" if problem.hint else ""


def _choices(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"    engine: {names[0]:<26}who transcribes: {', '.join(map(shown, names))}\n"
